// Closure: what can be reached from a few functions, hashed by structure.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "gate/exact/code_map.h"

namespace gradproof {

// 128 bits, two FNV-1a hashes of different beginnings over different orders of the bits.
class CodeHash {
 public:
  void add(std::string_view bytes);
  void add(std::uint64_t number);
  std::string text() const;

 private:
  std::uint64_t a_ = 14695981039346656037ULL, b_ = 1099511628211ULL;
};

// Everything is numbered in the order in which it is met, and referred to by its number: neither addresses nor names
// matter, but every byte does that is no address.
class Closure {
 public:
  explicit Closure(const CodeMap& map) : map_(map) {}

  // Adds a function and what can be reached from it.
  void add(Address root);

  // Something was met that cannot be resolved, so that the closure may lack something.
  bool open() const { return open_; }
  // The variables met, by address.
  const std::set<Address>& variables() const { return variables_; }
  std::size_t size() const { return numbers_.size(); }
  std::string hash() const { return hash_.text(); }

 private:
  void visit(const Extent& extent);
  void visit_code(const Extent& extent);
  void visit_data(const Extent& extent);
  bool visit_jump_table(const Extent& extent);

  bool is_constant(const Extent& extent) const;
  void refer(Address target);                           // code, or a byte of data
  void refer_data(Address target, std::uint8_t width);  // what is read or written there
  void refer_taken(Address target);                     // an address that anything may be added to
  void refer_extent(const Extent& extent, Address target);
  void glance_at(const Extent& extent);

  const CodeMap& map_;
  CodeHash hash_;
  std::map<Address, std::uint64_t> numbers_;
  std::deque<Extent> pending_;
  std::set<Address> variables_;
  bool open_ = false;
};

}  // namespace gradproof
