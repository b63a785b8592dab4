// sample SEED COUNT SOURCE FOLDER LEFT_OUT: prints a catalogue of COUNT mechanical mutants of what is below
// SOURCE/FOLDER ("ops": the kernels, "ops/norm", "reference", "checks"), drawn with this seed. The file LEFT_OUT names
// places that cannot hold a switch, `file:line` each, as mechanical.sh finds them: what lies there is left out, and
// nothing is drawn instead.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <random>
#include <set>

#include "mutants/mechanical.h"

namespace gradproof {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// Of the building blocks' users those that are quick to ask.
const std::vector<std::string> kQuick = {
    "relu", "softmax", "linear", "conv",       "conv_transpose", "max_pool",   "avg_pool",
    "gelu", "elu",     "add",    "batch_norm", "softplus",       "layer_norm", "lrn",
    "mish", "tanh",    "silu",   "group_norm", "log_softmax",    "mse",        "bce_with_logits"};
const std::vector<std::string> kNetworks = {"lenet5", "residual_block", "gap_net"};

// Whom a kernel concerns, by its folder.
std::vector<std::string> users_of_kernel(const std::string& folder) {
  if (folder == "conv") return {"conv", "conv_*", "*_conv", "deform_layer"};
  if (folder == "activation") return {"activation", "loss"};  // which shares the rows of classes
  if (folder == "simd" || folder == "core") return kQuick;
  if (folder == "step") return {"step*", "sign"};
  if (folder == "linear") return {"linear"};
  if (folder == "net") return kNetworks;
  return {folder};
}

// Whom formulas concern, by their file: an operation's own, those of a family, or what all are made of.
std::vector<std::string> users_of_formulas(const std::string& file) {
  const std::string stem = fs::path(file).stem().string();
  const std::map<std::string, std::vector<std::string>> users = {{"activation", {"activation"}},
                                                                 {"deform", {"deform_*"}},
                                                                 {"global_pool", {"global_*"}},
                                                                 {"linear_pool", {"pool"}},
                                                                 {"loss", {"loss"}},
                                                                 {"log_sum_exp", {"*softmax*"}},
                                                                 {"network", kNetworks},
                                                                 {"norm", {"norm"}},
                                                                 {"normalization", {"norm"}},
                                                                 {"numbered", {"loss", "max_unpool"}},
                                                                 {"pointwise_loss", {"loss"}},
                                                                 {"pool", {"pool"}},
                                                                 {"pooling", {"pool"}},
                                                                 {"shape", {"shape"}},
                                                                 {"sliding", {"conv", "*_pool"}},
                                                                 {"softmax", {"*softmax"}},
                                                                 {"step", {"step*", "sign"}},
                                                                 {"winner", {"max_pool", "adaptive_max_pool"}}};
  if (const auto found = users.find(stem); found != users.end()) return found->second;
  return file.ends_with(".h") || stem == "formulas" || stem == "depends" ? kQuick : std::vector<std::string>{stem};
}

std::vector<std::string> users_of(const std::string& file) {
  if (file.starts_with("reference/")) return users_of_formulas(file);
  if (file.starts_with("checks/")) return kQuick;
  return users_of_kernel(fs::path(file).parent_path().filename().string());
}

// What runs when a kernel is planned or runs: not what an operation says of itself, which is shared with the truth.
bool is_kernel(const std::string& file) {
  if (!file.starts_with("ops/")) return false;
  const auto ends_with = [&](const char* end) { return file.ends_with(end); };
  if (ends_with("_test.cc") || file.starts_with("ops/core")) return false;
  return ends_with("_simd.cc") || ends_with("_kernels.cc") || ends_with("-inl.h") || ends_with("/geometry.cc") ||
         ends_with("/planes.cc") || ends_with("_plan.cc") || ends_with("/sources.cc") || ends_with("/parallel.cc") ||
         ends_with("/engine.cc") || ends_with("/network_kernel.cc");
}

// All of the reference and of the checks but tests, and but the wrong kernels that are there to be caught.
bool is_judge(const std::string& file) {
  if (!file.starts_with("reference/") && !file.starts_with("checks/")) return false;
  const bool is_source = file.ends_with(".cc") || file.ends_with(".h");
  return is_source && !file.ends_with("_test.cc") && !file.starts_with("checks/self/");
}

std::vector<PlantedBug> all_mutants(const fs::path& source, const char* folder) {
  std::set<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(source / folder))
    if (const std::string file = entry.path().lexically_relative(source).generic_string();
        is_kernel(file) || is_judge(file))
      files.insert(file);
  std::vector<PlantedBug> all;
  for (const std::string& file : files)
    for (PlantedBug& bug : mechanical_mutants(file, text_of(source / file))) {
      bug.patterns = users_of(file);
      all.push_back(std::move(bug));
    }
  return all;
}

// Drawn one after the other, so that a larger sample holds a smaller one of the same seed.
std::vector<PlantedBug> drawn(std::vector<PlantedBug> all, std::uint32_t seed, size_t count) {
  std::mt19937 random(seed);
  for (size_t i = 0; i < std::min(count, all.size()); ++i) std::swap(all[i], all[i + random() % (all.size() - i)]);
  all.resize(std::min(count, all.size()));
  return all;
}

std::set<std::string> lines_of(const fs::path& file) {
  std::set<std::string> lines;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) lines.insert(line);
  return lines;
}

// An expression may take a few lines, and the compiler names any of them.
bool is_left_out(const PlantedBug& bug, const std::set<std::string>& places) {
  constexpr int kMostLines = 4;
  for (int line = bug.place.line; line < bug.place.line + kMostLines; ++line)
    if (places.contains(bug.file + ":" + std::to_string(line))) return true;
  return false;
}

}  // namespace
}  // namespace gradproof

int main(int argc, char** argv) {
  using namespace gradproof;
  if (argc != 6) {
    std::cerr << "usage: sample SEED COUNT SOURCE FOLDER LEFT_OUT\n";
    return 64;
  }
  const std::set<std::string> left_out = lines_of(argv[5]);
  std::cout << "# Drawn with seed " << argv[1] << ".\n";
  for (const PlantedBug& bug :
       drawn(all_mutants(argv[3], argv[4]), static_cast<std::uint32_t>(std::stoul(argv[1])), std::stoul(argv[2])))
    if (!is_left_out(bug, left_out)) std::cout << '\n' << to_text(bug);
}
