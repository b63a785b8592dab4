# Compiler settings and the helpers every directory uses.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
# Boost's float128 needs __float128, which is an extension.
set(CMAKE_CXX_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# Only what is timed is built with -O3. For the rest -O2 costs a quarter more build time than -O1 and buys about 5 % of a
# check: the reference's time goes by in float128's library functions (docs/decisions/0006-build-time.md).
set(CMAKE_CXX_FLAGS_RELEASE "-O1 -DNDEBUG")
set(GRADPROOF_KERNEL_OPTIONS "")
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(GRADPROOF_KERNEL_OPTIONS -O3)
endif()

option(GRADPROOF_WERROR "Treat warnings as errors" ON)
option(GRADPROOF_FUZZERS "Build the fuzzers of the readers, and nothing else: needs Clang" OFF)
set(GRADPROOF_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize= takes them")
set(GRADPROOF_REAL float128 CACHE STRING "Scalar of the truth: float128, mpfr or cpp_bin_float_50")
set_property(CACHE GRADPROOF_REAL PROPERTY STRINGS float128 mpfr cpp_bin_float_50)

add_library(gradproof_settings INTERFACE)
target_include_directories(gradproof_settings INTERFACE "${PROJECT_SOURCE_DIR}")
# -ffp-contract=off: a multiply and an add fuse only where the source says so, or bits would differ between targets.
# -Wno-stringop-overflow, -Wno-restrict: GCC 12 sees both in fmt 9 and std::string where there is none (PR 105651).
target_compile_options(gradproof_settings INTERFACE -Wall -Wextra -Wshadow -ffp-contract=off
                       "$<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow;-Wno-restrict>"
                       $<$<BOOL:${GRADPROOF_WERROR}>:-Werror>)
if(GRADPROOF_SANITIZE)
  target_compile_options(gradproof_settings INTERFACE -fsanitize=${GRADPROOF_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(gradproof_settings INTERFACE -fsanitize=${GRADPROOF_SANITIZE})
endif()

# What nearly every file includes is parsed once a group of targets that are compiled alike: the first of them names these
# and the packages' headers, the others REUSE_FROM it (docs/decisions/0006-build-time.md). It is a matter of speed only:
# a file includes what it uses, and the coverage preset builds without.
set(GRADPROOF_STANDARD_HEADERS
    <algorithm> <array> <chrono> <cmath> <cstdint> <cstring> <filesystem> <functional> <limits> <map> <memory> <optional>
    <set> <string> <string_view> <tuple> <vector>)

# Several files compiled as one share what they instantiate, which is most of what they cost. It is on in the presets that
# users build and off where one edits: there every file stands alone. gradproof_one_by_one(TARGET...) is for those where it
# does not fit (docs/decisions/0006-build-time.md).
set(CMAKE_UNITY_BUILD_BATCH_SIZE 0)  # a library is one compilation
# GCC takes the parts of a unity file for headers, where types without linkage would be a mistake.
if(CMAKE_UNITY_BUILD)
  target_compile_options(gradproof_settings INTERFACE -Wno-subobject-linkage)
endif()
# gradproof_batches(SIZE TARGET...) is for those that are too large for one compilation, or for one core to end with.
function(gradproof_batches size)
  set_target_properties(${ARGN} PROPERTIES UNITY_BUILD_BATCH_SIZE ${size})
endfunction()
function(gradproof_one_by_one)
  set_target_properties(${ARGN} PROPERTIES UNITY_BUILD OFF)
endfunction()

# gradproof_library(NAME SOURCES... [LIBS ...]): a static library of the project.
function(gradproof_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC gradproof_settings ${ARG_LIBS})
endfunction()

# How long OpenMP threads that wait spin, see cli/main.cc: tests share the processor.
set(GRADPROOF_TEST_ENVIRONMENT GOMP_SPINCOUNT=10000)

# gradproof_test(NAME SOURCES... [LIBS ...] [LONG FILTER]): a GoogleTest program, one ctest entry a test case. ctest begins
# with those that FILTER, as GoogleTest takes it, names.
function(gradproof_test name)
  cmake_parse_arguments(ARG "" "LONG" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE gradproof_settings ${ARG_LIBS} GTest::gtest_main)
  set(others)
  if(ARG_LONG)
    set(others TEST_FILTER "-${ARG_LONG}")
    gtest_discover_tests(${name} TEST_FILTER "${ARG_LONG}" DISCOVERY_MODE PRE_TEST
                         PROPERTIES COST 50 ENVIRONMENT ${GRADPROOF_TEST_ENVIRONMENT})
  endif()
  gtest_discover_tests(${name} ${others} DISCOVERY_MODE PRE_TEST PROPERTIES ENVIRONMENT ${GRADPROOF_TEST_ENVIRONMENT})
endfunction()

include(GoogleTest)
