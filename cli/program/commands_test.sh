#!/bin/bash
# Commands that work, and what is left when they are interrupted.
# shellcheck source-path=SCRIPTDIR disable=SC2317
source "$(dirname -- "$0")/harness.sh"

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

test_shards_share_the_checks() {
  for i in 1 2 3; do
    call check linear --tier smoke --shard "$i/3" --records "part$i.jsonl"
    expect_code 0
  done
  call check linear --tier smoke --records whole.jsonl
  checks() { grep -h '"kind":"check"' "$@" | sed 's/,"seconds":[^,]*//' | sort; }
  [[ "$(checks whole.jsonl)" == "$(checks part?.jsonl)" ]] || fail "the shards are not the whole"
  cat part?.jsonl >merged.jsonl
  call report merged.jsonl --csv merged.csv
  expect_code 0
  OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=3 call check linear --tier smoke --shard auto --records auto.jsonl
  [[ "$(checks auto.jsonl)" == "$(checks part2.jsonl)" ]] || fail "rank 1 is not shard 2"
  call check relu --self --shard 1/2
  expect_code 0
  refused "nothing falls to shard 2/2, with 1 case in all" check linear:mb=2,ic=3,oc=2 --shard 2/2
  refused "--shard 0/2" check linear --shard 0/2
  refused "no launcher" check linear --shard auto
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

run_tests
