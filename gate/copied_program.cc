#include "gate/copied_program.h"

#include <sys/mman.h>
#include <unistd.h>

#include <fstream>

#include "ops/core/error.h"

namespace gradproof {

CopiedProgram::CopiedProgram(const std::filesystem::path& program)
    : file_(memfd_create("gradproof-copy", MFD_CLOEXEC)) {
  std::ifstream from(program, std::ios::binary);
  std::ofstream to(path(), std::ios::binary);
  if (file_ < 0 || !(to << from.rdbuf()) || !to.flush())
    refuse("{} cannot be copied into memory; free some, or see that it can be read", program.string());
}

CopiedProgram::~CopiedProgram() { close(file_); }

std::filesystem::path CopiedProgram::path() const { return fmt::format("/proc/{}/fd/{}", getpid(), file_); }

}  // namespace gradproof
