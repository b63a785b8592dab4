#include "ops/core/environment.h"

#include <fmt/chrono.h>

#include <array>
#include <cstring>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ops/core/record.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

// Written by cmake/BuildFacts.cmake. Compiled by hand, without it, a program knows none of these.
#if __has_include("gradproof_build_facts.h")
#include "gradproof_build_facts.h"
#else
namespace gradproof::build_facts {
constexpr std::string_view kCommit, kFlags, kReal;
constexpr std::array<std::pair<std::string_view, std::string_view>, 0> kLibraries{};
}  // namespace gradproof::build_facts
#endif

namespace gradproof {
namespace {

// The first word of a file, or "" when there is no such file.
std::string first_word(const std::string& path) {
  std::string word;
  std::ifstream(path) >> word;
  return word;
}

// "48K" and "2M", as Linux writes sizes.
std::optional<Index> parse_size(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789") == 0) return {};
  Index value = std::stoll(text);
  if (text.back() == 'K') value <<= 10;
  if (text.back() == 'M') value <<= 20;
  return value;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t start = line.find_first_not_of(" \t", line.find(':') + 1);
    return start == std::string::npos ? "" : line.substr(start);
  }
  return "";
}

// "none" on bare metal, "" when the processor does not say. Hypervisors sign leaf 0x40000000 (the convention of
// Microsoft, VMware, KVM and Xen); bit 31 of ecx in leaf 1 says that one is there.
std::string hypervisor_name() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return "";
  if ((c >> 31) == 0) return "none";
  __cpuid(0x40000000, a, b, c, d);
  std::array<char, 13> signature{};
  std::memcpy(signature.data(), &b, 4);
  std::memcpy(signature.data() + 4, &c, 4);
  std::memcpy(signature.data() + 8, &d, 4);
  return signature.data();
#else
  return first_word("/sys/hypervisor/type");
#endif
}

std::string compiler_name() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#elif defined(__GNUC__)
  return "GCC " __VERSION__;
#else
  return "";
#endif
}

void set_text(Record& record, const char* key, std::string_view text) {
  if (!text.empty()) record[key] = text;
}

CacheSizes read_cache_sizes() {
  CacheSizes sizes;
  for (int index = 0;; ++index) {
    const std::string cache = fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/", index);
    const std::string level = first_word(cache + "level");
    if (level.empty()) return sizes;
    if (first_word(cache + "type") == "Instruction") continue;
    const std::optional<Index> size = parse_size(first_word(cache + "size"));
    if (level == "1") sizes.l1d = size;
    if (level == "2") sizes.l2 = size;
    if (level == "3") sizes.l3 = size;
  }
}

Record caches_record() {
  const CacheSizes& sizes = cache_sizes();
  Record record = Record::object();
  if (sizes.l1d) record["l1d"] = *sizes.l1d;
  if (sizes.l2) record["l2"] = *sizes.l2;
  if (sizes.l3) record["l3"] = *sizes.l3;
  return record;
}

}  // namespace

const CacheSizes& cache_sizes() {
  static const CacheSizes sizes = read_cache_sizes();
  return sizes;
}

Record environment_record(int threads, const std::vector<std::string>& isas) {
  Record record = make_record("environment");
  set_text(record, "processor", processor_name());
  if (!isas.empty()) {
    record["isas"] = isas;
    record["isa"] = isas.front();
  }
  record["caches"] = caches_record();
  if (const unsigned cores = std::thread::hardware_concurrency(); cores > 0) record["cores"] = cores;
  set_text(record, "hypervisor", hypervisor_name());
  set_text(record, "compiler", compiler_name());
  set_text(record, "flags", build_facts::kFlags);
  record["libraries"] = Record::object();
  for (const auto& [name, version] : build_facts::kLibraries)
    set_text(record["libraries"], std::string(name).c_str(), version);
  set_text(record, "real", build_facts::kReal);
  set_text(record, "commit", build_facts::kCommit);
  record["time"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  record["threads"] = threads;
  return record;
}

}  // namespace gradproof
