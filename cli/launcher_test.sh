#!/bin/bash
# Tests of the launcher on a toy checkout: its "compiler" is a copy command, and packages, root and sudo are stand-ins
# that record what they are asked. Nothing is installed and nothing outside a temporary directory is touched.
#
#   cli/launcher_test.sh [TEST...]     all tests, or those named
#
# Stand-ins are shell text to be expanded later (SC2016), package lists are meant to split (SC2086), tests are called
# through a variable (SC2317), and PATH is changed on purpose (SC2123).
# shellcheck disable=SC2016,SC2086,SC2317,SC2123
set -uo pipefail
export LC_ALL=C
unset "${!GRADPROOF_@}" CMAKE_BUILD_PARALLEL_LEVEL

launcher=$(realpath -- "$(dirname -- "$0")/../gradproof")
ci_run=$(dirname -- "$launcher")/.ci/run
all_packages='g++ cmake ninja-build libfmt-dev libboost1.81-dev libgmp-dev libmpfr-dev libhwy-dev libcli11-dev nlohmann-json3-dev libbenchmark-dev libgtest-dev libjs-chart.js'

# --- the stage --------------------------------------------------------------------------------------------------------

set_up() {
  stage=$(mktemp -d)
  trap 'chmod -R u+w "$stage"; rm -rf "$stage"' EXIT
  repo=$stage/repo
  mkdir -p "$repo/.ci" "$stage/bin" "$stage/cwd"
  cp "$launcher" "$repo/gradproof"
  cp "$ci_run" "$repo/.ci/run"
  cat >"$repo/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(toy LANGUAGES NONE)
enable_testing()
# The output is a stamp: CMake would take a file named like the target for the target itself.
add_custom_command(OUTPUT compiled DEPENDS program.sh
                   COMMAND bash ${CMAKE_SOURCE_DIR}/compile.sh ${CMAKE_SOURCE_DIR}/program.sh cli/gradproof
                   COMMAND ${CMAKE_COMMAND} -E touch compiled)
add_custom_target(gradproof DEPENDS compiled)
# Makes ninja look for new files first on every call, which it announces.
file(GLOB found CONFIGURE_DEPENDS *.sh)
add_custom_command(OUTPUT the_test DEPENDS program.sh COMMAND cp ${CMAKE_SOURCE_DIR}/program.sh the_test)
add_custom_target(the_tests ALL DEPENDS the_test compiled)
include(${CMAKE_SOURCE_DIR}/tests.cmake)
END
  echo 'add_test(NAME toy COMMAND the_test exit 0)' >"$repo/tests.cmake"
  cat >"$repo/CMakePresets.json" <<'END'
{"version": 6,
 "configurePresets": [{"name": "release", "generator": "Ninja", "binaryDir": "${sourceDir}/build/${presetName}"}],
 "testPresets": [{"name": "release", "configurePreset": "release", "output": {"outputOnFailure": true}}]}
END
  cat >"$repo/compile.sh" <<'END'
mkdir -p cli && cp "$1" "$2" && echo compiled >>"$(dirname "$1")/compilations"
END
  cat >"$repo/program.sh" <<'END'
#!/bin/bash
if [[ ${1-} == exit ]]; then exit "$2"; fi
printf 'program in %s:' "$PWD"
printf ' <%s>' "$@"
echo
END
  chmod +x "$repo/program.sh"

  # The stand-ins: installed packages are lines of $stage/installed, and whoever calls apt-get is written to $stage/calls.
  printf '%s\n' $all_packages chromium libdnnl-dev >"$stage/installed"
  : >"$stage/calls"
  stub dpkg-query 'for p in "$@"; do grep -qxF -- "$p" "$STAGE/installed" && echo "installed $p"; done; exit 1'
  stub apt-get 'echo "apt-get $*" >>"$STAGE/calls"
                [[ " $* " == *" update "* ]] && { touch "$STAGE/lists"; exit; }
                [[ -e $STAGE/lists ]] || { echo "E: Unable to locate package"; exit 100; }
                past=; for p in "$@"; do [[ $p == --no-install-recommends ]] && past=1 && continue
                [[ $past ]] && echo "$p" >>"$STAGE/installed"; done; exit 0'
  stub id 'echo "${FAKE_UID:-0}"'
  stub sudo 'echo "sudo $1" >>"$STAGE/calls"; [[ ${FAKE_SUDO:-no} == yes ]] || exit 1; [[ $1 == -n ]] && shift; exec "$@"'
  export STAGE=$stage PATH=$stage/bin:$PATH
  cd "$stage/cwd" || exit
}

stub() { printf '#!/bin/bash\n%s\n' "$2" >"$stage/bin/$1"; chmod +x "$stage/bin/$1"; }
uninstall() { grep -vxF -- "$1" "$stage/installed" >"$stage/rest"; mv "$stage/rest" "$stage/installed"; }
# A PATH on which only the given tools and the plainest ones are found.
only_path() {
  mkdir "$stage/only"
  local tool
  for tool in bash sh env dirname readlink realpath mkdir cp cat grep tail flock mktemp rm chmod "$@"; do
    ln -s "$(command -v "$tool")" "$stage/only/$tool"
  done
  PATH=$stage/only
}

# launch ARG...: runs the launcher, keeps $out, $err and $code.
launch() {
  "$repo/gradproof" "$@" >"$stage/out" 2>"$stage/err" </dev/null
  code=$?
  out=$(<"$stage/out") err=$(<"$stage/err")
}

fail() {
  printf '%s\n' "FAILED ${FUNCNAME[2]}: $*" "code: ${code-}" "stdout: ${out-}" "stderr: ${err-}" "calls: $(<"$stage/calls")"
  exit 1
}
expect_code() { [[ $code == "$1" ]] || fail "exit code is not $1"; }
expect_in() { [[ $2 == *"$1"* ]] || fail "no '$1' in '$2'"; }
expect_not_in() { [[ $2 != *"$1"* ]] || fail "'$1' in '$2'"; }
expect_equal() { [[ $1 == "$2" ]] || fail "'$1' is not '$2'"; }

# --- the tests --------------------------------------------------------------------------------------------------------

test_no_subcommand_means_run() {
  launch
  expect_code 0
  expect_equal "$out" "program in $PWD: <run>"
  launch --records 'a b'
  expect_equal "$out" "program in $PWD: <run> <--records> <a b>"
}

test_arguments_directory_and_exit_code_are_the_users() {
  ln -s "$repo/gradproof" link
  out=$(./link check 'conv:k=3' 'two words' '' 2>/dev/null)
  expect_equal "$out" "program in $PWD: <check> <conv:k=3> <two words> <>"
  launch exit 11
  expect_code 11
}

test_second_call_builds_nothing_and_is_silent() {
  launch list
  expect_in "building" "$err"
  launch list
  expect_equal "$err" ""
  expect_equal "$(wc -l <"$repo/compilations")" 1
}

test_changed_source_is_built_again() {
  launch list
  echo 'echo new' >>"$repo/program.sh"
  launch list
  expect_in "new" "$out"
}

test_failed_build_shows_the_compiler_and_runs_nothing() {
  launch list
  echo 'echo "program.sh:1: error: no such thing"; exit 3' >"$repo/compile.sh"
  touch "$repo/program.sh"
  launch list
  expect_code 70
  expect_in "error: no such thing" "$err"
  expect_equal "$out" ""
}

test_failed_configuration_shows_cmake() {
  echo 'message(FATAL_ERROR "libfoo is not here")' >>"$repo/CMakeLists.txt"
  launch list
  expect_code 70
  expect_in "libfoo is not here" "$err"
}

test_preset_and_build_directory_can_be_chosen() {
  sed -i 's/"configurePresets": \[/&{"name": "dev", "inherits": "release", "cacheVariables": {"DEV": "1"}}, /' "$repo/CMakePresets.json"
  GRADPROOF_PRESET=dev launch list
  expect_code 0
  [[ -x $repo/build/dev/cli/gradproof ]] || fail "not in build/dev"
  GRADPROOF_BUILD_DIR=elsewhere launch list
  expect_code 0
  [[ -x elsewhere/cli/gradproof ]] || fail "not in the given directory"
  GRADPROOF_PRESET=nonsense launch list
  expect_code 70
  expect_in 'nonsense' "$err"
}

test_mutate_is_built_beside() {
  sed -i 's|^ "testPresets"| "buildPresets": [],\n&|; s|"${sourceDir}/build/${presetName}"}\]|"${sourceDir}/build/${presetName}"},{"name": "mutate", "inherits": "release"}]|' "$repo/CMakePresets.json"
  launch mutate conv
  expect_code 0
  expect_equal "$out" "program in $PWD: <mutate> <conv>"
  expect_in "preset mutate" "$err"
  [[ -d $repo/build/mutate && ! -e $repo/build/release ]] || fail "built another preset"
}

test_changed_presets_are_configured_again_once() {
  launch list
  touch "$repo/CMakePresets.json"
  launch list
  expect_in "configuring" "$err"
  launch list
  expect_equal "$err" ""
}

test_copied_checkout_builds_itself_not_its_origin() {
  launch list
  cp -a "$repo" "$stage/copy"
  repo=$stage/copy
  echo 'echo the copy' >>"$repo/program.sh"
  launch list
  expect_code 0
  expect_in "the copy" "$out"
}

test_root_installs_what_is_missing_and_only_that() {
  uninstall g++
  uninstall libhwy-dev
  touch "$stage/lists"
  launch list
  expect_code 0
  expect_in "installing g++ libhwy-dev" "$err"
  expect_equal "$(wc -l <"$stage/calls")" 1
  expect_in "install --no-install-recommends g++ libhwy-dev" "$(<"$stage/calls")"
}

test_package_lists_are_fetched_when_the_system_has_none() {
  uninstall libfmt-dev
  launch list
  expect_code 0
  expect_equal "$(sed -E 's/.* (update|install) ?.*/\1/' "$stage/calls" | tr '\n' ' ')" "install update install "
}

test_user_with_sudo_installs_through_it() {
  uninstall libgmp-dev
  FAKE_UID=1000 FAKE_SUDO=yes launch list
  expect_code 0
  expect_in "sudo -n" "$(<"$stage/calls")"
  expect_in "apt-get" "$(<"$stage/calls")"
}

test_user_without_sudo_is_told_the_one_command() {
  uninstall libmpfr-dev
  uninstall cmake
  FAKE_UID=1000 launch list
  expect_code 69
  expect_in "apt-get update && apt-get install --no-install-recommends -y cmake libmpfr-dev" "$err"
  expect_not_in "apt-get" "$(<"$stage/calls")"
  FAKE_UID=1000 GRADPROOF_INSTALL=0 launch list
  expect_code 0
}

test_offline_is_told_why_and_stops() {
  uninstall libmpfr-dev
  stub apt-get 'echo "Temporary failure resolving"; exit 100'
  launch list
  expect_code 69
  expect_in "Temporary failure resolving" "$err"
  expect_in "is there a network?" "$err"
}

test_other_systems_build_if_the_tools_are_there() {
  only_path cmake ninja ctest c++
  launch list
  expect_code 0
}

test_other_systems_without_a_tool_are_told_which() {
  only_path cmake c++
  launch list
  expect_code 69
  expect_in "needs ninja" "$err"
}

test_read_only_checkout_is_one_sentence() {
  # Root may write anywhere, and a file in the way of the build directory stops even root.
  : >"$repo/build"
  launch list
  expect_code 73
  expect_equal "$err" "gradproof: cannot write to $repo/build/release; set GRADPROOF_BUILD_DIR to a directory that can be written"
}

test_help_needs_no_build() {
  launch --help
  expect_code 0
  expect_in "usage:" "$out"
  [[ ! -e $repo/build ]] || fail "built for --help"
  launch list
  launch --help
  expect_equal "$out" "program in $PWD: <--help>"
}

test_two_at_once_build_once() {
  sed -i '1i sleep 1' "$repo/compile.sh"
  "$repo/gradproof" list >"$stage/first" 2>&1 &
  sleep 0.5
  launch list
  wait $!
  expect_code 0
  expect_in "waiting" "$err"
  expect_in "<list>" "$(<"$stage/first")"
  expect_equal "$(wc -l <"$repo/compilations")" 1
}

test_interrupt_exits_130() {
  sed -i '1i sleep 20' "$repo/compile.sh"
  # As a terminal does it: the whole process group gets the signal. A shell's background jobs ignore SIGINT; setsid and
  # env undo both.
  setsid env --default-signal=INT "$repo/gradproof" list >"$stage/out" 2>&1 &
  local leader=$!
  until grep -q building "$stage/out" || [[ -e $repo/build/release/build.ninja ]]; do sleep 0.1; done
  sleep 0.5
  kill -INT -- "-$leader"
  wait "$leader"
  code=$? out=$(<"$stage/out")
  expect_code 130
  expect_not_in "build failed" "$out"
}

test_test_runs_ctest_and_keeps_its_exit_code() {
  launch test
  expect_code 0
  expect_in "100% tests passed, 0 tests failed out of 1" "$out"
  echo 'add_test(NAME wrong COMMAND the_test exit 3)' >>"$repo/tests.cmake"
  launch test
  expect_code 8
  expect_in "50% tests passed, 1 tests failed out of 2" "$out"
  launch test -R toy
  expect_code 0
}

test_test_installs_the_browser_but_does_without() {
  uninstall chromium
  touch "$stage/lists"
  launch list
  expect_equal "$(<"$stage/calls")" ""
  FAKE_UID=1000 launch test
  expect_code 0
  expect_in "without chromium" "$err"
  launch test
  expect_code 0
  expect_in "install --no-install-recommends chromium" "$(<"$stage/calls")"
}

test_peers_are_installed_before_the_first_build_but_not_needed() {
  uninstall libdnnl-dev
  FAKE_UID=1000 launch list
  expect_code 0
  expect_in "without libdnnl-dev" "$err"
  touch "$stage/lists"
  : >"$stage/calls"
  launch list
  expect_code 0
  expect_equal "$(<"$stage/calls")" ""
  rm -r "$repo/build"
  launch list
  expect_code 0
  expect_in "install --no-install-recommends libdnnl-dev" "$(<"$stage/calls")"
}

test_ci_ends_with_the_summary_of_ctest() {
  out=$("$repo/.ci/run" 2>&1)
  code=$?
  expect_code 0
  expect_equal "${out##*$'\n'}" "100% tests passed, 0 tests failed out of 1"
  echo 'add_test(NAME wrong COMMAND the_test exit 3)' >>"$repo/tests.cmake"
  out=$("$repo/.ci/run" 2>&1)
  code=$?
  expect_code 8
  expect_equal "${out##*$'\n'}" "50% tests passed, 1 tests failed out of 2"
}

test_ci_fails_without_tests() {
  : >"$repo/tests.cmake"
  out=$("$repo/.ci/run" 2>&1)
  code=$?
  [[ $code != 0 ]] || fail "zero tests passed"
  expect_equal "${out##*$'\n'}" ".ci/run: no tests ran"
}

# Two commits of the toy, whose programs tell which they are.
commit_twice() {
  local name
  export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
  printf '%s\n' /build/ compilations >"$repo/.gitignore"
  git -C "$repo" init -q -b main
  for name in first second; do
    echo "echo $name" >>"$repo/program.sh"
    git -C "$repo" add -A
    git -C "$repo" commit -q -m "$name"
  done
}

test_gate_against_a_commit_builds_it_once() {
  commit_twice
  launch gate --against HEAD~1 conv
  expect_code 0
  expect_in "building commit" "$err"
  local baseline=${out##*--baseline> <}
  baseline=${baseline%%>*}
  expect_in "<gate> <conv> <--baseline> <$baseline>" "$out"
  expect_in "first" "$("$baseline")"
  expect_not_in "second" "$("$baseline")"
  launch gate --against=HEAD~1 conv
  expect_equal "$err" ""
  expect_equal "$(git -C "$repo" worktree list | wc -l)" 1
  expect_equal "$(find "$repo/build/commits" -name 'work.*')" ""
}

test_gate_against_nothing_known_is_refused() {
  launch gate --against HEAD
  expect_code 64
  expect_in "needs the git repository" "$err"
  commit_twice
  launch gate --against nonsense
  expect_code 64
  expect_in "'nonsense' is no commit here" "$err"
  launch gate --against
  expect_code 64
}

test_gate_takes_kept_programs_only_when_told() {
  commit_twice
  launch gate --against HEAD~1 --kept
  expect_code 0
  expect_equal "$out" ""
  expect_in "no program of commit" "$err"
  launch gate --against HEAD --kept  # the call before kept its own
  expect_in "<--baseline>" "$out"
}

test_gate_says_why_a_commit_cannot_be_built() {
  commit_twice
  echo 'echo broken compiler >&2; exit 1' >"$repo/compile.sh"
  git -C "$repo" commit -qam broken
  git -C "$repo" revert --no-edit -q HEAD 2>/dev/null || git -C "$repo" revert --no-edit HEAD >/dev/null
  launch gate --against HEAD~1
  expect_code 70
  expect_in "broken compiler" "$err"
  expect_equal "$(find "$repo/build/commits" -name 'work.*')" ""
}

# --- run them ---------------------------------------------------------------------------------------------------------

if (( ! $# )); then
  mapfile -t tests < <(compgen -A function test_)
  set -- "${tests[@]}"
fi
failed=0
for test in "$@"; do
  if (set_up && "$test"); then echo "ok $test"; else failed=1; fi
done
exit $failed
