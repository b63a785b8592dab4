# cmake -DOUTPUT=FILE "-DFILES=a.txt|b.txt|..." -P embed_shapes.cmake: the texts as one C++ file (shapes_data.h).

string(REPLACE "|" ";" FILES "${FILES}")
set(entries "")
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME_WE)
  file(READ "${file}" text)
  string(APPEND entries "    EmbeddedShapes{\"${name}\", R\"shapes(${text})shapes\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "// Written by bench/embed_shapes.cmake.
#include \"bench/shapes_data.h\"

#include <vector>

namespace gradproof {

std::span<const EmbeddedShapes> embedded_shapes() {
  static const std::vector<EmbeddedShapes> shapes{
${entries}  };
  return shapes;
}

}  // namespace gradproof
")
