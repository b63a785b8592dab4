#!/bin/bash
# Runs every fuzzer in turn, each for an equal part of the time, and says what became of it.
#
#   fuzz_readers.sh BUILD-DIRECTORY READER...       GRADPROOF_FUZZ_MINUTES: of all together, 10 if it is not given
#
# They begin with the files in seeds/READER and with the repository's own, and go on from what earlier runs have found in
# BUILD-DIRECTORY/corpus. Bytes at which a fuzzer ended are in BUILD-DIRECTORY/crashes: fuzz_READER FILE repeats it.
#
# Exit codes: 0 no crash, 1 a crash, 64 wrong use.
set -euo pipefail
root=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")
build=${1:?which build directory?}
: "${2:?which readers?}"
readers=("${@:2}")
minutes=${GRADPROOF_FUZZ_MINUTES:-10}
if ! [[ $minutes =~ ^[0-9]+(\.[0-9]+)?$ ]]; then
  echo "fuzz_readers.sh: GRADPROOF_FUZZ_MINUTES=$minutes is no number of minutes; write for instance 10" >&2
  exit 64
fi
seconds=$(awk "BEGIN { print int(1 + 60 * $minutes / ${#readers[@]}) }")

# Lines of the input, each a file of its own in the directory.
split_lines() { awk -v directory="$1" '{ file = sprintf("%s/%04d", directory, NR); printf "%s", $0 > file; close(file) }'; }
largest() { sed -E 's/=[0-9.]+/=1000000000/g'; }
cases() { grep -oh '[a-z][a-z0-9_]*:[a-z][a-z0-9_]*=[^ ]*' "$@"; }

# What of the repository's own files a reader reads, in parts: the smaller a seed, the faster it is varied.
own_seeds() {
  cd -- "$root"
  case $1 in
    case) cases checks/found_cases.txt bench/shapes/*.txt | tee >(largest) | sort -u | split_lines "$2" ;;
    case_file) cp checks/found_cases.txt "$2" ;;
    catalogue) grep -v '^#' mutants/catalogue.txt | head -60 >"$2/catalogue" ;;
    exactness) head -12 reports/baseline/exactness.txt >"$2/exactness" ;;
    pattern) cases mutants/catalogue.txt | split_lines "$2" ;;
    shapes) find bench/shapes -name '*.txt' -size -3 -exec cp {} "$2" \; ;;
  esac
}

run() {
  local reader=$1 corpus=$build/corpus/$1 own=$build/own_seeds/$1
  rm -rf -- "$own"
  mkdir -p -- "$corpus" "$own" "$build/crashes"
  (own_seeds "$reader" "$own")
  local seeds=()
  if [[ -d $root/fuzzers/seeds/$reader ]]; then seeds=("$root/fuzzers/seeds/$reader"); fi
  # An input has a few KB: what takes more memory than these limits, or seconds, is no better than a crash.
  "$build/fuzz_$reader" "$corpus" "${seeds[@]}" "$own" -max_total_time="$seconds" -timeout=30 -report_slow_units=30 \
    -malloc_limit_mb=16 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$build/crashes/$reader-" \
    >"$build/$reader.log" 2>&1
}

crashed=()
for reader in "${readers[@]}"; do
  outcome='no crash'
  if ! run "$reader"; then
    outcome="crash, see $build/$reader.log"
    crashed+=("$reader")
  fi
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$reader.log")
  printf '%-12s %12s executions  %s\n' "$reader" "${executions:-no}" "$outcome"
done
echo "${#crashed[@]} of ${#readers[@]} fuzzers found a crash"
(( ! ${#crashed[@]} ))
