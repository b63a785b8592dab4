// Wrong global pools.
#include <cmath>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"

namespace gradproof {
namespace {

enum class GlobalPoolBug {
  kNone,
  kOtherAxes,
  kBatchCounted,
  kGradientNotDivided,
  kGradientOfFirstImage,
  kLastLeftOut,
};

class NaiveGlobalPool {
 public:
  NaiveGlobalPool(const NaiveCall& call, GlobalPoolBug bug)
      : call_(call),
        bug_(bug),
        mb_(call.attributes.integer("mb")),
        c_(call.attributes.integer("c")),
        space_(call.count("src") / (mb_ * c_)) {}

  void run(bool average) {
    call_.zero_outputs();
    const Index count = is(GlobalPoolBug::kBatchCounted) ? mb_ * space_ : space_;
    const float divisor = average ? static_cast<float>(count) : 1.0F;
    for (Index n = 0; n < mb_; ++n)
      for (Index c = 0; c < c_; ++c) {
        if (call_.pass.is_forward())
          call_.floats("dst")[n * c_ + c] = sum_of(n, c) / divisor;
        else
          spread(n, c, is(GlobalPoolBug::kGradientNotDivided) ? 1.0F : divisor);
      }
  }

 private:
  bool is(GlobalPoolBug bug) const { return bug_ == bug; }

  // Where element i of a channel is; wrong for channels that come last.
  Index place(Index n, Index c, Index i) const {
    return is(GlobalPoolBug::kOtherAxes) ? (n * space_ + i) * c_ + c : (n * c_ + c) * space_ + i;
  }
  Index summed() const { return is(GlobalPoolBug::kLastLeftOut) ? space_ - 1 : space_; }

  float sum_of(Index n, Index c) const {
    float sum = 0;
    for (Index i = 0; i < summed(); ++i) sum += call_.floats("src")[place(n, c, i)];
    return sum;
  }

  void spread(Index n, Index c, float divisor) const {
    const float share = call_.floats("diff_dst")[(is(GlobalPoolBug::kGradientOfFirstImage) ? 0 : n) * c_ + c] / divisor;
    for (Index i = 0; i < summed(); ++i) call_.floats("diff_src")[place(n, c, i)] = share;
  }

  const NaiveCall& call_;
  GlobalPoolBug bug_;
  Index mb_, c_, space_;
};

enum class MaxBug { kNone, kLastOfTies, kNanLost, kStartsAtZero, kTiesAllGet, kNotZeroed, kArgmaxOfBatch };

class NaiveGlobalMaxPool {
 public:
  NaiveGlobalMaxPool(const NaiveCall& call, MaxBug bug)
      : call_(call),
        bug_(bug),
        planes_(call.attributes.integer("mb") * call.attributes.integer("c")),
        space_(call.count("src") / planes_) {}

  void run() {
    if (!is(MaxBug::kNotZeroed)) call_.zero_outputs();
    for (Index plane = 0; plane < planes_; ++plane) {
      const Index winner = winner_of(plane);
      const float value = call_.floats("src")[plane * space_ + winner];
      if (call_.pass.is_forward()) {
        call_.floats("dst")[plane] = is(MaxBug::kStartsAtZero) ? std::fmax(value, 0.0F) : value;
        store_index(*call_.tensor("argmax"), plane, is(MaxBug::kArgmaxOfBatch) ? plane * space_ + winner : winner);
        continue;
      }
      for (Index i = 0; i < space_; ++i) {
        const bool tied = is(MaxBug::kTiesAllGet) && call_.floats("src")[plane * space_ + i] == value;
        if (i == winner || tied) call_.floats("diff_src")[plane * space_ + i] = call_.floats("diff_dst")[plane];
      }
    }
  }

 private:
  bool is(MaxBug bug) const { return bug_ == bug; }

  Index winner_of(Index plane) const {
    const float* x = call_.floats("src") + plane * space_;
    Index best = 0;
    for (Index i = 1; i < space_; ++i)
      if (x[i] > x[best] || (is(MaxBug::kLastOfTies) && x[i] == x[best]) ||
          (!is(MaxBug::kNanLost) && std::isnan(x[i]) && !std::isnan(x[best])))
        best = i;
    return best;
  }

  const NaiveCall& call_;
  MaxBug bug_;
  Index planes_, space_;
};

Implementation wrong_max(const std::string& name, MaxBug bug) {
  return naive_implementation(name, [=](const NaiveCall& call) { NaiveGlobalMaxPool(call, bug).run(); });
}

Implementation wrong_global_pool(const std::string& name, bool average, GlobalPoolBug bug) {
  return naive_implementation(name, [=](const NaiveCall& call) { NaiveGlobalPool(call, bug).run(average); });
}

}  // namespace

std::vector<Mutant> global_pool_mutants() {
  struct Row {
    const char* name;
    GlobalPoolBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<Row> of_averages{
      {"other-axes",
       GlobalPoolBug::kOtherAxes,
       "the mean is taken over channels that come last",
       {"forward", "vjp", "fd-direct"}},
      {"batch-counted",
       GlobalPoolBug::kBatchCounted,
       "the divisor counts the batch too",
       {"forward", "vjp", "fd-direct"}},
      {"gradient-not-divided", GlobalPoolBug::kGradientNotDivided, "the gradient is not divided", {"vjp", "fd-direct"}},
  };
  const std::vector<Row> of_sums{
      {"other-axes",
       GlobalPoolBug::kOtherAxes,
       "the sum is taken over channels that come last",
       {"forward", "vjp", "exact"}},
      {"gradient-of-first-image",
       GlobalPoolBug::kGradientOfFirstImage,
       "every image gets the first one's gradient",
       {"vjp", "fd-direct", "exact"}},
      {"last-left-out",
       GlobalPoolBug::kLastLeftOut,
       "the last element is left out",
       {"forward", "vjp", "fd-direct", "exact"}},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : of_averages)
    mutants.push_back(
        {row.name, "global_avg_pool", row.what, row.oracles, wrong_global_pool(row.name, true, row.bug), {}});
  for (const Row& row : of_sums)
    mutants.push_back(
        {row.name, "global_sum_pool", row.what, row.oracles, wrong_global_pool(row.name, false, row.bug), {}});
  return mutants;
}

std::vector<Mutant> global_max_pool_mutants() {
  struct Row {
    const char* name;
    MaxBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<Row> rows{
      {"last-of-ties", MaxBug::kLastOfTies, "the last of equals wins", {"forward", "vjp", "exact"}},
      {"nan-lost", MaxBug::kNanLost, "NaN does not win", {"special"}},
      {"starts-at-zero", MaxBug::kStartsAtZero, "the maximum of negative numbers is 0", {"forward"}},
      {"ties-all-get", MaxBug::kTiesAllGet, "every tied element gets the full gradient", {"vjp", "exact"}},
      {"not-zeroed", MaxBug::kNotZeroed, "gradient buffer is not zeroed", {"vjp", "exact", "memory"}},
      {"argmax-of-batch", MaxBug::kArgmaxOfBatch, "argmax counts in the whole tensor", {"forward", "exact"}},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "global_max_pool", row.what, row.oracles, wrong_max(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_global_max_pool() {
  return {"healthy-global-max-pool", "global_max_pool", "no bug", {}, wrong_max("healthy", MaxBug::kNone), {}};
}
Mutant healthy_global_avg_pool() {
  return {"healthy-global-avg-pool",
          "global_avg_pool",
          "no bug",
          {},
          wrong_global_pool("healthy", true, GlobalPoolBug::kNone),
          {}};
}
Mutant healthy_global_sum_pool() {
  return {"healthy-global-sum-pool",
          "global_sum_pool",
          "no bug",
          {},
          wrong_global_pool("healthy", false, GlobalPoolBug::kNone),
          {}};
}

}  // namespace gradproof
