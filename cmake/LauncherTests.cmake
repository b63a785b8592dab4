# One ctest entry for each test function of cli/launcher_test.sh. They need no built program: they bring a toy checkout.

set(script "${PROJECT_SOURCE_DIR}/cli/launcher_test.sh")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${script}")
file(STRINGS "${script}" lines REGEX "^test_[a-z0-9_]+\\(\\)")
foreach(line IN LISTS lines)
  string(REGEX MATCH "^test_([a-z0-9_]+)" name "${line}")
  add_test(NAME launcher.${CMAKE_MATCH_1} COMMAND bash "${script}" ${name})
endforeach()
