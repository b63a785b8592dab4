#!/bin/bash
# Runs clang-format or clang-tidy over the project's sources: those that git tracks or would track.
#
#   habits.sh format                  lay the sources out
#   habits.sh format-check            say what would change
#   habits.sh lint BUILD-DIRECTORY    clang-tidy with the settings in .clang-tidy
#   habits.sh snippets                every line of C++ in CONTRIBUTING.md is a line of the worked examples' files
#   habits.sh prefetches              functions that only prefetch are always inlined: GCC leaves out calls of others
#
# Exit codes: 0 clean, 77 the program is not installed (ctest counts that as skipped), else something is to be mended.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."

# Other versions of clang-format lay out the same settings differently, so the version is part of the style.
version=14

need() { command -v "$1" >/dev/null || { echo "skipped: $1 is not installed"; exit 77; }; }
# safe.directory: a checkout owned by someone else (a container's volume) is read all the same.
# A file that is deleted but not yet staged is still listed, so existence is checked.
sources() {
  git -c safe.directory='*' ls-files -z --cached --others --exclude-standard --deduplicate -- "$@" |
    while IFS= read -r -d '' file; do if [[ -e $file ]]; then printf '%s\0' "$file"; fi; done
}

case ${1-} in
  format)
    need clang-format-$version
    sources '*.h' '*.cc' | xargs -0 -r clang-format-$version -i ;;
  format-check)
    need clang-format-$version
    sources '*.h' '*.cc' | xargs -0 -r clang-format-$version --dry-run -Werror ;;
  lint)
    need clang-tidy-$version
    # Clang is given the commands without GCC's precompiled headers, is not to mind warnings that only GCC knows, and
    # finds <quadmath.h> where GCC keeps it.
    build=${2:?which build directory?}
    commands=$(mktemp -d)
    trap 'rm -rf -- "$commands"' EXIT
    sed -E 's/ -Winvalid-pch| -include [^ "]*cmake_pch\.hxx//g' "$build/compile_commands.json" >"$commands/compile_commands.json"
    # Highway compiles *_simd.cc once a target by including them into themselves and names its functions in its own
    # way; clang-tidy would see only one target of them, so they are left out.
    sources '*.cc' ':!*_simd.cc' |
      xargs -0 -r -n 1 -P "$(nproc)" clang-tidy-$version -p "$commands" --quiet --warnings-as-errors='*' \
          --extra-arg=-Wno-unknown-warning-option --extra-arg="-idirafter$(c++ -print-file-name=include)" ;;
  snippets)
    # Comments and layout may differ, and "..." stands for what is left out.
    awk '
      function bare(line) { sub(/[ \t]*\/\/ .*$/, "", line); gsub(/^[ \t]+|[ \t]+$/, "", line); return line }
      FILENAME != "CONTRIBUTING.md" { known[bare($0)] = 1; next }
      /^```/ { inside = /^```cpp/; next }
      inside && bare($0) != "" && bare($0) != "..." {
        ++seen
        if (!(bare($0) in known)) { printf "CONTRIBUTING.md:%d: not in the code: %s\n", FNR, bare($0); bad = 1 }
      }
      END { if (!seen) print "CONTRIBUTING.md holds no C++"; exit bad || !seen }
    ' ops/pool/max_pool.cc reference/pool.cc checks/property/convolution.cc CONTRIBUTING.md ;;
  prefetches)
    # docs/decisions/0032-a-line-a-step.md
    ! sources 'ops/*.h' 'ops/*.cc' | xargs -0 -r grep -nE '\bvoid [A-Za-z]*Prefetch[A-Za-z]*\(' | grep -v HWY_INLINE ;;
  *)
    echo "habits.sh: '${1-}' is not one of format, format-check, lint, snippets, prefetches" >&2
    exit 64 ;;
esac
