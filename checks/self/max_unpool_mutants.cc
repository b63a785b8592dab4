// Wrong unpooling.
#include <utility>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "checks/self/naive_windows.h"

namespace gradproof {
namespace {

enum class MaxUnpoolBug {
  kNone,
  kLastWriteWins,
  kNotZeroed,
  kArgmaxOfInput,
  kPaddingClamped,
  kDilationIgnored,
  kStridesSwapped,
  kCornerOnly,
};

class NaiveMaxUnpool {
 public:
  NaiveMaxUnpool(const NaiveCall& call, MaxUnpoolBug bug)
      : call_(call),
        bug_(bug),
        windows_(window_of(call.attributes)),
        planes_(call.attributes.integer("mb") * call.attributes.integer("c")) {
    auto& [d, h, w] = windows_.axes;
    if (is(MaxUnpoolBug::kStridesSwapped)) std::swap(h.stride, w.stride);
    if (is(MaxUnpoolBug::kDilationIgnored)) h.dilation = w.dilation = 1;
    space_ = d.in * h.in * w.in;
  }

  void run() {
    if (!is(MaxUnpoolBug::kNotZeroed)) call_.zero_outputs();
    const TensorRef& argmax = *call_.tensor("argmax");
    windows_.for_each(planes_, [&](Index plane, const NaiveWindows::Place& o, Index number) {
      const auto tap = static_cast<Index>(argmax.value_at(position_of(number, argmax.shape)));
      const Index place = place_of(plane, o, is(MaxUnpoolBug::kCornerOnly) ? 0 : tap);
      if (call_.pass.is_forward() && place >= 0) {
        float& sum = call_.floats("dst")[place];
        sum = (is(MaxUnpoolBug::kLastWriteWins) ? 0.0F : sum) + call_.floats("src")[number];
      } else if (!call_.pass.is_forward()) {
        call_.floats("diff_src")[number] = place < 0 ? 0 : call_.floats("diff_dst")[place];
      }
    });
  }

 private:
  bool is(MaxUnpoolBug bug) const { return bug_ == bug; }

  Index place_of(Index plane, const NaiveWindows::Place& o, Index tap) const {
    if (is(MaxUnpoolBug::kArgmaxOfInput)) return plane * space_ + tap % space_;
    Index place = is(MaxUnpoolBug::kPaddingClamped) ? plane * space_ : -1;
    windows_.for_each_tap(plane, o, [&](Index k, Index source) {
      if (k == tap && source >= 0) place = source;
    });
    return place;
  }

  const NaiveCall& call_;
  MaxUnpoolBug bug_;
  NaiveWindows windows_;
  Index planes_;
  Index space_;
};

Implementation wrong_max_unpool(const std::string& name, MaxUnpoolBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveMaxUnpool(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> max_unpool_mutants() {
  struct Row {
    const char* name;
    MaxUnpoolBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<Row> rows{
      {"last-write-wins",
       MaxUnpoolBug::kLastWriteWins,
       "windows that overlap overwrite each other",
       {"forward", "exact"}},
      {"not-zeroed", MaxUnpoolBug::kNotZeroed, "what no window chose is not zeroed", {"forward", "exact", "memory"}},
      {"argmax-of-input",
       MaxUnpoolBug::kArgmaxOfInput,
       "argmax is taken for a place in the plane",
       {"forward", "vjp", "exact"}},
      {"padding-clamped",
       MaxUnpoolBug::kPaddingClamped,
       "taps on padding go to the first place",
       {"forward", "vjp", "exact"}},
      {"dilation-ignored",
       MaxUnpoolBug::kDilationIgnored,
       "dilation is ignored",
       {"forward", "vjp", "fd-direct", "exact"}},
      {"strides-swapped", MaxUnpoolBug::kStridesSwapped, "stride_h and stride_w confused", {"forward", "vjp", "exact"}},
      {"corner-only",
       MaxUnpoolBug::kCornerOnly,
       "values go to the first tap [upsampling by zeros]",
       {"forward", "vjp", "exact"}},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "max_unpool", row.what, row.oracles, wrong_max_unpool(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_max_unpool() {
  return {"healthy-max-unpool", "max_unpool", "no bug", {}, wrong_max_unpool("healthy", MaxUnpoolBug::kNone), {}};
}

}  // namespace gradproof
