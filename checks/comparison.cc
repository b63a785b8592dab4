#include "checks/comparison.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace gradproof {
namespace {

constexpr double kMostUndecided = 1.0 / 3;

// error / bound, where 0 / 0 is 0, whatever is not `<=` is more than 1, and so is a bound that bounds nothing.
double ratio_of(double error, double bound) {
  if (error <= bound && std::isfinite(bound)) return bound > 0 ? error / bound : 0;
  const double ratio = error / bound;
  return ratio > 1 ? ratio : std::numeric_limits<double>::infinity();
}

// Units of 2^-149 at least, float32's finest.
double units_in_last_place(double error, double magnitude) {
  constexpr int kFractionBits = std::numeric_limits<float>::digits - 1;
  constexpr int kLeastExponent = std::numeric_limits<float>::min_exponent - 1;
  return std::ldexp(error, kFractionBits - std::max(std::ilogb(magnitude), kLeastExponent));
}

// Indices along an axis that are not spread over all of it.
struct Part {
  const std::string& axis;
  const std::set<Index>& indices;
  Index size;

  Index first() const { return *indices.begin(); }
  Index last() const { return *indices.rbegin(); }
  Index count() const { return static_cast<Index>(indices.size()); }
  bool is_run() const { return last() - first() + 1 == count(); }
};

constexpr Index kLeastForAPeriod = 3;  // any two indices have one

// "iw = 1 mod 4" where it is all of those, "iw odd", or nothing.
std::string period_text(const Part& part) {
  if (part.count() < kLeastForAPeriod) return "";
  Index period = 0;
  for (Index i : part.indices) period = std::gcd(period, i - part.first());
  if (period < 2) return "";
  const Index rest = part.first() % period;
  const bool all_of_them = part.count() == (part.size - 1 - rest) / period + 1;
  if (period > 2 && all_of_them) return fmt::format("{} = {} mod {}", part.axis, rest, period);
  return period % 2 == 0 ? part.axis + (rest % 2 == 0 ? " even" : " odd") : "";
}

// "group 1 of oc", where all of them lie in one of the groups that the channels form; they need not fill it.
std::string group_text(const Part& part, Index groups) {
  if ((part.axis != "c" && part.axis != "oc") || groups < 2 || part.size % groups != 0 || part.size == groups)
    return "";
  const Index in_group = part.size / groups, group = part.first() / in_group;
  if (part.last() / in_group != group) return "";
  const std::string name = fmt::format("group {} of {}", group, part.axis);
  return part.count() == in_group ? name : fmt::format("{} ({} in {}..{})", name, part.axis, part.first(), part.last());
}

// "oh = 6", "iw in 4..6", "the last 3 of ow", "iw odd", or nothing when the indices are spread over the whole axis.
std::string axis_text(const Part& part, Index groups) {
  if (part.count() == part.size) return "";
  if (part.count() == 1) return fmt::format("{} = {}", part.axis, part.first());
  if (const std::string text = group_text(part, groups); !text.empty()) return text;
  if (const std::string text = period_text(part); !text.empty()) return text;
  if (part.is_run() && part.last() == part.size - 1) return fmt::format("the last {} of {}", part.count(), part.axis);
  if (part.first() == 0 && part.last() == part.size - 1) return "";
  return fmt::format("{} in {}..{}", part.axis, part.first(), part.last());
}

// The axes that the slot names, without those that a tensor of this rank lacks.
std::vector<std::string> declared_axes(const Slot& slot, int rank) {
  std::vector<std::string> names = slot.axes;
  if (names.size() > static_cast<size_t>(rank))
    std::erase_if(names, [](const std::string& axis) { return axis.ends_with('h'); });
  return names;
}

}  // namespace

std::vector<std::string> axis_names(const Spec& spec, std::string_view tensor, int rank) {
  const std::string_view name = tensor.starts_with("diff_") ? tensor.substr(5) : tensor;
  const Slot* slot = spec.find_slot(name);
  std::vector<std::string> names = slot == nullptr ? std::vector<std::string>() : declared_axes(*slot, rank);
  if (names.size() == static_cast<size_t>(rank)) return names;
  if (rank == 1) return {"c"};
  const bool weights = name == "weights";
  names = weights ? std::vector<std::string>{"oc", "ic"} : std::vector<std::string>{"n", "c"};
  const char* prefix = weights ? "k" : slot != nullptr && slot->role == Role::kInput ? "i" : "o";
  for (int axis = 2; axis < rank; ++axis)
    names.push_back(rank <= 5 ? std::string(prefix) + kAxisNames[axis - rank + 3] : fmt::format("axis{}", axis));
  return names;
}

std::string location_text(const std::vector<Position>& positions, Index compared, const Shape& shape,
                          const std::vector<std::string>& axes, Index groups) {
  std::string text = fmt::format("{} of {} elements", positions.size(), compared);
  const char* separator = ", only ";
  for (int axis = 0; axis < shape.rank(); ++axis) {
    std::set<Index> indices;
    for (const Position& position : positions) indices.insert(position[axis]);
    const std::string part = axis_text({axes[static_cast<size_t>(axis)], indices, shape[axis]}, groups);
    if (part.empty()) continue;
    text += separator + part;
    separator = ", ";
  }
  return text;
}

std::string Comparison::Section::text() const { return data.empty() ? name : fmt::format("{} ({})", name, data); }

void Comparison::enter(const Spec& spec, const std::string& name, const Shape& shape, const std::string& data) {
  sections_.push_back({name, data, shape, axis_names(spec, name, shape.rank()), 0, {}});
}

bool Comparison::judge(const Position& position, double error, double bound) {
  Section& section = sections_.back();
  ++section.compared;
  ++compared_;
  const double ratio = ratio_of(error, bound);
  if (ratio > 1) {
    ++failures_;
    section.failed.push_back(position);
  }
  if (!(ratio > worst_)) return false;
  worst_ = ratio;
  error_ = error;
  bound_ = bound;
  position_ = position;
  worst_section_ = sections_.size() - 1;
  return true;
}

void Comparison::count_ulps(double magnitude, double error, double bound) {
  if (!(error == 0 || bound < magnitude)) return;
  const double ulps = error == 0 ? 0 : units_in_last_place(error, magnitude);
  if (!(ulps <= ulps_)) ulps_ = ulps;
}

void Comparison::add_equal(Index count) {
  sections_.back().compared += count;
  compared_ += count;
}

void Comparison::describe(std::string expected, std::string got) {
  expected_ = std::move(expected);
  got_ = std::move(got);
}

std::string Comparison::where() const {
  const Section& section = sections_[worst_section_];
  std::string text = section.name + position_text(position_);
  if (!section.data.empty()) text += fmt::format(" ({})", section.data);
  if (failures_ == 0) return text;
  text += ": " + location_text(section.failed, section.compared, section.shape, section.axes, groups_);
  const auto elsewhere = failures_ - static_cast<Index>(section.failed.size());
  if (elsewhere > 0) text += fmt::format("; {} more elsewhere", elsewhere);
  return text;
}

Verdict Comparison::verdict() const {
  if (compared_ == 0 && undecided_ == 0) return Verdict::fail("nothing was compared");
  const Index all = compared_ + undecided_;
  const std::string open =
      undecided_ == 0 ? ""
                      : fmt::format(
                            "{} of {} elements undecided: within the error of a computed value lies the border "
                            "of a cell or the zero of a divisor",
                            undecided_, all);
  if (failures_ == 0 && static_cast<double>(undecided_) > kMostUndecided * static_cast<double>(all))
    return Verdict::skip("too little was compared; " + open);
  Verdict verdict;
  verdict.compared = compared_;
  verdict.reason = open;
  verdict.worst = worst_;
  verdict.error = error_;
  verdict.bound = bound_;
  verdict.ulps = ulps_;
  verdict.where = where();
  verdict.expected = expected_;
  verdict.got = got_;
  if (compared_ > 0 && worst_ <= 1 && failures_ == 0) verdict.status = Verdict::Status::kPass;
  return verdict;
}

}  // namespace gradproof
