#!/bin/bash
# Runs the built program as a user does: real command lines, bad input, interruption.
#
#   program_test.sh PROGRAM [TEST...]     all tests, or those named
#
# Tests are called through a variable (SC2317).
# shellcheck disable=SC2317
set -uo pipefail
export LC_ALL=C
unset NO_COLOR

program=$(realpath -- "$1")
here=$(realpath -- "$(dirname -- "$0")")
shift

set_up() {
  stage=$(mktemp -d)
  trap 'chmod -R u+w "$stage"; rm -rf "$stage"' EXIT
  mkdir "$stage/work"
  cd "$stage/work" || exit
}

# call ARG...: runs the program, keeps $out, $err and $code.
call() {
  "$program" "$@" >"$stage/out" 2>"$stage/err" </dev/null
  code=$?
  out=$(<"$stage/out") err=$(<"$stage/err")
}

fail() {
  printf '%s\n' "FAILED ${FUNCNAME[2]}: $*" "code: ${code-}" "stdout: ${out-}" "stderr: ${err-}"
  exit 1
}
expect_code() { [[ $code == "$1" ]] || fail "exit code is not $1"; }
expect_in() { [[ $2 == *"$1"* ]] || fail "no '$1' in '$2'"; }
expect_not_in() { [[ $2 != *"$1"* ]] || fail "'$1' in '$2'"; }
expect_equal() { [[ $1 == "$2" ]] || fail "'$1' is not '$2'"; }

# refused WORDS ARG...: exit code 64, nothing on stdout, and one sentence on stderr that holds WORDS.
refused() {
  local words=$1
  shift
  call "$@"
  expect_code 64
  expect_equal "$out" ""
  expect_equal "$(wc -l <"$stage/err")" 1
  expect_in "gradproof: " "$err"
  expect_in "$words" "$err"
}

conv=conv:mb=1,ic=2,ih=5,iw=4,oc=2,kh=3,kw=3

# --- bad input --------------------------------------------------------------------------------------------------------

test_bad_cases_are_refused() {
  refused "mb=0 must be between 1 and" check conv:mb=0
  refused "unknown key 'banana'" check "$conv,banana=1"
  refused "larger than the padded input" check "$conv,dh=3"
  refused "must divide both" check "$conv,g=3"
  refused "iw (input width) is missing" check conv:mb=1,ic=1,oc=1,kw=1
  refused "given twice" check "$conv,mb=1"
  refused "is not a number" check conv:mb=two
  refused "at most 2147483647" check relu:mb=1000000000,c=1000000000,i=9
  refused "unknown operation 'conf'" check conf:mb=1
  refused "unknown operation 'conf'" eval conf:mb=1 --out out
  refused "is not a case" eval conv --out out
}

test_bad_flags_are_refused() {
  refused "--banana" check --banana
  refused "--banana" list --banana
  refused "--seed" check --seed x
  refused "--tier" check --tier huge
  refused "--jobs" check --jobs 0
  refused "--threads" bench --threads -1
  refused "unknown subcommand '--records'" --records
  refused "subcommand"
  refused "banana" banana
  refused "gate" gate
  refused "RECORDS" report --html x.html
  refused "--out" eval "$conv"
}

test_what_matches_nothing_is_refused() {
  refused "are conv " list banana
  refused "are conv " check banana
  refused "are conv " bench banana
  refused "unknown oracle 'banana'" check conv --oracle banana
  refused "banana" check conv --impl banana
  refused "banana" bench relu --sizes smoke --impl banana
  refused "simd" eval "$conv" --impl banana --out out
  refused "no case" check 'conv:*ic=999*'
}

test_unreadable_files_are_refused() {
  refused "no.jsonl" report no.jsonl --html x.html
  refused "$PWD" report "$PWD" --html x.html
  echo nonsense >bad.jsonl
  refused "bad.jsonl" report bad.jsonl --html x.html
  : >empty.jsonl
  refused "empty.jsonl" report empty.jsonl --html x.html
  refused "no.txt" bench --sizes no.txt
  echo 'conv1 conv:mb=0' >bad.txt
  refused "bad.txt:1" bench --sizes bad.txt
  refused "no.npy" eval "$conv" --in src=no.npy --out out
  echo nonsense >bad.npy
  refused "bad.npy" eval "$conv" --in src=bad.npy --out out
  refused "SLOT=FILE" eval "$conv" --in src --out out
  [[ ! -e x.html && ! -e out ]] || fail "wrote something"
}

test_unwritable_outputs_are_refused_before_the_work() {
  local begin=$SECONDS
  refused "no/x.jsonl" check --records no/x.jsonl
  refused "no/x.xml" check --junit no/x.xml
  refused "no/x.jsonl" bench --records no/x.jsonl
  refused "directory" check --records .
  refused "two outputs" check --records x --junit ./x
  echo '{}' >a.jsonl
  refused "no/x.html" report a.jsonl --html no/x.html
  refused "no output" report a.jsonl
  : >file
  refused "file" eval "$conv" --out file
  refused "file" eval "$conv" --out file/below
  : >gradproof-results
  refused "gradproof-results" run
  (( SECONDS - begin < 20 )) || fail "worked before it tried the output"
}

test_a_full_disk_is_reported() {
  [[ -w /dev/full ]] || exit 77
  "$program" list >/dev/full 2>"$stage/err"
  code=$? out='' err=$(<"$stage/err")
  expect_code 64
  expect_in "standard output" "$err"
  refused "/dev/full" check relu:mb=1,c=1,i=2 --oracle forward --impl simd --records /dev/full
}

test_the_test_subcommand_points_to_the_launcher() {
  refused "./gradproof test" test
  refused "./gradproof test" test -R conv
}

# --- what works -------------------------------------------------------------------------------------------------------

test_help_lists_every_subcommand() {
  call --help
  expect_code 0
  for name in list check bench report eval verify onnx run gate serve test; do expect_in "  $name " "$out"; done
  call check --help
  expect_code 0
  expect_in "--oracle" "$out"
}

test_list_names_what_there_is() {
  call list
  expect_code 0
  for name in conv max_pool batch_norm relu linear vjp:weights simd fd adjoint; do expect_in "$name" "$out"; done
  call list 'max*'
  expect_in max_pool "$out"
  expect_not_in batch_norm "$out"
  command -v python3 >/dev/null || return 0
  call list --json
  expect_code 0
  python3 - "$stage/out" <<'END' || fail "not the JSON that was promised"
import json, sys
operations = json.load(open(sys.argv[1]))
conv = next(o for o in operations if o["op"] == "conv")
assert conv["passes"] == ["forward", "vjp:src", "vjp:weights", "vjp:bias"], conv
assert {"name": "weights", "role": "input", "differentiable": True} in conv["slots"], conv
assert "simd" in conv["impls"] and "fd" in conv["oracles"], conv
assert 0 < conv["cases"]["smoke"] < conv["cases"]["full"] and conv["cases"]["bench"] > 0, conv
END
}

test_check_passes_writes_and_reports() {
  call check relu --tier smoke --records r.jsonl --junit r.xml
  expect_code 0
  expect_in "relu" "$out"
  expect_not_in $'\033' "$out$err"
  grep -q '"kind":"environment"' r.jsonl || fail "no environment"
  grep -q '"status":"pass"' r.jsonl || fail "no check"
  grep -q '<testsuite' r.xml || fail "no JUnit"
  call report r.jsonl --html r.html --markdown r.md --csv r.csv
  expect_code 0
  for file in r.html r.md r.csv; do [[ -s $file ]] || fail "no $file"; done
  expect_equal "$(find . -name '*.tmp')" ""
}

test_check_takes_one_case_and_one_oracle() {
  call check "$conv" --oracle forward,vjp --impl simd --seed 5 --records r.jsonl
  expect_code 0
  expect_equal "$(grep -c '"kind":"check"' r.jsonl)" 4
  grep -q '"seed":5' r.jsonl || fail "another seed"
}

test_check_takes_a_file_of_cases() {
  printf '%s\n' '# kept' 'relu:mb=1,c=2,i=4  seed=7  # why' '' 'relu:mb=1,c=3,iw=5' >kept.txt
  call check --cases kept.txt --oracle forward --impl simd --records r.jsonl
  expect_code 0
  expect_equal "$(grep -c '"kind":"check"' r.jsonl)" 2
  grep '"case":"relu:mb=1,c=2,ih=4,iw=4"' r.jsonl | grep -q '"seed":7' || fail "another seed"
  echo banana:mb=1 >>kept.txt
  refused "kept.txt:5: unknown operation 'banana'" check --cases kept.txt
  refused "no.txt" check --cases no.txt
  : >empty.txt
  refused "holds no case" check --cases empty.txt
}

test_fuzz_draws_checks_and_goes_on() {
  call fuzz relu linear --draws 4 --seconds 60 --seed 3 --oracle forward,vjp --save kept.txt --records r.jsonl
  expect_code 0
  expect_in "nothing failed" "$out"
  expect_in "Go on with ./gradproof fuzz 'relu' 'linear' --seed 3 --from 4" "$out"
  [[ ! -e kept.txt ]] || fail "kept what did not fail"
  call fuzz relu --from 4 --draws 1 --shard 2/3 --seed 3
  expect_code 0
  expect_in "--shard 2/3" "$out"
}

test_fuzz_without_sense_is_refused() {
  refused "are conv " fuzz banana
  refused "no time" fuzz relu --minutes 0
  refused "--shard 4/3" fuzz relu --shard 4/3
  refused "--shard x" fuzz relu --shard x
  refused "--draws" fuzz relu --draws 0
  refused "unknown oracle 'banana'" fuzz relu --oracle banana
  refused "no operation chosen has an implementation 'cuda'" fuzz relu --impl cuda
  echo banana >bad.txt
  refused "bad.txt:1" fuzz relu --save bad.txt
  refused "none of these oracles" fuzz relu --oracle invalid
}

test_bench_measures_what_was_verified() {
  call bench relu:mb=1,c=4,i=16 --threads 1 --records r.jsonl
  expect_code 0
  expect_in "relu" "$out"
  grep '"kind":"timing"' r.jsonl | grep -q '"verified":\[' || fail "nothing verified"
}

test_run_checks_measures_and_reports() {
  call run relu max_pool --sizes smoke
  expect_code 0
  expect_equal "$(cd gradproof-results && echo *)" "records.jsonl report.html report.md"
  for kind in environment check timing roof; do
    grep -q "\"kind\":\"$kind\"" gradproof-results/records.jsonl || fail "no $kind record"
  done
  expect_equal "${out##*$'\n'}" "The report is gradproof-results/report.html"
  ! grep -q '"op":"conv"' gradproof-results/records.jsonl || fail "conv was not asked for"
  refused "unknown operation 'banana'" run banana
}

test_eval_writes_every_tensor() {
  call eval "$conv" --out out
  expect_code 0
  expect_equal "$(cd out && echo *)" "bias.npy diff_bias.npy diff_dst.npy diff_src.npy diff_weights.npy dst.npy src.npy weights.npy"
  call eval "$conv" --in src=out/src.npy --in diff_dst=out/diff_dst.npy --out again
  expect_code 0
  for file in out/*.npy; do cmp "$file" "again/${file#out/}" || fail "$file differs"; done
  call eval "$conv" --impl reference --in src=out/src.npy --out reference
  expect_code 0
  grep -q "<f8" reference/dst.npy || fail "the reference is float64"
  refused "shape" eval "$conv" --in src=out/dst.npy --out out
  refused "float64" eval "$conv" --in src=reference/src.npy --out out
}

test_eval_writes_class_activation_maps_at_any_size() {
  call eval gap_net:mb=1,ih=5,iw=9,ic=1,classes=3 --out scores
  expect_code 0
  for size in ih=5,iw=9 ih=12,iw=7; do
    call eval "gap_net:mb=1,$size,ic=1,classes=3,maps=1" --in linear_weights=scores/linear_weights.npy --out "$size"
    expect_code 0
    expect_in "dst.npy  float32 1x3x$(sed 's/i[hw]=//g; s/,/x/' <<<"$size")" "$out"
  done
}

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
  local python document="$here/../docs/verify.md"
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

test_onnx_passes_every_covered_test() {
  local data=/usr/include/onnx/backend/test/data
  [[ -d $data ]] || exit 77
  call onnx "$data" --records r.jsonl
  expect_code 0
  expect_in "284 tests covered, in both forms: 284 passed, 0 failed, 0 skipped; 788 not covered" "$out"
  grep -q '"oracle":"onnx","impl":"simd"' r.jsonl || fail "no record"
  cp -r "$data/node/test_tanh" wrong
  printf '\x40' | dd of=wrong/test_data_set_0/output_0.pb bs=1 seek=200 conv=notrunc status=none
  call onnx wrong
  expect_code 1
  head -c 100 "$data/node/test_tanh/test_data_set_0/input_0.pb" >wrong/test_data_set_0/input_0.pb
  refused "input_0.pb" onnx wrong
}

test_onnx_refuses_what_is_no_test() {
  refused "DIR" onnx
  refused "no/such" onnx no/such
  refused "no model.onnx" onnx .
  mkdir empty
  : >empty/model.onnx
  call onnx empty
  expect_code 64
  expect_in "a model without operators" "$out"
  expect_in "nothing was checked" "$err"
  echo nonsense >empty/model.onnx
  refused "empty/model.onnx" onnx empty
}

test_an_interrupted_run_leaves_nothing() {
  local signal
  for signal in INT TERM KILL; do
    setsid env --default-signal=INT "$program" check --tier full --records r.jsonl --junit r.xml >/dev/null 2>&1 &
    local pid=$!
    sleep 0.7
    # To the group: a terminal's Ctrl-C reaches worker processes too.
    kill "-$signal" -- "-$pid" 2>/dev/null || fail "it was done before it could be interrupted"
    wait "$pid" 2>/dev/null
    code=$?
    [[ $code != 0 ]] || fail "interrupted and 0"
    expect_equal "$(ls -A)" ""
  done
}

# --- the gate ---------------------------------------------------------------------------------------------------------

gate_row=relu:mb=1,c=8,i=16

test_gates_without_sense_are_refused() {
  refused "nothing to compare with" gate
  refused "is not a program that can be started" gate --baseline /nowhere/gradproof
  refused "cannot write" gate --baseline "$program" --records /nowhere/r.jsonl "$gate_row"
  refused "no planted slowdown" gate --baseline "$program" --plant five "$gate_row"
  refused "no planted slowdown" gate --baseline "$program" --plant 'nan%:*' "$gate_row"
  refused "--core 999 is none" gate --baseline "$program" --core 999 "$gate_row"
  refused "no row matches 'conv:*'" gate --baseline "$program" --plant '5%:conv:*' "$gate_row"
  refused "needs --reason" gate --bless "$gate_row"
  echo nonsense >errors.txt
  refused "errors.txt:1" gate --baseline "$program" --exactness errors.txt "$gate_row"
}

test_programs_that_cannot_be_compared_have_codes_of_their_own() {
  call gate --baseline /bin/false "$gate_row"
  expect_code 31
  expect_in "does not speak the gate's protocol" "$err"
  printf '#!/bin/bash\nread -r line; echo "{\\"protocol\\":99}"\n' >newer
  printf '#!/bin/bash\nread -r line; echo "{\\"protocol\\":1,\\"environment\\":{\\"compiler\\":\\"other\\"}}"; read -r line\n' >other
  chmod +x newer other
  call gate --baseline ./newer "$gate_row"
  expect_code 30
  expect_in "version 99" "$err"
  call gate --baseline ./other "$gate_row"
  expect_code 30
  expect_in "compilers" "$err"
  call gate --baseline ./other --allow-mismatch "$gate_row"
  expect_code 41
  expect_equal "$(wc -l <<<"$err")" 1
}

# What the clock says is nobody's test; that rows were measured, and that a planted half is seen, is.
test_gate_finds_what_is_planted() {
  call gate --baseline "$program" --quick --minutes 0.3 --plant '50%:relu:*forward' "$gate_row" --records r.jsonl
  case $code in
    10) expect_in "FAIL" "$out" ;;
    40) expect_in "INVALID" "$out" ;;  # too much else was going on
    *) fail "a slowdown by half was not seen" ;;
  esac
  expect_in '"kind":"gate"' "$(<r.jsonl)"
  expect_in '"kind":"gate_row"' "$(<r.jsonl)"
}

test_a_killed_gate_leaves_nothing() {
  "$program" gate --baseline "$program" --minutes 1 conv --records r.jsonl >/dev/null 2>&1 &
  local pid=$! children
  sleep 3
  children=$(pgrep -P "$pid") || fail "no program was started"
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null
  sleep 0.5
  for child in $children; do
    # One that nobody has buried yet is dead all the same.
    grep -qvE '^State:.[ZX]' <(grep '^State:' "/proc/$child/status" 2>/dev/null) && fail "process $child is still there"
  done
  expect_equal "$(ls -A)" ""
}

# --- run them ---------------------------------------------------------------------------------------------------------

if (( ! $# )); then
  mapfile -t tests < <(compgen -A function test_)
else
  tests=("${@/#/test_}")
fi
failed=0
for test in "${tests[@]}"; do
  (set_up && "$test")
  result=$?
  case $result in
    0) echo "ok $test" ;;
    77) echo "skipped $test"; (( ${#tests[@]} > 1 )) || exit 77 ;;
    *) failed=1 ;;
  esac
done
exit $failed
