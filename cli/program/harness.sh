# What the tests of the built program share: each *_test.sh beside this file reads it first and ends with run_tests.
#
#   X_test.sh PROGRAM [TEST...]     all tests of the file, or those named
#
# Tests are called through a variable (SC2317), and use what is set here (SC2034).
# shellcheck shell=bash disable=SC2317,SC2034
set -uo pipefail
export LC_ALL=C
unset NO_COLOR

program=$(realpath -- "$1")
root=$(realpath -- "$(dirname -- "$0")/../..")
shift
asked=("$@")

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

# The tests named on the command line, or all; 77 where one that was named is skipped.
run_tests() {
  local tests test result failed=0
  if (( ! ${#asked[@]} )); then
    mapfile -t tests < <(compgen -A function test_)
  else
    tests=("${asked[@]/#/test_}")
  fi
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
}
