# Tests of ops/core, included by ops/CMakeLists.txt.
set(core_tests)
foreach(name atomic_file attributes buffer implementation registry seeded shape spec window)
  list(APPEND core_tests "${CMAKE_CURRENT_LIST_DIR}/${name}_test.cc")
endforeach()
gradproof_test(core_test SOURCES ${core_tests} LIBS gradproof_core)
target_precompile_headers(core_test PRIVATE ${GRADPROOF_STANDARD_HEADERS} <fmt/format.h> <gtest/gtest.h>)
gradproof_test(operations_test SOURCES "${CMAKE_CURRENT_LIST_DIR}/operations_test.cc" LIBS gradproof_ops)
target_precompile_headers(operations_test REUSE_FROM core_test)
