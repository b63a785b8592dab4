#include "gate/exact/disassembly.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

extern "C" char** environ;

namespace gradproof {
namespace {

constexpr Address kLongestInstruction = 15;

// A program's standard output, line by line.
class ProgramOutput {
 public:
  explicit ProgramOutput(std::vector<std::string> arguments) {
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe can be opened");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    const int error = posix_spawnp(&process_, pointers[0], &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    from_ = ends[0];
    if (error != 0) close(from_);
    if (error != 0) throw std::runtime_error(arguments[0] + " cannot be run");
  }
  ProgramOutput(const ProgramOutput&) = delete;
  ProgramOutput& operator=(const ProgramOutput&) = delete;
  ~ProgramOutput() { finish(); }

  template <class Take>
  void for_each_line(Take take) {
    std::string pending;
    std::vector<char> chunk(1 << 18);
    for (ssize_t size; (size = read(from_, chunk.data(), chunk.size())) > 0;) {
      pending.append(chunk.data(), static_cast<std::size_t>(size));
      std::size_t begin = 0;
      for (std::size_t end; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1)
        take(std::string_view(pending).substr(begin, end - begin));
      pending.erase(0, begin);
    }
  }

  // Whether it ended with success. It is ended early where nobody reads on.
  bool finish() {
    if (process_ == 0) return success_;
    close(from_);
    int status = 0;
    success_ = waitpid(process_, &status, 0) == process_ && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    process_ = 0;
    return success_;
  }

 private:
  pid_t process_ = 0;
  int from_ = -1;
  bool success_ = false;
};

bool holds(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// At most, of an operand relative to %rip.
std::uint8_t access_width(std::string_view instruction) {
  const std::string_view mnemonic = instruction.substr(0, instruction.find(' '));
  if (mnemonic == "lea") return 0;
  const bool is_broadcast = holds(mnemonic, "broadcast") || holds(instruction, "{1to");
  if (mnemonic.ends_with("ss") || (is_broadcast && mnemonic.ends_with("ps"))) return 4;
  if (mnemonic.ends_with("sd") || is_broadcast) return 8;
  if (holds(instruction, "%zmm")) return 64;
  if (holds(instruction, "%ymm")) return 32;
  return holds(instruction, "%xmm") || mnemonic.starts_with('f') ? 16 : 8;
}

bool parse_hex(std::string_view text, Address& value) {
  return std::from_chars(text.data(), text.data() + text.size(), value, 16).ec == std::errc();
}

// "  51620:\tlea    0x8fb9(%rip),%rdi        # 8a1234 <name+0x4>" or "  51627:\tcall   51620 <name>". False where the
// line is no instruction.
bool parse_line(std::string_view line, CodeReference& reference, bool& refers) {
  const std::size_t colon = line.find(":\t");
  const std::size_t first = line.find_first_not_of(' ');
  if (colon == std::string_view::npos || first == 0 || !parse_hex(line.substr(first), reference.address)) return false;
  const std::string_view text = line.substr(colon + 2);
  const std::size_t name = text.rfind(" <");
  refers = name != std::string_view::npos || holds(text, "(%rip)");
  if (name == std::string_view::npos)
    return true;  // to an address without a name: the target stays 0, which no one finds
  const std::size_t comment = text.rfind("# ", name);
  reference.jump = comment == std::string_view::npos;
  reference.width = reference.jump ? 0 : access_width(text);
  const std::size_t before = text.rfind(' ', name - 1);
  refers = parse_hex(text.substr(reference.jump ? before + 1 : comment + 2), reference.target);
  return true;
}

}  // namespace

std::vector<CodeReference> read_references(const std::filesystem::path& executable) {
  // -z: runs of zeros are shown, so that an instruction ends where the next one begins.
  ProgramOutput output(
      {"objdump", "-d", "-z", "--no-show-raw-insn", "--", std::filesystem::absolute(executable).string()});
  std::vector<CodeReference> references;
  bool open = false;  // whether the last reference's length is not known yet
  output.for_each_line([&](std::string_view line) {
    CodeReference reference;
    bool refers = false;
    if (!parse_line(line, reference, refers)) return;
    if (open && reference.address > references.back().address)
      references.back().length = std::min(kLongestInstruction, reference.address - references.back().address);
    open = refers;
    if (refers) references.push_back(reference);
  });
  if (!output.finish()) throw std::runtime_error("cannot be disassembled by objdump");
  return references;
}

}  // namespace gradproof
