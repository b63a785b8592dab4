#!/bin/bash
# Mechanical mutants of the kernels, of the reference or of the checks: a sample of all operators, calls and whole numbers
# that could be others, planted as switches and tried as gradproof mutate tries those of the catalogue. Survivors are
# holes in the cases, or equivalent.
#
#   mutants/mechanical.sh [--seed N] [--count N] [--below FOLDER] [MUTATE-OPTION...]     --below ops/norm, reference, checks
#
# Builds in build/mechanical (GRADPROOF_BUILD_DIR). A switch cannot stand in what is known while compiling; such places
# are found by compiling, and left out.
set -euo pipefail
root=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")
build=$(realpath -m -- "${GRADPROOF_BUILD_DIR:-$root/build/mechanical}")
seed=1 count=150 folder=ops
while (( $# )); do
  case $1 in
    --seed) seed=$2; shift 2 ;;
    --count) count=$2; shift 2 ;;
    --below) folder=$2; shift 2 ;;
    *) break ;;
  esac
done

say() { printf 'mechanical: %s\n' "$*" >&2; }
mkdir -p -- "$build"
: >"$build/left_out"
"${CXX:-c++}" -std=c++20 -O1 "-I$root" "$root"/mutants/{sample,mechanical,catalogue}.cc -o "$build/sample"

# Each round leaves out what the compiler refused in the one before.
compile() {
  "$build/sample" "$seed" "$count" "$root" "$folder" "$build/left_out" >"$build/mechanical.txt"
  cmake -S "$root" -B "$build" --preset mutate "-DGRADPROOF_CATALOGUE=$build/mechanical.txt" >"$build/log" 2>&1 &&
    cmake --build "$build" --target gradproof -- -k0 >>"$build/log" 2>&1
}
rounds=0
until compile; do
  # A planted file begins with one line of its own.
  refused=$(sed -nE 's/^.*\/planted\/((ops|reference|checks)\/[^:]+):([0-9]+):[0-9]+: error:.*/\1 \3/p' "$build/log" | sort -u |
            awk '{ print $1 ":" $2 - 1 }')
  if [[ -z $refused ]] || (( ++rounds == 6 )); then
    tail -n 30 -- "$build/log" >&2
    say "the sample cannot be built; the compiler's output is above and in $build/log"
    exit 70
  fi
  sort -u -o "$build/left_out" "$build/left_out" - <<<"$refused"
  say "left out $(wc -l <"$build/left_out") places where no switch can stand"
done
exec "$build/cli/gradproof" mutate "$@"
