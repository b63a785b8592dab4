#include "gate/exact/code.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "gate/exact/closure.h"
#include "gate/exact/code_map.h"

namespace gradproof {
namespace {

// The name of `gradproof::name()` in the symbol table, by the Itanium ABI.
std::string mangled(const std::string& name) { return fmt::format("_ZN9gradproof{}{}Ev", name.size(), name); }

bool overlap(const std::set<Address>& a, const std::set<Address>& b) {
  return std::any_of(a.begin(), a.end(), [&](Address address) { return b.contains(address); });
}

}  // namespace

struct CodeIndex::Parts {
  struct Initialiser {
    Address function;
    std::set<Address> variables;  // that it can reach
  };

  // In this order, since what is wrong with a file is better said by the reader.
  explicit Parts(const std::filesystem::path& executable) : Parts(read_elf(executable), executable) {}
  Parts(ElfImage image, const std::filesystem::path& executable) : map(std::move(image), read_references(executable)) {
    for (Address function : map.static_initialisers()) {
      Closure closure(map);
      closure.add(function);
      initialisers.push_back({function, closure.variables()});
    }
  }

  CodeMap map;
  std::vector<Initialiser> initialisers;
};

CodeIndex::CodeIndex(const std::filesystem::path& executable) {
  try {
    parts_ = std::make_unique<const Parts>(executable);
  } catch (const std::runtime_error& error) {
    unknown_ = fmt::format("{} {}", executable.string(), error.what());
  }
}
CodeIndex::CodeIndex(CodeIndex&&) noexcept = default;
CodeIndex::~CodeIndex() = default;

std::optional<std::string> CodeIndex::closure_hash(const std::string& op, const std::string& family) const {
  if (parts_ == nullptr) return std::nullopt;
  std::vector<Address> roots = parts_->map.functions(mangled(op + "_operation"));
  if (roots.empty()) roots = parts_->map.functions(mangled(family + "_operations"));
  if (roots.size() != 1) return std::nullopt;
  Closure closure(parts_->map);
  closure.add(roots.front());
  // Variables are as their initialisers left them, so what these run belongs to the closure.
  for (std::size_t before = 0; before != closure.size();) {
    before = closure.size();
    for (const Parts::Initialiser& initialiser : parts_->initialisers)
      if (overlap(initialiser.variables, closure.variables())) closure.add(initialiser.function);
  }
  if (closure.open()) return std::nullopt;
  return closure.hash();
}

bool same_code(const CodeIndex& a, const CodeIndex& b, const std::string& op, const std::string& family) {
  const auto hash = a.closure_hash(op, family);
  return hash && hash == b.closure_hash(op, family);
}

}  // namespace gradproof
