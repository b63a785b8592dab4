// The kernels that measure a roof: nothing but multiply-adds, nothing but memory traffic.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ops/core/shape.h"

namespace gradproof {

// Compiled once for each instruction set.
struct RoofKernels {
  // Runs `rounds` rounds of multiply-adds; returns the floating-point operations done (a multiply-add counts 2).
  // There is one entry for each number of independent accumulators: too few wait for the unit's latency, too many
  // spill.
  std::span<double (*const)(Index rounds)> fma;

  // Each touches `count` floats of every stream once, `sweeps` times over; `count` is a multiple of kRoofGranule and
  // the pointers are 64-byte aligned. "stream" stores bypass the caches, which pays for tensors that exceed them.
  void (*read)(const float* a, Index count, Index sweeps);              // 1 read
  void (*copy)(const float* a, float* out, Index count, Index sweeps);  // 1 read, 1 write
  void (*copy_stream)(const float* a, float* out, Index count, Index sweeps);
  void (*triad)(const float* a, const float* b, float* out, Index count, Index sweeps);  // 2 reads, 1 write
  void (*triad_stream)(const float* a, const float* b, float* out, Index count, Index sweeps);
  void (*write)(float* out, Index count, Index sweeps);  // 1 write
  void (*write_stream)(float* out, Index count, Index sweeps);
};

inline constexpr Index kRoofGranule = 256;  // floats: 16 of the largest vectors

// The kernels for an instruction set by Highway's name ("AVX3"). One that this binary lacks or this processor does not
// have gives those of the best it has.
const RoofKernels& roof_kernels(const std::string& isa);

// The instruction sets there are kernels for and that the processor has, best first.
std::vector<std::string> roof_isas();

}  // namespace gradproof
