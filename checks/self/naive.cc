#include "checks/self/naive.h"

#include <cmath>

#include <algorithm>

namespace gradproof {
namespace {

class NaiveKernel final : public Kernel {
 public:
  NaiveKernel(const Case& c, const Pass& pass, int threads, const std::function<void(const NaiveCall&)>& body)
      : case_(c), pass_(pass), threads_(threads), arguments_(arguments_of(*c.spec, c.attributes, pass)), body_(body) {}

  void run(std::span<const TensorRef> tensors) override {
    body_({case_.attributes, pass_, threads_, arguments_, tensors});
  }
  std::string isa() const override { return "SCALAR"; }

 private:
  Case case_;
  Pass pass_;
  int threads_;
  std::vector<Argument> arguments_;
  std::function<void(const NaiveCall&)> body_;
};

}  // namespace

const TensorRef* NaiveCall::tensor(std::string_view name) const {
  const int index = argument_index(arguments, name);
  return index < 0 ? nullptr : &tensors[static_cast<size_t>(index)];
}

float* NaiveCall::floats(std::string_view name) const {
  const TensorRef* ref = tensor(name);
  return ref == nullptr ? nullptr : ref->floats();
}

Index NaiveCall::count(std::string_view name) const { return element_count(tensor(name)->shape); }

void NaiveCall::zero_outputs() const {
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i].written)
      std::fill_n(static_cast<unsigned char*>(tensors[i].data),
                  element_count(tensors[i].shape) * element_size(tensors[i].type), static_cast<unsigned char>(0));
}

Implementation naive_implementation(std::string name, std::function<void(const NaiveCall&)> run) {
  Implementation result;
  result.name = std::move(name);
  result.unsupported = [](const Case&, const Pass&) { return std::nullopt; };
  result.prepare = [run = std::move(run)](const Case& c, const Pass& pass, const PrepareOptions& options) {
    return std::make_unique<NaiveKernel>(c, pass, options.threads, run);
  };
  return result;
}

void store_index(const TensorRef& tensor, Index element, Index value) {
  if (tensor.type == ElementType::kUint8)
    tensor.bytes()[element] = static_cast<std::uint8_t>(value);
  else
    tensor.ints()[element] = static_cast<std::int32_t>(value);
}

Implementation naive_function(const std::string& name, const NaiveFunction& f) {
  return naive_implementation(name, [f](const NaiveCall& call) {
    const float* src = call.floats("src");
    for (Index i = 0; i < call.count("src"); ++i) {
      if (call.pass.is_forward()) {
        const double value = std::isnan(src[i]) ? src[i] : f.value(src[i], call.attributes);
        call.floats("dst")[i] = static_cast<float>(value);
        continue;
      }
      const double slope = f.slope(src[i], call.attributes);
      call.floats("diff_src")[i] = slope == 0 ? 0.0F : static_cast<float>(slope * call.floats("diff_dst")[i]);
    }
  });
}

double held(const Attributes& a, std::string_view key) { return static_cast<float>(a.real(key)); }

}  // namespace gradproof
