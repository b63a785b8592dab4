#include "checks/guarded.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <new>
#include <system_error>

namespace gradproof {
namespace {

constexpr std::size_t kGuard = 64 << 10;
constexpr int kKnownByte = 0xA5;
constexpr unsigned kCallPatience = 30;  // seconds

std::size_t in_pages(std::size_t bytes) {
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (std::max<std::size_t>(bytes, 1) + page - 1) / page * page;
}

}  // namespace

SharedBytes::SharedBytes(std::size_t size) : size_(size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<unsigned char*>(memory);
}

SharedBytes::SharedBytes(SharedBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}

SharedBytes::~SharedBytes() {
  if (data_ != nullptr) munmap(data_, size_);
}

GuardedTensor::GuardedTensor(const Argument& argument, Flush flush)
    : memory_(in_pages(static_cast<std::size_t>(element_count(argument.shape) * element_size(argument.type))) +
              2 * kGuard),
      pages_(memory_.data() + kGuard),
      page_bytes_(memory_.size() - 2 * kGuard),
      byte_count_(static_cast<std::size_t>(element_count(argument.shape) * element_size(argument.type))) {
  std::memset(pages_, kKnownByte, page_bytes_);
  mprotect(memory_.data(), kGuard, PROT_NONE);
  mprotect(pages_ + page_bytes_, kGuard, PROT_NONE);
  unsigned char* start = flush == Flush::kEnd ? pages_ + page_bytes_ - byte_count_ : pages_;
  ref_ = {start, argument.type, argument.shape, dense_strides(argument.shape)};
}

bool GuardedTensor::contains(const void* address) const {
  const auto* byte = static_cast<const unsigned char*>(address);
  return memory_.data() <= byte && byte < memory_.data() + memory_.size();
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

// What the child's signal handler tells its parent.
struct Crash {
  int signal;
  const void* address;
  bool writing;
};
Crash* crash_of_this_child = nullptr;

void report_crash(int signal, siginfo_t* info, [[maybe_unused]] void* context) {
  crash_of_this_child->address = info->si_addr;
#ifdef __x86_64__
  constexpr greg_t kWriteAccess = 2;  // bit 1 of the page-fault error code
  crash_of_this_child->writing = (static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_ERR] & kWriteAccess) != 0;
#endif
  crash_of_this_child->signal = signal;
  _exit(1);
}

[[noreturn]] void be_the_child(void (*body)(void*), void* context) {
  static std::array<unsigned char, 64 << 10> stack;  // a handler needs one of its own when the stack has overflowed
  stack_t alternative{};
  alternative.ss_sp = stack.data();
  alternative.ss_size = stack.size();
  sigaltstack(&alternative, nullptr);
  struct sigaction action {};
  action.sa_sigaction = report_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) sigaction(signal, &action, nullptr);
  alarm(kCallPatience);
  body(context);
  _exit(0);
}

}  // namespace

ChildEnd run_in_child_impl(void (*body)(void*), void* context) {
  const SharedBytes shared(in_pages(sizeof(Crash)));
  auto* crash = new (shared.data()) Crash{};
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) {
    crash_of_this_child = crash;
    be_the_child(body, context);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) return {.signal = WTERMSIG(status)};
  if (crash->signal != 0) return {false, crash->signal, crash->address, crash->writing};
  return {.ran_through = WIFEXITED(status) && WEXITSTATUS(status) == 0};
}

}  // namespace gradproof
