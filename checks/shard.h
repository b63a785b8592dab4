// Shard: one of several runs that share what there is to do. Their records are merged by concatenation.
#pragma once

#include <string>

#include "ops/core/shape.h"

namespace gradproof {

// Of `count` shards the one with this number, from 0 on.
struct Shard {
  Index number = 0, count = 1;

  bool is_whole() const { return count == 1; }
  bool holds(Index i) const { return i % count == number; }
  // "2/4" for number 1 of 4.
  std::string to_text() const;
};

// "I/N" with 1 <= I <= N, or "auto": what a launcher of several processes says in the environment, the first of
// GTEST_SHARD_INDEX and GTEST_TOTAL_SHARDS (GoogleTest), OMPI_COMM_WORLD_RANK and _SIZE (Open MPI), PMI_RANK and
// PMI_SIZE (MPICH, Intel MPI), SLURM_PROCID and SLURM_NTASKS (Slurm). Throws UsageError, also where none of these is
// set.
Shard shard_of(const std::string& text);

}  // namespace gradproof
