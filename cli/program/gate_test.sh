#!/bin/bash
# One build against another.
# shellcheck source-path=SCRIPTDIR disable=SC2317
source "$(dirname -- "$0")/harness.sh"

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

run_tests
