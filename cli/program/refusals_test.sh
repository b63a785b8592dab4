#!/bin/bash
# Bad input: exit code 64 and one sentence.
# shellcheck source-path=SCRIPTDIR disable=SC2317
source "$(dirname -- "$0")/harness.sh"

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
  refused "no operation, family or case" check 'conv:*ic=999*'
}

test_bugs_are_planted_in_a_build_of_their_own() {
  refused "no bug is planted in this program" mutate
  refused "no bug is planted in this program" mutate 'conv.*' --list
  refused "--jobs" mutate --jobs 0
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

run_tests
