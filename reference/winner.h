// Winner: what max_pool and its like choose.
#pragma once

#include <optional>

#include "reference/number.h"

namespace gradproof {

// Of the keys that it meets, one after the other, the first of the largest wins, or the first NaN; value() is what came
// with it, 0 where nothing was met. Every decision goes through select, so that scalars see it.
template <class T>
class Winner {
 public:
  void meet(const T& key, const T& value) {
    if (!key_) {
      key_ = key;
      value_ = value;
      return;
    }
    const auto wins = exceeds(key, *key_);
    key_ = select(wins, key, *key_);
    value_ = select(wins, value, value_);
  }

  const T& value() const { return value_; }

 private:
  std::optional<T> key_;
  T value_ = T(0.0);
};

}  // namespace gradproof
