#include "bench/peers/onednn.h"

#include <omp.h>

#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <unordered_map>

#include "ops/core/memory.h"

namespace gradproof::onednn {
namespace {

const dnnl::stream& stream() {
  static const dnnl::stream only(engine());
  return only;
}

// oneDNN (with OpenMP) plans and runs on as many threads as the calling thread would start.
class Threads {
 public:
  explicit Threads(int count) : before_(omp_get_max_threads()) { omp_set_num_threads(count); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() { omp_set_num_threads(before_); }

 private:
  int before_;
};

bool is_reference(const dnnl::primitive_desc& primitive) {
  return std::string_view(primitive.impl_info_str()).starts_with("ref");
}

// By Highway's names. oneDNN names the instruction set of most implementations; of the others what it may use is known.
std::string isa_of(std::string_view info) {
  if (info.find("avx512") != std::string_view::npos) return "AVX3";
  if (info.find("avx2") != std::string_view::npos) return "AVX2";
  if (info.find("avx") != std::string_view::npos || info.find("sse41") != std::string_view::npos) return "SSE4";
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
    case dnnl::cpu_isa::avx:
      return "SSE4";
    case dnnl::cpu_isa::avx2:
    case dnnl::cpu_isa::avx2_vnni:
      return "AVX2";
    default:
      return "AVX3";
  }
}

// Zeros, also in what oneDNN pads its blocks with.
float* zeros_for(const memory::desc& desc, std::vector<AlignedMemory<float>>& owned) {
  const auto floats = static_cast<Index>((desc.get_size() + sizeof(float) - 1) / sizeof(float));
  owned.push_back(zeroed_floats(floats));
  return owned.back().get();
}

// A tensor of the caller and, where the primitive wants another layout, its copy in that one.
struct Port {
  Port(const Tensor& tensor, const dnnl::primitive_desc& primitive, std::span<const Argument> arguments)
      : name(tensor.name), key(tensor.key), argument(argument_index(arguments, tensor.name)) {
    const memory::desc dense = tensor.argument_desc();
    memory::desc wanted = primitive.query_md(dnnl::query::exec_arg_md, key);
    if (wanted.is_zero()) wanted = dense;
    outer = memory(dense, engine(), DNNL_MEMORY_NONE);
    if (argument < 0) outer.set_data_handle(zeros_for(dense, owned));
    written = argument >= 0 && arguments[static_cast<size_t>(argument)].written;
    copied = wanted != dense;
    if (!copied) return;
    inner = memory(wanted, engine(), DNNL_MEMORY_NONE);
    inner.set_data_handle(zeros_for(wanted, owned));
    reorder = written ? dnnl::reorder(inner, outer) : dnnl::reorder(outer, inner);
  }

  void point_to(std::span<const TensorRef> arguments) {
    if (argument < 0) return;
    void* data = arguments[static_cast<size_t>(argument)].data;
    if (data != outer.get_data_handle()) outer.set_data_handle(data);
  }

  const memory& seen_by_primitive() const { return copied ? inner : outer; }

  std::string name;
  int key;
  int argument;  // -1: owned
  bool written, copied;
  memory outer, inner;
  dnnl::reorder reorder;
  std::vector<AlignedMemory<float>> owned;
};

// A forward primitive that leaves a workspace to a gradient.
class ForwardWorkspace {
 public:
  ForwardWorkspace(const Problem& problem, const dnnl::primitive_desc& gradient) {
    if (!problem.forward_of) return;
    const dnnl::primitive_desc forward = problem.forward_of(gradient);
    const memory::desc wanted = forward.query_md(dnnl::query::workspace_md);
    if (wanted.is_zero()) return;
    primitive_ = dnnl::primitive(forward);
    const memory::desc dst = forward.query_md(dnnl::query::dst_md);
    tensors_[DNNL_ARG_WORKSPACE] = memory(wanted, engine(), zeros_for(wanted, owned_));
    tensors_[DNNL_ARG_DST] = memory(dst, engine(), zeros_for(dst, owned_));
  }

  bool exists() const { return !tensors_.empty(); }
  const memory& filled() const { return tensors_.at(DNNL_ARG_WORKSPACE); }
  void fill(const memory& src) {
    tensors_[DNNL_ARG_SRC] = src;
    primitive_.execute(stream(), tensors_);
  }

 private:
  dnnl::primitive primitive_;
  std::unordered_map<int, memory> tensors_;
  std::vector<AlignedMemory<float>> owned_;
};

// A primitive with its tensors.
class Plan {
 public:
  Plan(const Problem& problem, const dnnl::primitive_desc& described, std::span<const Argument> arguments)
      : before_(problem.before),
        after_(problem.after),
        isa_(isa_of(described.impl_info_str())),
        primitive_(described),
        workspace_(problem, described) {
    for (const Tensor& tensor : problem.tensors) ports_.emplace_back(tensor, described, arguments);
    for (const Port& port : ports_) tensors_[port.key] = port.seen_by_primitive();
    if (workspace_.exists()) tensors_[DNNL_ARG_WORKSPACE] = workspace_.filled();
    values_ = [this](const std::string& name) -> float* {
      for (const Port& port : ports_)
        if (port.name == name) return static_cast<float*>(port.outer.get_data_handle());
      return other(name);
    };
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  const std::string& isa() const { return isa_; }
  bool reorders() const {
    return std::any_of(ports_.begin(), ports_.end(), [](const Port& port) { return port.copied; });
  }

  void load(std::span<const TensorRef> arguments) { reorder(arguments, false); }
  void store(std::span<const TensorRef> arguments) { reorder(arguments, true); }
  // With what the forward pass leaves.
  void fill_workspace(std::span<const TensorRef> arguments) {
    if (!workspace_.exists()) return;
    load(arguments);
    workspace_.fill(tensors_.at(DNNL_ARG_SRC));
  }

  void compute(std::span<const TensorRef> arguments, std::span<const Argument> names) {
    point_to(arguments);
    arguments_ = arguments;
    names_ = names;
    if (before_) before_(values_);
    primitive_.execute(stream(), tensors_);
    if (after_) after_(values_);
  }

 private:
  void point_to(std::span<const TensorRef> arguments) {
    for (Port& port : ports_) port.point_to(arguments);
  }

  void reorder(std::span<const TensorRef> arguments, bool written) {
    point_to(arguments);
    for (Port& port : ports_) {
      if (!port.copied || port.written != written) continue;
      memory& from = written ? port.inner : port.outer;
      memory& to = written ? port.outer : port.inner;
      port.reorder.execute(stream(), from, to);
    }
  }

  // An argument that the primitive itself does not take.
  float* other(const std::string& name) const {
    return arguments_[static_cast<size_t>(argument_index(names_, name))].floats();
  }

  std::function<void(const Values&)> before_, after_;
  std::string isa_;
  dnnl::primitive primitive_;
  ForwardWorkspace workspace_;
  std::vector<Port> ports_;
  std::unordered_map<int, memory> tensors_;
  Values values_;
  std::span<const TensorRef> arguments_;
  std::span<const Argument> names_;
};

class OnednnKernel final : public Kernel {
 public:
  OnednnKernel(const Problem& problem, const dnnl::primitive_desc& described, std::vector<Argument> arguments,
               int threads, bool reorders_charged)
      : arguments_(std::move(arguments)),
        threads_(threads),
        charged_(reorders_charged),
        plan_(problem, described, arguments_) {}

  void load(std::span<const TensorRef> arguments) override {
    const Threads scope(threads_);
    if (!charged_) plan_.load(arguments);
    plan_.fill_workspace(arguments);
  }
  void run(std::span<const TensorRef> arguments) override {
    const Threads scope(threads_);
    if (charged_) plan_.load(arguments);
    plan_.compute(arguments, arguments_);
    if (charged_) plan_.store(arguments);
  }
  void store(std::span<const TensorRef> arguments) override {
    const Threads scope(threads_);
    if (!charged_) plan_.store(arguments);
  }
  std::string isa() const override { return plan_.isa(); }
  bool reorders() const { return plan_.reorders(); }

 private:
  std::vector<Argument> arguments_;
  int threads_;
  bool charged_;
  Plan plan_;
};

using Described = std::map<Layout, dnnl::primitive_desc>;

// The layouts that oneDNN has the problem for, without its reference loops if there is anything else. Throws the
// dnnl::error of the preferred layouts when there are none.
Described describe(const Problem& problem) {
  Described found;
  std::optional<dnnl::error> refusal;
  for (Layout layout : {Layout::kDense, Layout::kPreferred}) {
    try {
      found[layout] = problem.describe(layout);
    } catch (const dnnl::error& error) {
      refusal = error;
    }
  }
  if (found.empty()) throw *refusal;
  const bool all = std::all_of(found.begin(), found.end(), [](const auto& one) { return is_reference(one.second); });
  if (!all) std::erase_if(found, [](const auto& one) { return is_reference(one.second); });
  return found;
}

// Seconds of one run on zeros: the best of as many as fit into two milliseconds, but three at least, after one to warm
// up.
double trial(Kernel& kernel, std::span<const Argument> arguments) {
  using Clock = std::chrono::steady_clock;
  std::vector<AlignedMemory<float>> scratch;
  std::vector<TensorRef> refs;
  for (const Argument& argument : arguments) {
    const Index bytes = element_count(argument.shape) * element_size(argument.type);
    scratch.push_back(zeroed_floats((bytes + 3) / 4));
    refs.push_back({scratch.back().get(), argument.type, argument.shape, dense_strides(argument.shape)});
  }
  kernel.run(refs);
  const auto start = Clock::now();
  auto last = start;
  double best = std::numeric_limits<double>::infinity();
  for (int run = 0; run < 3 || last - start < std::chrono::milliseconds(2); ++run) {
    kernel.run(refs);
    const auto now = Clock::now();
    best = std::min(best, std::chrono::duration<double>(now - last).count());
    last = now;
  }
  return best;
}

std::unique_ptr<OnednnKernel> make_kernel(const Problem& problem, const dnnl::primitive_desc& described, const Case& c,
                                          const Pass& pass, int threads, bool reorders_charged) {
  return std::make_unique<OnednnKernel>(problem, described, arguments_of(*c.spec, c.attributes, pass), threads,
                                        reorders_charged);
}

// The faster of both layouts. What was chosen once in this process is chosen again, also for another number of threads:
// what is verified is what is timed, and bits that differ between numbers of threads are oneDNN's doing.
std::unique_ptr<Kernel> faster(const Problem& problem, const std::string& key, const Case& c, const Pass& pass,
                               int threads) {
  static std::mutex mutex;
  static std::map<std::string, Layout> choices;
  const std::lock_guard<std::mutex> lock(mutex);
  Described described = describe(problem);
  if (const auto choice = choices.find(key); choice != choices.end())
    return make_kernel(problem, described.at(choice->second), c, pass, threads, true);
  std::unique_ptr<OnednnKernel> best;
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [layout, primitive] : described) {
    auto candidate = make_kernel(problem, primitive, c, pass, threads, true);
    const double seconds = described.size() == 1 ? 0 : trial(*candidate, arguments_of(*c.spec, c.attributes, pass));
    if (best && !(seconds < least)) continue;
    best = std::move(candidate);
    least = seconds;
    choices[key] = layout;
  }
  return best;
}

// `probe` throws what oneDNN says about a problem that it cannot solve.
Implementation peer(std::string name, const Offer& offer, const std::function<void(const Problem&)>& probe) {
  Implementation result;
  result.name = std::move(name);
  result.peer = true;
  result.unsupported = [offer, probe](const Case& c, const Pass& pass) -> std::optional<std::string> {
    if (offer.unsupported)
      if (auto reason = offer.unsupported(c, pass)) return reason;
    try {
      probe(offer.problem(c, pass));
    } catch (const dnnl::error& error) {
      return fmt::format("oneDNN {} has no primitive for this on this processor ({})", version(), error.message);
    }
    return {};
  };
  result.depth = offer.depth;
  return result;
}

}  // namespace

const dnnl::engine& engine() {
  static const dnnl::engine only(dnnl::engine::kind::cpu, 0);
  return only;
}

std::string version() {
  const dnnl::version_t* v = dnnl::version();
  return fmt::format("{}.{}.{}", v->major, v->minor, v->patch);
}

Implementation plain_implementation(std::string name, const Offer& offer) {
  Implementation result = peer(std::move(name), offer, [](const Problem& problem) { describe(problem); });
  result.prepare = [offer, label = result.name](const Case& c, const Pass& pass,
                                                const PrepareOptions& options) -> std::unique_ptr<Kernel> {
    const Threads scope(options.threads);
    const std::string key = fmt::format("{} {} {}", label, c.to_text(), pass.to_text());
    return faster(offer.problem(c, pass), key, c, pass, options.threads);
  };
  return result;
}

Implementation blocked_implementation(std::string name, const Offer& offer) {
  Implementation result =
      peer(std::move(name), offer, [](const Problem& problem) { problem.describe(Layout::kPreferred); });
  result.prepare = [offer](const Case& c, const Pass& pass, const PrepareOptions& options) -> std::unique_ptr<Kernel> {
    const Threads scope(options.threads);
    const Problem problem = offer.problem(c, pass);
    return make_kernel(problem, problem.describe(Layout::kPreferred), c, pass, options.threads, false);
  };
  return result;
}

std::vector<Implementation> implementations(const Offer& offer) {
  return {plain_implementation("onednn", offer), blocked_implementation("onednn-blocked", offer)};
}

memory::desc dense_desc(const memory::dims& dims, memory::data_type type) {
  memory::dims strides(dims.size(), 1);
  for (size_t axis = dims.size() - 1; axis > 0; --axis) strides[axis - 1] = strides[axis] * dims[axis];
  return {dims, type, strides};
}

memory::desc any_desc(const memory::dims& dims, Layout layout) {
  if (layout == Layout::kDense) return dense_desc(dims);
  return {dims, memory::data_type::f32, memory::format_tag::any};
}

memory::desc channels_desc(const memory::dims& dims, Layout layout) {
  using enum memory::format_tag;
  if (layout == Layout::kDense) return dense_desc(dims);
  const bool wide = isa_of("") == "AVX3";
  const memory::format_tag tags[2][3] = {{nCw8c, nChw8c, nCdhw8c}, {nCw16c, nChw16c, nCdhw16c}};
  return {dims, memory::data_type::f32, tags[wide ? 1 : 0][dims.size() - 3]};
}

memory::dims dims_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

Problem channel_sum(const memory::dims& diff_dst, const std::string& result) {
  memory::dims sums(diff_dst.size(), 1);
  sums[1] = diff_dst[1];
  Problem problem;
  problem.tensors = {{"diff_dst", DNNL_ARG_SRC, diff_dst}, {result, DNNL_ARG_DST, sums}};
  problem.describe = [=](Layout layout) -> dnnl::primitive_desc {
    const bool space = diff_dst.size() > 2;
    const memory::desc src = space ? channels_desc(diff_dst, layout) : dense_desc(diff_dst);
    const dnnl::reduction::primitive_desc sum({dnnl::algorithm::reduction_sum, src, dense_desc(sums), 0, 0}, engine());
    if (is_reference(sum)) throw dnnl::error(dnnl_unimplemented, "its reduction is a reference loop");
    return sum;
  };
  return problem;
}

}  // namespace gradproof::onednn
