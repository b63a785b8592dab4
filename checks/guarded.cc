#include "checks/guarded.h"

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <new>
#include <utility>

namespace gradproof {
namespace {

constexpr std::size_t kGuard = 64 << 10;
constexpr int kKnownByte = 0xA5;

std::size_t in_pages(std::size_t bytes) {
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (std::max<std::size_t>(bytes, 1) + page - 1) / page * page;
}

}  // namespace

GuardedTensor::GuardedTensor(const Argument& argument, Flush flush)
    : byte_count_(static_cast<std::size_t>(element_count(argument.shape) * element_size(argument.type))) {
  page_bytes_ = in_pages(byte_count_);
  size_ = page_bytes_ + 2 * kGuard;
  void* memory = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<unsigned char*>(memory);
  pages_ = memory_ + kGuard;
  mprotect(pages_, page_bytes_, PROT_READ | PROT_WRITE);
  std::memset(pages_, kKnownByte, page_bytes_);
  unsigned char* start = flush == Flush::kEnd ? pages_ + page_bytes_ - byte_count_ : pages_;
  ref_ = {start, argument.type, argument.shape, dense_strides(argument.shape)};
}

GuardedTensor::GuardedTensor(GuardedTensor&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      size_(other.size_),
      pages_(other.pages_),
      page_bytes_(other.page_bytes_),
      byte_count_(other.byte_count_),
      ref_(other.ref_) {}

GuardedTensor::~GuardedTensor() {
  if (memory_ != nullptr) munmap(memory_, size_);
}

void GuardedTensor::open() const { mprotect(memory_, size_, PROT_READ | PROT_WRITE); }

bool GuardedTensor::contains(const void* address) const {
  const auto* byte = static_cast<const unsigned char*>(address);
  return memory_ <= byte && byte < memory_ + size_;
}

std::string GuardedTensor::describe(const void* address) const {
  const auto* byte = static_cast<const unsigned char*>(address);
  const auto* start = static_cast<const unsigned char*>(ref_.data);
  if (byte < start) return fmt::format("{} bytes before its start", start - byte);
  const auto offset = static_cast<std::size_t>(byte - start);
  if (offset >= byte_count_) return fmt::format("{} bytes past its end", offset - byte_count_);
  return fmt::format("at byte {} of its {}", offset, byte_count_);
}

std::optional<std::string> GuardedTensor::damage() const {
  const auto* start = static_cast<const unsigned char*>(ref_.data);
  for (const unsigned char* byte = pages_; byte < pages_ + page_bytes_; ++byte)
    if ((byte < start || byte >= start + byte_count_) && *byte != kKnownByte) return describe(byte);
  return {};
}

namespace {

// What the signal handler sees of the watch that is kept.
struct Watched {
  std::span<const GuardedTensor> tensors;
  Trespass first;
  struct sigaction others_segv, others_bus;  // whose turn it is for what is not ours
};
Watched watched;

bool is_write([[maybe_unused]] void* context) {
#ifdef __x86_64__
  constexpr greg_t kWriteAccess = 2;  // bit 1 of the page-fault error code
  return (static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_ERR] & kWriteAccess) != 0;
#else
  return false;
#endif
}

// Opens the guard that was met; on return the access is made again. One elsewhere then meets who handled it before us.
void meet(int signal, siginfo_t* info, void* context) {
  for (const GuardedTensor& tensor : watched.tensors) {
    if (!tensor.contains(info->si_addr)) continue;
    if (watched.first.address == nullptr) watched.first = {info->si_addr, is_write(context)};
    return tensor.open();
  }
  sigaction(signal, signal == SIGSEGV ? &watched.others_segv : &watched.others_bus, nullptr);
}

}  // namespace

GuardWatch::GuardWatch(std::span<const GuardedTensor> tensors) {
  watched.tensors = tensors;
  watched.first = {};
  struct sigaction action {};
  action.sa_sigaction = meet;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, &watched.others_segv);
  sigaction(SIGBUS, &action, &watched.others_bus);
}

GuardWatch::~GuardWatch() {
  sigaction(SIGSEGV, &watched.others_segv, nullptr);
  sigaction(SIGBUS, &watched.others_bus, nullptr);
}

std::optional<Trespass> GuardWatch::first() const {
  if (watched.first.address == nullptr) return {};
  return watched.first;
}

}  // namespace gradproof
