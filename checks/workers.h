// Worker processes that survive each other's crashes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ops/core/shape.h"

namespace gradproof {

// Items first ... last - 1, done by one worker in order.
struct Stretch {
  Index first, last;
};

// `jobs`, or one worker a core where it is not positive.
int worker_count(int jobs);

// Does every item exactly once: forks `workers` processes, each of which takes the next stretch until none is left,
// calls work(item) in the child and collect(text) with the answer in the parent. A worker that dies has its item
// answered by crashed(item, "killed by SIGSEGV ...") and is replaced. Answers contain no line feed. Call it before this
// process has started threads that the work relies on. Throws std::system_error when no process can be made.
void run_in_workers(const std::vector<Stretch>& stretches, int workers, const std::function<std::string(Index)>& work,
                    const std::function<std::string(Index, const std::string&)>& crashed,
                    const std::function<void(const std::string&)>& collect);

}  // namespace gradproof
