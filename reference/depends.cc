#include "reference/depends.h"

namespace gradproof {
namespace {

thread_local double work_done = 0;

constexpr double kOperation = 0.5;

}  // namespace

double Depends::work() { return work_done; }

Depends::Depends(const Depends& other) = default;
Depends& Depends::operator=(const Depends& other) = default;
Depends::~Depends() = default;

Depends& Depends::operator+=(const Depends& b) {
  work_done += kOperation;
  value_ += b.value_;
  is_zero_ = is_zero_ && b.is_zero_;
  return unite(b);
}

Depends& Depends::operator-=(const Depends& b) {
  work_done += kOperation;
  value_ -= b.value_;
  is_zero_ = is_zero_ && b.is_zero_;
  return unite(b);
}

Depends& Depends::operator*=(const Depends& b) {
  if (is_zero_ || b.is_zero_) return *this = Depends(0.0);
  work_done += kOperation;
  value_ *= b.value_;
  return unite(b);
}

Depends& Depends::operator/=(const Depends& b) {
  work_done += kOperation;
  value_ /= b.value_;
  return is_zero_ ? *this : unite(b);
}

Depends Depends::valued(double value) const {
  Depends result = *this;
  result.value_ = value;
  result.is_zero_ = false;
  return result;
}

Depends Depends::function(double value, double work) const {
  work_done += work;
  return valued(value);
}

Depends& Depends::unite(const Depends& b) {
  if (words_.size() < b.words_.size()) words_.resize(b.words_.size());
  for (std::size_t w = 0; w < b.words_.size(); ++w) words_[w] |= b.words_[w];
  return *this;
}

}  // namespace gradproof
