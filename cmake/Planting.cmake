# The folders ops, reference and checks: as they are, or with the planted bugs of a catalogue as switches in copies.
#
# Sets GRADPROOF_PLANTED_DIR, where these folders are, and GRADPROOF_PLANTED_CATALOGUE to the source file that holds what
# is planted.

option(GRADPROOF_MUTATED "Compile planted bugs into the program, as switches: for gradproof mutate alone" OFF)
set(GRADPROOF_CATALOGUE "${PROJECT_SOURCE_DIR}/mutants/catalogue.txt" CACHE FILEPATH "The bugs to be planted")
set(GRADPROOF_PLANTED_DIR "${PROJECT_SOURCE_DIR}")
set(GRADPROOF_PLANTED_CATALOGUE "${PROJECT_SOURCE_DIR}/mutants/nothing_planted.cc")

# It is done while configuring, since the copies are what CMake lists. Whatever goes into them configures anew.
function(gradproof_plant folder)
  set(tool "${folder}/plant")
  list(TRANSFORM ARGN PREPEND "${PROJECT_SOURCE_DIR}/mutants/")
  file(GLOB_RECURSE originals CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/ops/*" "${PROJECT_SOURCE_DIR}/reference/*"
       "${PROJECT_SOURCE_DIR}/checks/*")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${GRADPROOF_CATALOGUE}" ${ARGN} ${originals})
  file(MAKE_DIRECTORY "${folder}")
  execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -std=c++20 -O1 "-I${PROJECT_SOURCE_DIR}" ${ARGN} -o "${tool}"
                  COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${tool}" "${GRADPROOF_CATALOGUE}" "${PROJECT_SOURCE_DIR}" "${folder}"
                  RESULT_VARIABLE failed ERROR_VARIABLE sentence)
  if(failed)
    message(FATAL_ERROR "${sentence}")
  endif()
endfunction()

if(GRADPROOF_MUTATED)
  set(GRADPROOF_PLANTED_DIR "${PROJECT_BINARY_DIR}/planted")
  gradproof_plant("${GRADPROOF_PLANTED_DIR}" plant.cc planting.cc catalogue.cc)
  set(GRADPROOF_PLANTED_CATALOGUE "${GRADPROOF_PLANTED_DIR}/planted_catalogue.cc")
  target_include_directories(gradproof_settings BEFORE INTERFACE "${GRADPROOF_PLANTED_DIR}")
  # Values that only one side of a switch uses are no mistake, and nothing is timed.
  target_compile_options(gradproof_settings INTERFACE -w)
  set(GRADPROOF_KERNEL_OPTIONS "")
endif()
