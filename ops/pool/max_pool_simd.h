// The SIMD implementations of max_pool and min_pool, and their kernels for operations that are made of them.
#pragma once

#include <memory>
#include <vector>

#include "ops/core/implementation.h"
#include "ops/pool/max_pool.h"

namespace gradproof {

std::vector<Implementation> max_pool_simd_implementations();
std::vector<Implementation> min_pool_simd_implementations();

// For the target that runs where they are called. Arguments of the first: src, then what it writes, dst and argmax; of
// the second: one that it does not read, argmax, diff_dst, and diff_src, which it writes.
std::unique_ptr<Kernel> prepare_max_forward(const MaxPoolAttributes& a, int threads);
std::unique_ptr<Kernel> prepare_max_gradient(const MaxPoolAttributes& a, int threads);

}  // namespace gradproof
