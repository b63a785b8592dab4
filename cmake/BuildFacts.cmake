# gradproof_build_facts(TARGET): a header with what only the build knows, for environment records: the kernels' compiler
# flags, library versions, the scalar of the truth and the commit. It is written again when HEAD moves, and then one file is compiled.

function(gradproof_build_facts target)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  set(sanitize "")
  if(GRADPROOF_SANITIZE)
    set(sanitize "-fsanitize=${GRADPROOF_SANITIZE}")
  endif()
  set(flags "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${type}} ${GRADPROOF_KERNEL_OPTIONS} -ffp-contract=off ${sanitize}")
  string(REGEX REPLACE "[ ;]+" " " flags "${flags}")
  string(STRIP "${flags}" flags)
  set(libraries "fmt=${fmt_VERSION}|nlohmann_json=${nlohmann_json_VERSION}|CLI11=${CLI11_VERSION}|boost=${Boost_VERSION_STRING}")
  string(APPEND libraries "|hwy=${hwy_VERSION}|benchmark=${benchmark_VERSION}|googletest=${GTest_VERSION}")

  # A commit moves a branch, not HEAD itself; both are told by HEAD's log, which a plain clone keeps.
  find_package(Git QUIET)
  set(heads "")
  foreach(name HEAD logs/HEAD)
    execute_process(COMMAND "${GIT_EXECUTABLE}" -c safe.directory=* rev-parse --git-path ${name}
                    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE path ERROR_QUIET
                    OUTPUT_STRIP_TRAILING_WHITESPACE)
    get_filename_component(path "${path}" ABSOLUTE BASE_DIR "${PROJECT_SOURCE_DIR}")
    if(EXISTS "${path}" AND NOT IS_DIRECTORY "${path}")
      list(APPEND heads "${path}")
    endif()
  endforeach()

  set(folder "${PROJECT_BINARY_DIR}/facts")
  set(script "${PROJECT_SOURCE_DIR}/cmake/write_build_facts.cmake")
  add_custom_command(
    OUTPUT "${folder}/gradproof_build_facts.h" VERBATIM COMMENT "Noting the commit and the flags"
    COMMAND "${CMAKE_COMMAND}" "-DOUTPUT=${folder}/gradproof_build_facts.h" "-DSOURCE=${PROJECT_SOURCE_DIR}"
            "-DGIT=${GIT_EXECUTABLE}" "-DFLAGS=${flags}" "-DREAL=${GRADPROOF_REAL}" "-DLIBRARIES=${libraries}" -P "${script}"
    DEPENDS "${script}" ${heads})
  target_sources(${target} PRIVATE "${folder}/gradproof_build_facts.h")
  target_include_directories(${target} PRIVATE "${folder}")
endfunction()
