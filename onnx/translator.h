// Translator: a test on its way to a case, with the questions that entries of the mapping ask about it.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "onnx/mapping.h"

namespace gradproof {

class Translator {
 public:
  explicit Translator(const OnnxTest& test) : test_(test) {}

  // --- the test ---
  Index version() const { return test_.version; }
  bool has_input(size_t i) const { return i < test_.inputs.size() && test_.inputs[i].has_value(); }
  const OnnxTensor& input(size_t i) const;  // float32 unless asked for otherwise; NotCovered where it is missing
  const OnnxTensor& any_input(size_t i) const;
  double scalar_input(size_t i) const;
  const OnnxTensor* output(size_t i) const;  // nothing where none is stored
  Index integer(std::string_view name, Index otherwise) const;
  double real(std::string_view name, double otherwise) const;  // the shortest decimal of the stored float
  std::string text(std::string_view name, const std::string& otherwise) const;
  std::vector<Index> integers(std::string_view name, size_t count, Index otherwise) const;
  // The number of an axis that may be counted from the end.
  static Index axis_of(Index axis, const OnnxTensor& tensor);

  // --- the case ---
  void operation(const std::string& name) { op_ = name; }
  template <class T>
  void set(const std::string& key, const T& value) {
    keys_ += fmt::format("{}{}={}", keys_.empty() ? "" : ",", key, value);
  }
  // mb, c (or `channels`), and i* of as many axes as the tensor has behind them.
  void set_maps(const OnnxTensor& tensor, const char* channels = "c");
  // mb = elements before, c = elements of, iw = elements behind the axes [first, last).
  void set_block(const OnnxTensor& tensor, Index first, Index last);
  void give(const std::string& slot, OnnxTensor tensor) { mapped_.inputs.insert_or_assign(slot, std::move(tensor)); }
  void expect(const std::string& slot, size_t output);
  void leave_out(size_t output, const std::string& why);
  void allow(const std::string& slot, std::vector<double> slack, const std::string& why);

  Mapped done();

 private:
  const OnnxTest& test_;
  std::string op_, keys_;
  Mapped mapped_;
};

template <class... Args>
[[noreturn]] void not_covered(fmt::format_string<Args...> text, Args&&... args) {
  throw NotCovered(fmt::format(text, std::forward<Args>(args)...));
}

// The product of some sizes.
Index product(std::span<const Index> sizes);

// Entries of operators with sliding windows (windows.cc).
void map_conv(Translator& t);
void map_conv_transpose(Translator& t);
void map_deform_conv(Translator& t);
void map_max_pool(Translator& t);
void map_average_pool(Translator& t);
void map_lp_pool(Translator& t);
void map_max_unpool(Translator& t);

}  // namespace gradproof
