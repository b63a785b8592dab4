#!/bin/bash
# ONNX's own backend tests.
# shellcheck source-path=SCRIPTDIR disable=SC2317
source "$(dirname -- "$0")/harness.sh"

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

run_tests
