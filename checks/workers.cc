#include "checks/workers.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <memory>
#include <system_error>
#include <thread>

namespace gradproof {
namespace {

// What parent and workers both see.
struct Board {
  std::atomic<Index> next_stretch;
};

// The stretch that a worker has in hand. It outlives the worker, so that another can go on.
struct Desk {
  std::atomic<Index> next, last;
};

template <class T>
class Shared {
 public:
  explicit Shared(size_t count) : bytes_(count * sizeof(T)) {
    void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "cannot share memory");
    data_ = static_cast<T*>(memory);  // zero pages: what atomics of integers start from
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() { munmap(data_, bytes_); }
  T& operator[](size_t i) { return data_[i]; }

 private:
  size_t bytes_;
  T* data_;
};

void write_all(int pipe, const std::string& text) {
  for (size_t sent = 0; sent < text.size();) {
    const ssize_t count = write(pipe, text.data() + sent, text.size() - sent);
    if (count < 0 && errno != EINTR) _exit(1);  // the parent is gone
    if (count > 0) sent += static_cast<size_t>(count);
  }
}

struct Worker {
  pid_t pid = -1;
  int pipe = -1;
  std::string pending;  // the beginning of a line
};

class Workers {
 public:
  Workers(const std::vector<Stretch>& stretches, int count, const std::function<std::string(Index)>& work,
          const std::function<std::string(Index, const std::string&)>& crashed,
          const std::function<void(const std::string&)>& collect)
      : stretches_(stretches),
        work_(work),
        crashed_(crashed),
        collect_(collect),
        board_(1),
        desks_(static_cast<size_t>(count)),
        workers_(static_cast<size_t>(count)) {}

  ~Workers() {
    for (Worker& worker : workers_) {
      if (worker.pid <= 0) continue;
      kill(worker.pid, SIGKILL);
      waitpid(worker.pid, nullptr, 0);
      close(worker.pipe);
    }
  }

  void run() {
    for (size_t i = 0; i < workers_.size(); ++i) start(i);
    while (wait_for_text()) {
    }
  }

 private:
  void start(size_t i) {
    int ends[2];
    if (pipe(ends) != 0) throw std::system_error(errno, std::generic_category(), "cannot make a pipe");
    const pid_t pid = fork();
    if (pid < 0) throw std::system_error(errno, std::generic_category(), "cannot start a worker process");
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // a killed run takes its workers along
      signal(SIGINT, SIG_DFL);
      signal(SIGTERM, SIG_DFL);
      close(ends[0]);
      serve(desks_[i], ends[1]);
    }
    close(ends[1]);
    workers_[i] = {pid, ends[0], {}};
  }

  [[noreturn]] void serve(Desk& desk, int pipe) {
    try {
      do {
        while (desk.next < desk.last) {
          write_all(pipe, work_(desk.next) + "\n");
          ++desk.next;
        }
      } while (take_stretch(desk));
    } catch (const std::exception&) {
      std::_Exit(2);  // told to the user as a crash of the item in hand
    }
    std::_Exit(0);
  }

  bool take_stretch(Desk& desk) {
    const auto taken = static_cast<size_t>(board_[0].next_stretch++);
    if (taken >= stretches_.size()) return false;
    desk.next = stretches_[taken].first;
    desk.last = stretches_[taken].last;
    return true;
  }

  // False when no worker is left.
  bool wait_for_text() {
    std::vector<pollfd> polls;
    std::vector<size_t> owners;
    for (size_t i = 0; i < workers_.size(); ++i) {
      if (workers_[i].pid <= 0) continue;
      polls.push_back({workers_[i].pipe, POLLIN, 0});
      owners.push_back(i);
    }
    if (polls.empty()) return false;
    if (poll(polls.data(), polls.size(), -1) < 0 && errno != EINTR)
      throw std::system_error(errno, std::generic_category(), "cannot wait for workers");
    for (size_t k = 0; k < polls.size(); ++k)
      if (polls[k].revents != 0) read_from(owners[k]);
    return true;
  }

  void read_from(size_t i) {
    char text[65536];
    Worker& worker = workers_[i];
    const ssize_t count = read(worker.pipe, text, sizeof text);
    if (count < 0 && errno == EINTR) return;
    if (count <= 0) return finish(i);
    worker.pending.append(text, static_cast<size_t>(count));
    for (size_t end; (end = worker.pending.find('\n')) != std::string::npos;) {
      collect_(worker.pending.substr(0, end));
      worker.pending.erase(0, end + 1);
    }
  }

  // The pipe is closed: the worker is done, or dead.
  void finish(size_t i) {
    int status = 0;
    close(workers_[i].pipe);
    waitpid(workers_[i].pid, &status, 0);
    workers_[i] = {};
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    Desk& desk = desks_[i];
    const std::string how = WIFSIGNALED(status) ? fmt::format("crashed: {}", strsignal(WTERMSIG(status)))
                                                : fmt::format("exited with status {}", WEXITSTATUS(status));
    if (desk.next < desk.last) collect_(crashed_(desk.next++, how));
    start(i);
  }

  const std::vector<Stretch>& stretches_;
  const std::function<std::string(Index)>& work_;
  const std::function<std::string(Index, const std::string&)>& crashed_;
  const std::function<void(const std::string&)>& collect_;
  Shared<Board> board_;
  Shared<Desk> desks_;
  std::vector<Worker> workers_;
};

}  // namespace

int worker_count(int jobs) {
  return jobs > 0 ? jobs : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

void run_in_workers(const std::vector<Stretch>& stretches, int workers, const std::function<std::string(Index)>& work,
                    const std::function<std::string(Index, const std::string&)>& crashed,
                    const std::function<void(const std::string&)>& collect) {
  Workers(stretches, workers, work, crashed, collect).run();
}

}  // namespace gradproof
