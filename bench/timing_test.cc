#include "bench/timing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "bench/row.h"
#include "ops/core/error.h"
#include "ops/register.h"

namespace gradproof {
namespace {

testing::AssertionResult contains(const std::string& text, const std::string& words) {
  if (text.find(words) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << text << "' does not contain '" << words << "'";
}

// Spoils one element of the last output of an implementation's kernels.
class SpoiledKernel final : public Kernel {
 public:
  SpoiledKernel(std::unique_ptr<Kernel> kernel, float spoil) : kernel_(std::move(kernel)), spoil_(spoil) {}
  void run(std::span<const TensorRef> arguments) override {
    kernel_->run(arguments);
    arguments.back().floats()[0] += spoil_;
  }
  std::string isa() const override { return kernel_->isa(); }

 private:
  std::unique_ptr<Kernel> kernel_;
  float spoil_;
};

// The project's operations, and "simd" once more under `name`, spoiled.
Registry registry_with(const std::string& op, const std::string& name, float spoil) {
  Registry registry;
  Operation operation = register_operations().find(op);
  Implementation spoiled = operation.implementation("simd");
  spoiled.name = name;
  spoiled.prepare = [prepare = spoiled.prepare, spoil](const Case& c, const Pass& pass, const PrepareOptions& options) {
    return std::make_unique<SpoiledKernel>(prepare(c, pass, options), spoil);
  };
  operation.implementations.push_back(std::move(spoiled));
  registry.add(std::move(operation));
  return registry;
}

class Timing : public testing::Test {
 protected:
  void use(const Registry& registry, const std::string& text, const std::vector<std::string>& implementations) {
    registry_ = &registry;
    options_.layers = {{"layer", registry.parse_case(text), 2}};
    options_.implementations = implementations;
    options_.threads = {1, 2};
    options_.repetitions = 3;
    options_.min_seconds = 1e-5;
    options_.level_roofs = false;
  }

  void run() {
    summary_ = run_benchmarks(*registry_, references_, options_, [&](const Record& record) {
      if (record["kind"] == "timing") timings_.push_back(record);
      if (record["kind"] == "roof") ++roofs_;
    });
  }

  std::string refusal() {
    try {
      run();
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }

  const References references_ = register_references();
  const Registry* registry_ = nullptr;
  BenchOptions options_;
  BenchSummary summary_;
  std::vector<Record> timings_;
  int roofs_ = 0;
};

TEST_F(Timing, MeasuresWhatIsVerified) {
  const Registry registry = register_operations();
  use(registry, "linear:mb=2,ic=37,oc=10", {"simd"});
  options_.benchmark_flags = {"--benchmark_filter=forward|vjp:weights"};
  run();
  ASSERT_EQ(timings_.size(), 4U);
  for (const Record& timing : timings_) {
    EXPECT_EQ(timing["status"], "measured") << timing;
    EXPECT_EQ(timing["op"], "linear");
    EXPECT_EQ(timing["case"], "linear:mb=2,ic=37,oc=10");
    EXPECT_EQ(timing["layer"], "layer");
    EXPECT_EQ(timing["samples_ns"].size(), 3U);
    for (const char* key : {"ns", "flops", "bytes", "gflops", "gbps", "roof"}) EXPECT_GT(timing[key], 0) << key;
    EXPECT_EQ(timing["verified"][0], "large");
    EXPECT_LE(timing["worst"], 1);
  }
  EXPECT_EQ(timings_[1]["threads"], 2);
  EXPECT_EQ(timings_[1]["verified"], Record({"large", "determinism"})) << "the same bits on two threads";
  EXPECT_EQ(summary_.measured, 4);
  EXPECT_GT(roofs_, 0) << "multiply-adds on every instruction set";
}

TEST_F(Timing, GivesEveryPassAndThreadCountARow) {
  const Registry registry = register_operations();
  use(registry, "relu:mb=1,c=3,i=5", {"simd"});
  EXPECT_EQ(benchmark_names(registry, options_),
            (std::vector<std::string>{"layer/forward/simd/threads:1", "layer/forward/simd/threads:2",
                                      "layer/vjp:src/simd/threads:1", "layer/vjp:src/simd/threads:2"}));
  options_.layers[0].name.clear();
  EXPECT_EQ(benchmark_names(registry, options_)[0], options_.layers[0].work.to_text() + "/forward/simd/threads:1");
}

// Held against a memory roof because of weights that it never reads, a bias gradient in cache would stand above it.
TEST_F(Timing, TheWorkingSetLeavesOutWhatNeedNotBeRead) {
  const Registry registry = register_operations();
  use(registry, "linear:mb=2,ic=300,oc=10", {"simd"});
  RowPreparer preparer(references_, options_.seed);
  std::vector<Row> rows = plan_rows(registry, options_);
  for (Row& row : rows) {
    ASSERT_NE(preparer.prepare(row), nullptr) << row.reason;
    EXPECT_LE(row.demand.written_share, 1);
    if (row.pass == Pass::vjp("bias")) {
      EXPECT_EQ(row.demand.working_set, 4 * (2 * 10 + 10));
    }
    if (row.pass.is_forward()) {
      EXPECT_EQ(row.demand.working_set, 4 * (2 * 300 + 300 * 10 + 10 + 2 * 10));
    }
  }
}

TEST_F(Timing, RefusesAWrongImplementation) {
  for (float spoil : {1.0F, std::numeric_limits<float>::quiet_NaN()}) {
    const Registry registry = registry_with("relu", "wrong", spoil);
    use(registry, "relu:mb=2,c=3,i=9", {"wrong", "simd"});
    timings_.clear();
    run();
    ASSERT_EQ(timings_.size(), 8U);
    for (const Record& timing : timings_) {
      const bool wrong = timing["impl"] == "wrong";
      EXPECT_EQ(timing["status"], wrong ? "refused" : "measured") << timing;
      EXPECT_EQ(timing.contains("ns"), !wrong);
      if (wrong) {
        EXPECT_TRUE(contains(timing["reason"], "large: "));
      }
    }
    EXPECT_EQ(summary_.refused, 4);
    EXPECT_EQ(summary_.measured, 4);
  }
}

// Right on one thread proves nothing for two.
TEST_F(Timing, RefusesWhatIsWrongOnTwoThreadsOnly) {
  Registry registry;
  Operation operation = register_operations().find("relu");
  Implementation& simd = operation.implementations.front();
  simd.prepare = [prepare = simd.prepare](const Case& c, const Pass& pass,
                                          const PrepareOptions& options) -> std::unique_ptr<Kernel> {
    if (options.threads == 1) return prepare(c, pass, options);
    return std::make_unique<SpoiledKernel>(prepare(c, pass, options), 1.0F);
  };
  registry.add(std::move(operation));
  use(registry, "relu:mb=2,c=3,i=9", {"simd"});
  run();
  for (const Record& timing : timings_)
    EXPECT_EQ(timing["status"], timing["threads"] == 1 ? "measured" : "refused") << timing;
}

TEST_F(Timing, RefusesAKernelThatThrows) {
  Registry registry;
  Operation operation = register_operations().find("relu");
  operation.implementations.front().prepare = [](const Case&, const Pass&,
                                                 const PrepareOptions&) -> std::unique_ptr<Kernel> {
    throw std::runtime_error("out of luck");
  };
  registry.add(std::move(operation));
  use(registry, "relu:mb=1,c=3,i=5", {"simd"});
  run();
  EXPECT_EQ(summary_.refused, 4);
  EXPECT_EQ(timings_[0]["reason"], "out of luck");
}

TEST_F(Timing, SkipsWhatIsNotSupportedWithItsReason) {
  Registry registry = registry_with("relu", "peer", 0);
  Operation linear = register_operations().find("linear");
  registry.add(std::move(linear));
  use(registry, "linear:mb=1,ic=3,oc=2", {"peer"});
  run();
  EXPECT_EQ(summary_.measured, 0);
  EXPECT_EQ(summary_.skipped, static_cast<int>(timings_.size()));
  for (const Record& timing : timings_) EXPECT_EQ(timing["reason"], "linear has no implementation 'peer'");
}

TEST_F(Timing, NothingToMeasureIsRefused) {
  const Registry registry = register_operations();
  use(registry, "relu:mb=1,c=3,i=5", {"simd"});
  options_.benchmark_flags = {"--benchmark_filter=no_such_row"};
  EXPECT_TRUE(contains(refusal(), "no row matches --benchmark_filter=no_such_row"));
  options_.layers.clear();
  EXPECT_TRUE(contains(refusal(), "nothing to time"));
}

TEST_F(Timing, BadRequestsAreRefused) {
  const Registry registry = register_operations();
  use(registry, "relu:mb=1,c=3,i=5", {"banana"});
  EXPECT_TRUE(contains(refusal(), "'banana'"));
  EXPECT_TRUE(contains(refusal(), "simd"));
  options_.implementations = {"simd"};
  options_.benchmark_flags = {"--benchmark_banana=1"};
  EXPECT_TRUE(contains(refusal(), "--benchmark_banana=1"));
  options_.benchmark_flags = {"--help"};
  EXPECT_TRUE(contains(refusal(), "--help"));
  options_.benchmark_flags = {"--benchmark_out_format=csv"};
  EXPECT_TRUE(contains(refusal(), "--benchmark_out_format=csv"));
  options_.benchmark_flags = {"--benchmark_out=/no/such/directory/times.json"};
  EXPECT_TRUE(contains(refusal(), "/no/such/directory/times.json"));
}

// Writes its name down whenever it runs.
class LoggingKernel final : public Kernel {
 public:
  LoggingKernel(std::unique_ptr<Kernel> kernel, char name, std::string& log)
      : kernel_(std::move(kernel)), name_(name), log_(log) {}
  void run(std::span<const TensorRef> arguments) override {
    log_.push_back(name_);
    kernel_->run(arguments);
  }
  std::string isa() const override { return kernel_->isa(); }

 private:
  std::unique_ptr<Kernel> kernel_;
  char name_;
  std::string& log_;
};

// 40 repetitions each: in random order about 40 changes of hands are expected, 8 or fewer once in 10^13 runs.
TEST_F(Timing, RivalsAlternateRepetitionByRepetition) {
  std::string log;
  Registry registry;
  Operation operation = register_operations().find("relu");
  const Implementation simd = operation.implementation("simd");
  operation.implementations.clear();
  for (char name : {'a', 'b'}) {
    Implementation logging = simd;
    logging.name = name;
    logging.prepare = [simd, name, &log](const Case& c, const Pass& pass, const PrepareOptions& options) {
      return std::make_unique<LoggingKernel>(simd.prepare(c, pass, options), name, log);
    };
    operation.implementations.push_back(std::move(logging));
  }
  registry.add(std::move(operation));
  use(registry, "relu:mb=1,c=3,i=5", {"a", "b"});
  options_.threads = {1};
  options_.repetitions = 40;
  options_.min_seconds = 1e-6;
  options_.benchmark_flags = {"--benchmark_filter=forward"};
  run();
  ASSERT_EQ(timings_.size(), 2U);
  EXPECT_EQ(timings_[0]["samples_ns"].size(), 40U);
  EXPECT_EQ(timings_[1]["samples_ns"].size(), 40U);
  log.erase(std::unique(log.begin(), log.end()), log.end());
  EXPECT_GT(log.size(), 9U);
}

TEST_F(Timing, PeersAreMarkedAndOthersAreNot) {
  Registry registry = register_operations();
  Implementation peer = registry.find("relu").implementation("simd");
  peer.name = "peer";
  peer.peer = true;
  registry.add_implementation("relu", peer);
  use(registry, "relu:mb=1,c=3,i=5", {"simd", "peer"});
  options_.threads = {1};
  run();
  ASSERT_EQ(timings_.size(), 4U);
  for (const Record& timing : timings_) EXPECT_EQ(timing.value("peer", false), timing["impl"] == "peer") << timing;
}

// Other tools read Google Benchmark's own output.
TEST_F(Timing, NativeRunnerKeepsItsJsonAndInterleaving) {
  const auto file = std::filesystem::path(testing::TempDir()) / "gradproof_timing_test.json";
  const Registry registry = register_operations();
  use(registry, "relu:mb=1,c=3,i=5", {"simd"});
  options_.benchmark_flags = {"--benchmark_out=" + file.string(), "--benchmark_out_format=json",
                              "--benchmark_repetitions=2", "--benchmark_enable_random_interleaving=true"};
  run();
  EXPECT_EQ(timings_.size(), 4U);
  EXPECT_EQ(timings_[0]["samples_ns"].size(), 2U);
  std::ifstream stream(file);
  const auto json = nlohmann::json::parse(stream);
  std::set<std::string> names;  // interleaved: in any order, and with aggregates such as "..._median"
  for (const auto& entry : json["benchmarks"]) names.insert(entry["name"]);
  for (const std::string& name : benchmark_names(registry, options_)) EXPECT_TRUE(names.contains(name)) << name;
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace gradproof
