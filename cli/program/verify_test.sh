#!/bin/bash
# Tensors of other libraries.
# shellcheck source-path=SCRIPTDIR disable=SC2317
source "$(dirname -- "$0")/harness.sh"

test_verify_judges_what_eval_writes() {
  call eval "$conv" --out out
  local inputs=(--in src=out/src.npy --in weights=out/weights.npy --in bias=out/bias.npy --in diff_dst=out/diff_dst.npy)
  call verify "$conv" "${inputs[@]}" --got dst=out/dst.npy --got diff_src=out/diff_src.npy --records r.jsonl
  expect_code 0
  expect_in "2 tensors: every element is within its bound" "$out"
  grep -q '"pass":"vjp:src","oracle":"verify","impl":"given"' r.jsonl || fail "no record"
  cp out/diff_src.npy wrong.npy
  printf '\x00\x00\x80\x3f' | dd of=wrong.npy bs=1 seek=$((128 + 4 * 21)) conv=notrunc status=none
  call verify "$conv" "${inputs[@]}" --got dst=out/dst.npy --got diff_src=wrong.npy
  expect_code 1
  expect_in "diff_src[0,1,0,1]: 1 of 40 elements" "$out"
  expect_in "1 of 2 tensors not shown to be within bounds" "$out"
  printf '\x00\x00\xc0\x7f' | dd of=wrong.npy bs=1 seek=128 conv=notrunc status=none
  call verify "$conv" "${inputs[@]}" --got diff_src=wrong.npy
  expect_code 1
  expect_in "∞" "$out"
  expect_in "nan" "$out"
}

test_verify_refuses_what_makes_no_sense() {
  call eval "$conv" --out out
  local inputs=(--in src=out/src.npy --in weights=out/weights.npy --in bias=out/bias.npy)
  refused "--got" verify "$conv" "${inputs[@]}"
  refused "SLOT=FILE" verify "$conv" "${inputs[@]}" --got dst
  refused "there are dst diff_src diff_weights diff_bias" verify "$conv" "${inputs[@]}" --got src=out/src.npy
  refused "there are src weights bias diff_dst" verify "$conv" --in dst=out/dst.npy --got dst=out/dst.npy
  refused "give it with --in diff_dst=" verify "$conv" "${inputs[@]}" --got diff_src=out/diff_src.npy
  refused "given twice" verify "$conv" "${inputs[@]}" --got dst=out/dst.npy --got dst=out/dst.npy
  refused "no such pass" verify "$conv" "${inputs[@]}" --got dst=out/dst.npy --pass sideways
  refused "no.npy" verify "$conv" "${inputs[@]}" --got dst=no.npy
  refused "the case asks for" verify "$conv" "${inputs[@]}" --got dst=out/src.npy
  head -c 150 out/dst.npy >short.npy
  refused "holds 22 bytes of data" verify "$conv" "${inputs[@]}" --got dst=short.npy
  refused "holds 22 bytes of data" eval "$conv" --in src=short.npy --out again
  refused "no/r.jsonl" verify "$conv" "${inputs[@]}" --got dst=out/dst.npy --records no/r.jsonl
  refused "choose a smaller case" verify relu:mb=100,c=1000,iw=1000 --got dst=out/dst.npy
}

# The first Python that has the module; pyenv's may hide the system's.
python_with() {
  local python
  for python in python3 /usr/bin/python3; do
    "$python" -c "import $1" 2>/dev/null && { echo "$python"; return; }
  done
  exit 77
}

# fenced LANGUAGE: the first block of it in docs/verify.md.
fenced() { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$document" | sed '1d;$d'; }

test_verify_holds_for_pytorch_as_documented() {
  local python document="$root/docs/verify.md"
  python=$(python_with torch) || exit 77
  fenced python >save.py
  "$python" save.py || fail "the documented script"
  ln -s "$program" gradproof
  fenced bash >verify.sh
  bash -e verify.sh >printed || fail "the documented commands: $(<printed)"
  expect_equal "$(grep -c "4 tensors: every element is within its bound" printed)" 2
}

test_verify_holds_for_gradients_of_numpy() {
  local python kind
  python=$(python_with numpy) || exit 77
  "$python" - <<'END' || fail "numpy"
import numpy as np
rng = np.random.default_rng(1)
for kind in "float32", "float64":
    x, w, b, u = (rng.standard_normal(s).astype(kind) for s in ((4, 5), (3, 5), (3,), (4, 3)))
    names = {"src": x, "weights": w, "bias": b, "diff_dst": u, "dst": x @ w.T + b, "diff_src": u @ w,
             "diff_weights": u.T @ x, "diff_bias": u.sum(0), "wrong": (u @ w) * (1 + 1e-5), "transposed": (w.T @ u.T).T}
    for name, values in names.items():
        np.save(f"{name}.{kind}.npy", values)
END
  for kind in float32 float64; do
    local inputs=(--in "src=src.$kind.npy" --in "weights=weights.$kind.npy" --in "bias=bias.$kind.npy" --in "diff_dst=diff_dst.$kind.npy")
    call verify linear:mb=4,ic=5,oc=3 "${inputs[@]}" --got "dst=dst.$kind.npy" --got "diff_src=diff_src.$kind.npy" \
      --got "diff_weights=diff_weights.$kind.npy" --got "diff_bias=diff_bias.$kind.npy"
    expect_code 0
    call verify linear:mb=4,ic=5,oc=3 "${inputs[@]}" --got "diff_src=transposed.$kind.npy"
    expect_code 0
    call verify linear:mb=4,ic=5,oc=3 "${inputs[@]}" --got "diff_src=wrong.$kind.npy"
    expect_code 1
  done
  refused "float32 does not hold" verify linear:mb=4,ic=5,oc=3 "${inputs[@]}" --got dst=dst.float32.npy
}

run_tests
