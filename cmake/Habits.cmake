# Targets format, format-check and lint, and the tests habits.format, habits.snippets and habits.prefetches; cmake/habits.sh does the work.

foreach(habit format format-check lint)
  add_custom_target(${habit} VERBATIM USES_TERMINAL
                    COMMAND bash "${PROJECT_SOURCE_DIR}/cmake/habits.sh" ${habit} "${PROJECT_BINARY_DIR}")
endforeach()

add_test(NAME habits.format COMMAND bash "${PROJECT_SOURCE_DIR}/cmake/habits.sh" format-check)
set_tests_properties(habits.format PROPERTIES SKIP_RETURN_CODE 77)
add_test(NAME habits.snippets COMMAND bash "${PROJECT_SOURCE_DIR}/cmake/habits.sh" snippets)
add_test(NAME habits.prefetches COMMAND bash "${PROJECT_SOURCE_DIR}/cmake/habits.sh" prefetches)
