# Kernels that are compiled together (docs/decisions/0006-build-time.md).

# gradproof_simd_batches(OUT FILES...): sets OUT to source files that stand for FILES, which are named *_simd.cc and
# include themselves for every instruction set. In a unity build up to five of a directory are one compilation, which
# includes all of them for every instruction set: they share what Highway's headers cost to parse.
function(gradproof_simd_batches out)
  if(NOT CMAKE_UNITY_BUILD)
    set(${out} ${ARGN} PARENT_SCOPE)
    return()
  endif()
  set(directories)
  foreach(file IN LISTS ARGN)
    cmake_path(GET file PARENT_PATH directory)
    list(APPEND directories ${directory})
    list(APPEND files_of_${directory} ${file})
  endforeach()
  list(REMOVE_DUPLICATES directories)
  set(batches)
  foreach(directory IN LISTS directories)
    gradproof_write_batches(written ${directory} ${files_of_${directory}})
    list(APPEND batches ${written})
  endforeach()
  set(${out} ${batches} PARENT_SCOPE)
endfunction()

# As few batches as five files each allow, of about the same number of files.
function(gradproof_write_batches out directory)
  list(LENGTH ARGN count)
  math(EXPR batch_count "(${count} + 4) / 5")
  set(written)
  foreach(batch RANGE 1 ${batch_count})
    math(EXPR first "${count} * (${batch} - 1) / ${batch_count}")
    math(EXPR length "${count} * ${batch} / ${batch_count} - ${first}")
    list(SUBLIST ARGN ${first} ${length} files)
    set(path "${CMAKE_CURRENT_BINARY_DIR}/simd_batches/${directory}_${batch}_simd.cc")
    gradproof_batch_text(text "${path}" ${files})
    file(CONFIGURE OUTPUT "${path}" CONTENT "${text}" @ONLY)
    list(APPEND written "${path}")
  endforeach()
  set(${out} ${written} PARENT_SCOPE)
endfunction()

# Highway includes HWY_TARGET_INCLUDE once for each instruction set; the files name themselves there, so that it has to
# be named anew behind them.
function(gradproof_batch_text out path)
  set(itself "#undef HWY_TARGET_INCLUDE\n#define HWY_TARGET_INCLUDE \"${path}\"\n")
  set(text "${itself}#include <hwy/foreach_target.h>  // must come before highway.h\n#include <hwy/highway.h>\n")
  foreach(file IN LISTS ARGN)
    string(APPEND text "#include \"${CMAKE_CURRENT_SOURCE_DIR}/${file}\"\n")
  endforeach()
  set(${out} "${text}${itself}" PARENT_SCOPE)
endfunction()
