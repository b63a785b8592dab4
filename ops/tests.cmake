# Tests of kernels and their building blocks, included by ops/CMakeLists.txt.
gradproof_test(simd_test
  SOURCES "${CMAKE_CURRENT_LIST_DIR}/simd/targets_test.cc" "${CMAKE_CURRENT_LIST_DIR}/simd/block_sums_test.cc"
          "${CMAKE_CURRENT_LIST_DIR}/simd/math_test.cc"
  LIBS gradproof_ops)
gradproof_one_by_one(simd_test)
gradproof_test(geometry_test
  SOURCES "${CMAKE_CURRENT_LIST_DIR}/conv/geometry_test.cc" "${CMAKE_CURRENT_LIST_DIR}/pool/sources_test.cc"
  LIBS gradproof_ops)
gradproof_test(networks_test SOURCES "${CMAKE_CURRENT_LIST_DIR}/net/networks_test.cc" LIBS gradproof_ops)
