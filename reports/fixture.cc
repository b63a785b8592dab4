#include "reports/fixture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

namespace gradproof {
namespace {

using nlohmann::json;

struct Layer {
  const char *name, *case_text;
  double flops, bytes;
};

struct Op {
  const char *name, *family;
  std::vector<const char*> passes;
  std::vector<const char*> cases;
  std::vector<Layer> layers;
  double ratio, digits, efficiency;
};

const std::vector<Op>& operations() {
  static const std::vector<Op> kOps = {
      {"conv",
       "convolution",
       {"forward", "vjp:src", "vjp:weights", "vjp:bias"},
       {"conv:mb=2,ic=3,ih=8,iw=7,oc=4,k=3,p=1", "conv:mb=1,ic=16,ih=13,iw=9,oc=17,k=3,s=2,p=1",
        "conv:mb=2,ic=6,ih=9,iw=11,oc=9,g=3,kh=3,kw=2,dh=2,dw=1", "conv:mb=1,ic=33,ih=5,iw=6,oc=31,k=1",
        "conv:mb=1,ic=3,iw=31,oc=5,kw=7,sw=3"},
       {{"alexnet conv1 11x11", "conv:mb=1,ic=3,i=227,oc=96,k=11,s=4", 2.1e8, 1.9e6},
        {"vgg16 conv3_1 3x3", "conv:mb=1,ic=128,i=56,oc=256,k=3,p=1", 1.85e9, 6.0e6},
        {"resnet50 conv2_x 3x3", "conv:mb=1,ic=64,i=56,oc=64,k=3,p=1", 2.31e8, 1.75e6},
        {"resnet50 conv4_x 1x1", "conv:mb=1,ic=1024,i=14,oc=256,k=1", 1.03e8, 2.05e6},
        {"mobilenet dw3 3x3", "conv:mb=1,ic=128,i=56,oc=128,g=128,k=3,p=1", 7.2e6, 3.2e6}},
       0.19,
       24,
       0.78},
      {"max_pool",
       "pooling",
       {"forward", "vjp:src"},
       {"max_pool:mb=2,c=5,ih=9,iw=7,k=3,s=2,p=1", "max_pool:mb=1,c=17,ih=8,iw=6,k=2,s=2",
        "max_pool:mb=1,c=3,iw=23,kw=3,sw=2"},
       {{"resnet50 pool1 3x3/2", "max_pool:mb=1,c=64,i=112,k=3,s=2,p=1", 1.8e6, 4.0e6},
        {"vgg16 pool2 2x2/2", "max_pool:mb=1,c=128,i=112,k=2,s=2", 1.2e6, 8.0e6}},
       0,
       31,
       0.81},
      {"batch_norm",
       "normalization",
       {"forward", "vjp:src", "vjp:gamma", "vjp:beta"},
       {"batch_norm:mb=3,c=5,ih=6,iw=7", "batch_norm:mb=2,c=17,ih=4,iw=5,eps=0.1",
        "batch_norm:mb=4,c=3,ih=5,iw=5,training=0"},
       {{"resnet50 bn2_x", "batch_norm:mb=1,c=256,i=56", 6.4e6, 6.4e6},
        {"resnet50 bn5_x", "batch_norm:mb=1,c=2048,i=7", 8e5, 8.1e5}},
       0.34,
       21,
       0.69},
      {"relu",
       "activation",
       {"forward", "vjp:src"},
       {"relu:mb=2,c=3,ih=5,iw=7", "relu:mb=1,c=1,iw=33", "relu:mb=1,c=9,ih=1,iw=1"},
       {{"resnet50 relu2_x", "relu:mb=1,c=256,i=56", 8e5, 6.4e6},
        {"alexnet relu6", "relu:mb=1,c=4096,iw=1", 4.1e3, 3.3e4}},
       0,
       33,
       0.9},
      {"linear",
       "linear",
       {"forward", "vjp:src", "vjp:weights", "vjp:bias"},
       {"linear:mb=3,ic=17,oc=9", "linear:mb=1,ic=65,oc=5", "linear:mb=5,ic=1,oc=3,bias=0"},
       {{"alexnet fc6", "linear:mb=1,ic=9216,oc=4096", 7.5e7, 1.51e8},
        {"resnet50 fc", "linear:mb=16,ic=2048,oc=1000", 6.6e7, 8.4e6}},
       0.11,
       29,
       0.72}};
  return kOps;
}

class Maker {
 public:
  explicit Maker(bool with_failures) : with_failures_(with_failures) {}

  std::string make(int rounds) {
    add_environment();
    for (int round = 0; round < rounds; ++round) {
      for (const Op& op : operations()) add_checks(op, round);
    }
    if (with_failures_) add_failures();
    add_planted();
    add_properties();
    add_roofs();
    for (const Op& op : operations()) add_timings(op);
    return std::move(out_);
  }

 private:
  void put(json record) {
    record["schema"] = 1;
    out_ += record.dump() + '\n';
  }

  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(random_() % 100003) / 100003.0;
  }

  void add_environment() {
    put({{"kind", "environment"},
         {"processor", "AMD EPYC 9R14"},
         {"isas", {"AVX3", "AVX2", "EMU128"}},
         {"isa", "AVX3"},
         {"caches", {{"l1d", 32768}, {"l2", 1048576}, {"l3", 33554432}}},
         {"cores", 2},
         {"hypervisor", "KVM"},
         {"compiler", "g++ 12.2.0"},
         {"flags", "-O3 -ffp-contract=off"},
         {"libraries", {{"hwy", "1.0.3"}, {"onednn", "2.7.3"}}},
         {"real", "float128"},
         {"commit", "4f0c2d81a9b3e7725c61"},
         {"time", "2024-05-17T09:12:44Z"},
         {"threads", 2}});
  }

  json check(const Op& op, const char* case_text, const char* pass, const char* oracle, const char* impl, int round) {
    json c = {{"kind", "check"},
              {"op", op.name},
              {"family", op.family},
              {"case", case_text},
              {"pass", pass},
              {"oracle", oracle},
              {"impl", impl},
              {"isa", "AVX3"},
              {"tier", "full"},
              {"seed", 42 + round},
              {"status", "pass"},
              {"compared", 4 + random_() % 900},
              {"seconds", uniform(0.001, 0.2)}};
    if (std::string(impl) == "reference") c.erase("isa");
    return c;
  }

  void add_checks(const Op& op, int round) {
    for (const char* case_text : op.cases) {
      for (const char* pass : op.passes) {
        const bool forward = std::string(pass) == "forward";
        if (!forward) add_reference_checks(op, case_text, pass, round);
        for (const char* impl : {"simd", "simd@avx2"}) {
          json c = check(op, case_text, pass, forward ? "forward" : "vjp", impl, round);
          c["worst"] = op.ratio * uniform(0.1, 1.8);
          c["bound"] = 3e-6;
          put(c);
          c["oracle"] = "exact";
          c["worst"] = 0;
          c["bound"] = 0;
          put(c);
        }
        for (const char* oracle : {"special", "determinism", "memory"})
          put(check(op, case_text, pass, oracle, "simd", round));
        json skip = check(op, case_text, pass, "forward", "onednn", round);
        skip["peer"] = true;
        skip["status"] = "skip";
        skip["reason"] = std::string("onednn does not support ") + op.name + " in this configuration";
        if (random_() % 3 == 0) put(skip);
      }
    }
  }

  void add_reference_checks(const Op& op, const char* case_text, const char* pass, int round) {
    json c = check(op, case_text, pass, "fd", "reference", round);
    c["digits"] = op.digits + uniform(-3.5, 2.5);
    c["worst"] = std::pow(10.0, 18 - c["digits"].get<double>());
    put(c);
    c["oracle"] = "adjoint";
    c["digits"] = 32.5 + uniform(-1.5, 1);
    c["worst"] = 1e-13;
    put(c);
    json direct = check(op, case_text, pass, "fd-direct", "simd", round);
    direct["worst"] = op.ratio * uniform(0.2, 1.5) + 4e-5;
    put(direct);
  }

  void add_failures() {
    json c = check(operations()[0], operations()[0].cases[1], "vjp:src", "vjp", "simd@avx2", 0);
    c.update({{"status", "fail"},
              {"worst", 48213.7},
              {"error", 1.31},
              {"bound", 2.7e-5},
              {"where", "diff_src[0,3,12,8]"},
              {"expected", "-1.3098371"},
              {"got", "0"},
              {"reason", "14 of 1872 elements are wrong, only at ih = 12"},
              {"repro",
               "gradproof check conv:mb=1,ic=16,ih=13,iw=9,oc=17,k=3,s=2,p=1 --impl simd@avx2 --oracle vjp --seed 42"},
              {"shrunk", "conv:mb=1,ic=1,ih=4,iw=2,oc=1,k=1,s=2"}});
    put(c);
    json nan = check(operations()[2], operations()[2].cases[1], "vjp:gamma", "special", "simd", 0);
    nan.update({{"status", "fail"},
                {"where", "diff_gamma[4]"},
                {"expected", "nan"},
                {"got", "0.25"},
                {"reason", "a NaN in src </script> was lost & \"hidden\" | here"}});
    put(nan);
    json finding = check(operations()[1], operations()[1].cases[0], "forward", "special", "onednn", 0);
    finding.update({{"peer", true},
                    {"status", "fail"},
                    {"where", "dst[0,0,1,2]"},
                    {"expected", "nan"},
                    {"got", "1.5"},
                    {"reason", "a NaN in src was lost by the peer"}});
    put(finding);
  }

  void add_properties() {
    json shown = check(operations()[0], "conv-commutes-with-translation", "forward", "property", "simd", 0);
    shown.update({{"claim", "Convolving a moved image gives the moved result."}, {"operations", {"conv", "relu"}}});
    put(shown);
    json drawn = check(operations()[2], "small-batches-have-bad-statistics", "forward", "property", "simd", 0);
    drawn.update({{"claim", "The error of batch norm's statistics grows as the batch shrinks."},
                  {"operations", {"batch_norm"}},
                  {"reason", "from 1 to 64 samples, the error falls from 1.04 to 0.15"},
                  {"x_axis", "samples a batch"},
                  {"y_axis", "error of the mean"},
                  {"logarithmic", true},
                  {"curves",
                   {{{"name", "batch norm"}, {"x", {1, 4, 16, 64}}, {"y", {1.04, 0.52, 0.25, 0.15}}},
                    {{"name", "group norm"}, {"x", {1, 4, 16, 64}}, {"y", {0.72, 0.72, 0.72, 0.72}}}}}});
    put(drawn);
  }

  void add_planted() {
    const std::vector<std::array<const char*, 4>> bugs = {
        {"stride_h and stride_w confused", "conv", "vjp", "conv:mb=1,ic=1,ih=3,iw=2,oc=1,k=1,sh=2,sw=1"},
        {"weight gradient right only for groups = 1", "conv", "vjp", "conv:mb=1,ic=2,ih=1,iw=1,oc=2,g=2,k=1"},
        {"every tied element gets the full gradient", "max_pool", "kink", "max_pool:mb=1,c=1,iw=2,kw=2,sw=2"},
        {"mean term subtracted twice", "batch_norm", "fd-direct", "batch_norm:mb=2,c=1,ih=1,iw=1"},
        {"SIMD body and tail differ at NaN", "relu", "special", "relu:mb=1,c=1,iw=17"}};
    for (const auto& [name, op, oracle, case_text] : bugs) {
      put({{"kind", "check"},
           {"op", op},
           {"case", case_text},
           {"reason", "made up for the tests"},
           {"oracle", "self"},
           {"impl", "mutant"},
           {"status", "pass"},
           {"mutant", name},
           {"caught_by", oracle},
           {"shrunk", case_text}});
    }
  }

  void add_roofs() {
    for (int threads : {1, 2}) {
      put({{"kind", "roof"},
           {"name", "fma"},
           {"threads", threads},
           {"isa", "AVX3"},
           {"value", 116.0 * threads * 0.98},
           {"unit", "GFLOP/s"}});
      put({{"kind", "roof"},
           {"name", "fma"},
           {"threads", threads},
           {"isa", "AVX2"},
           {"value", 115.0 * threads * 0.98},
           {"unit", "GFLOP/s"}});
      for (const char* name : {"copy", "read"}) {
        const double scale = (name[0] == 'c' ? 1.0 : 1.25) * (threads == 1 ? 1 : 1.8);
        const auto put_level = [&](const char* level, double bytes, double value) {
          put({{"kind", "roof"},
               {"name", name},
               {"level", level},
               {"threads", threads},
               {"isa", "AVX3"},
               {"value", value * scale},
               {"unit", "GB/s"},
               {"bytes", bytes}});
        };
        put_level("l1", 16384, 190);
        put_level("l2", 524288, 96);
        put_level("l3", 8388608, 48);
        put_level("memory", 268435456, 21);
      }
    }
  }

  static double bandwidth(double bytes) {
    return bytes < 32768 ? 190 : bytes < 1 << 20 ? 96 : bytes < 32 << 20 ? 48 : 21;
  }

  void add_timings(const Op& op) {
    for (const Layer& layer : op.layers) {
      for (const char* pass : op.passes) {
        if (std::string(pass) == "vjp:bias" || std::string(pass) == "vjp:beta") continue;
        for (int threads : {1, 2}) {
          for (const char* impl : {"simd", "onednn"}) add_timing(op, layer, pass, threads, impl);
        }
      }
    }
  }

  void add_timing(const Op& op, const Layer& layer, const char* pass, int threads, const char* impl) {
    json t = {{"kind", "timing"},    {"op", op.name},        {"family", op.family}, {"case", layer.case_text},
              {"pass", pass},        {"impl", impl},         {"isa", "AVX3"},       {"threads", threads},
              {"layer", layer.name}, {"flops", layer.flops}, {"bytes", layer.bytes}};
    if (impl[0] == 'o') t["peer"] = true;
    if (std::string(impl) == "onednn" && std::string(op.family) != "convolution") {
      t.update({{"status", "refused"}, {"reason", "onednn is not wired up for this operation"}});
      if (threads == 1) put(t);
      return;
    }
    const double gain = threads == 1 ? 1 : uniform(1.35, 1.97);
    const double compute = 114 * gain, memory = bandwidth(layer.bytes) * gain;
    const double roof = std::min(compute, memory * layer.flops / layer.bytes);
    const bool impossible = with_failures_ && impl[0] == 's' && layer.flops > 1e9 && threads == 1;
    const double fraction = impossible ? 1.07 : op.efficiency * uniform(0.7, 1.08);
    const double ns = layer.flops / (roof * fraction);
    json samples = json::array();
    for (int i = 0; i < 9; ++i) samples.push_back(ns * uniform(0.99, 1.015));
    t.update({{"status", "measured"},
              {"samples_ns", samples},
              {"ns", ns},
              {"gflops", layer.flops / ns},
              {"gbps", layer.bytes / ns},
              {"roof", fraction},
              {"roof_kind", compute < memory * layer.flops / layer.bytes ? "compute" : "memory"},
              {"verified", {"large", "forward"}},
              {"worst", op.ratio * uniform(0.1, 1.2)}});
    put(t);
  }

  bool with_failures_;
  std::mt19937 random_{7};
  std::string out_;
};

}  // namespace

std::string fixture_lines(bool with_failures, int rounds) { return Maker(with_failures).make(rounds); }

Records fixture_records(bool with_failures, int rounds) { return parse_lines(fixture_lines(with_failures, rounds)); }

json a_check() {
  return {{"schema", 1},       {"kind", "check"},     {"op", "relu"},   {"case", "relu:mb=1,c=1,iw=3"},
          {"pass", "forward"}, {"oracle", "forward"}, {"impl", "simd"}, {"status", "pass"},
          {"compared", 3}};
}

json a_timing() {
  return {{"schema", 1},       {"kind", "timing"},       {"op", "relu"}, {"case", "relu:mb=1,c=1,iw=3"},
          {"pass", "forward"}, {"impl", "simd"},         {"threads", 1}, {"status", "measured"},
          {"ns", 12.5},        {"verified", {"forward"}}};
}

Records parse(const json& record) { return parse_lines(record.dump() + "\n"); }

Records parse_lines(const std::string& lines) {
  Records records;
  parse_records(lines, "records.jsonl", records);
  return records;
}

}  // namespace gradproof
