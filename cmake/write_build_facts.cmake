# cmake -DOUTPUT=FILE -DSOURCE=DIR -DGIT=PROGRAM -DFLAGS=... -DREAL=... -DLIBRARIES=name=version|... -P write_build_facts.cmake
# Without git, or outside a checkout, the commit is empty: not known.

set(commit "")
execute_process(COMMAND "${GIT}" -c safe.directory=* rev-parse --verify HEAD WORKING_DIRECTORY "${SOURCE}"
                OUTPUT_VARIABLE commit ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)

# In CMake lists a semicolon separates, so versions come with bars between them.
string(REPLACE "|" ";" LIBRARIES "${LIBRARIES}")
list(LENGTH LIBRARIES count)
set(entries "")
foreach(library IN LISTS LIBRARIES)
  string(REGEX MATCH "^([^=]*)=(.*)$" unused "${library}")
  string(APPEND entries "    {\"${CMAKE_MATCH_1}\", \"${CMAKE_MATCH_2}\"},\n")
endforeach()
string(REPLACE "\\" "\\\\" FLAGS "${FLAGS}")
string(REPLACE "\"" "\\\"" FLAGS "${FLAGS}")

file(WRITE "${OUTPUT}" "// Written by cmake/write_build_facts.cmake.
#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace gradproof::build_facts {
constexpr std::string_view kCommit = \"${commit}\";
constexpr std::string_view kFlags = \"${FLAGS}\";
constexpr std::string_view kReal = \"${REAL}\";
constexpr std::array<std::pair<std::string_view, std::string_view>, ${count}> kLibraries{{
${entries}}};
}  // namespace gradproof::build_facts
")
