#include "checks/shard.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "ops/core/error.h"

namespace gradproof {
namespace {

constexpr Index kMostShards = 1000000;

struct Launcher {
  const char* number;
  const char* count;
};
constexpr std::array<Launcher, 4> kLaunchers{{{"GTEST_SHARD_INDEX", "GTEST_TOTAL_SHARDS"},
                                              {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                                              {"PMI_RANK", "PMI_SIZE"},
                                              {"SLURM_PROCID", "SLURM_NTASKS"}}};

std::optional<Index> whole_number(std::string_view text) {
  Index value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Shard> valid(std::optional<Index> number, std::optional<Index> count) {
  if (!number || !count || *number < 0 || *number >= *count || *count > kMostShards) return std::nullopt;
  return Shard{*number, *count};
}

Shard launched_shard() {
  for (const Launcher& launcher : kLaunchers) {
    const char* number = std::getenv(launcher.number);
    const char* count = std::getenv(launcher.count);
    if (number == nullptr || count == nullptr) continue;
    if (const auto shard = valid(whole_number(number), whole_number(count))) return *shard;
    refuse("{}={} and {}={} name no shard; they count from 0 to one less than how many there are", launcher.number,
           number, launcher.count, count);
  }
  refuse(
      "--shard auto: no launcher has said in the environment which shard this is (GoogleTest's variables, Open MPI's, "
      "MPICH's, Slurm's); write for instance --shard 2/4");
}

}  // namespace

std::string Shard::to_text() const { return fmt::format("{}/{}", number + 1, count); }

Shard shard_of(const std::string& text) {
  if (text == "auto") return launched_shard();
  const size_t slash = text.find('/');
  if (slash != std::string::npos) {
    const auto number = whole_number(std::string_view(text).substr(0, slash));
    const auto shard = valid(number ? std::optional(*number - 1) : std::nullopt,
                             whole_number(std::string_view(text).substr(slash + 1)));
    if (shard) return *shard;
  }
  refuse("--shard {} is neither auto nor I/N with I from 1 to N; write for instance --shard 2/4", text);
}

}  // namespace gradproof
