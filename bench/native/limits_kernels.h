// The loops of limits.h, over the vector type of the ISA that this unit is compiled for.
#pragma once
#include "limits.h"
#include "simd/bf16.h"
#include "simd/math.h"

namespace myelin::bench {
namespace {

// Two fused multiply-adds a cycle with four cycles of latency need eight chains; more hide the
// loop.
constexpr int kChains = kRegisters >= 32 ? 24 : 12;

Vec sum_of(const Vec* sums, int count) {
  Vec total = zero();
  for (int i = 0; i < count; i++) total = total + sums[i];
  return total;
}

float run_fma(int64_t rounds) {
  Vec sums[kChains];
  for (Vec& sum : sums) sum = broadcast(1.0f);
  // Neither constant is known to the compiler, so none of the arithmetic can be done in advance.
  const Vec a = broadcast(static_cast<float>(rounds) * 1e-20f), b = broadcast(0.5f);
  for (int64_t i = 0; i < rounds; i++) {
#pragma GCC unroll 24
    for (Vec& sum : sums) sum = fma(a, b, sum);
  }
  return reduce_add(sum_of(sums, kChains));
}

#if defined(MYELIN_ISA_AVX512BF16) || defined(MYELIN_ISA_AVX512AMX)
constexpr int64_t kDotOperations = 4 * kChains * kWidth;

float run_dot(int64_t rounds) {
  Vec sums[kChains];
  for (Vec& sum : sums) sum = broadcast(1.0f);
  const Vec small = broadcast(static_cast<float>(rounds) * 1e-20f), half = broadcast(0.5f);
  const Int a = pair_lanes(small, small), b = pair_lanes(half, half);
  for (int64_t i = 0; i < rounds; i++) {
#pragma GCC unroll 24
    for (Vec& sum : sums) sum = dot_pairs(a, b, sum);
  }
  return reduce_add(sum_of(sums, kChains));
}

#else
constexpr int64_t kDotOperations = 2 * kChains * kWidth;

// The numbers of a pair are multiplied as floats.
float run_dot(int64_t rounds) { return run_fma(rounds); }
#endif

float run_read(const float* from, int64_t count) {
  constexpr int kStreams = 8;
  Vec sums[kStreams];
  for (Vec& sum : sums) sum = zero();
  for (int64_t i = 0; i < count; i += kStreams * kWidth) {
#pragma GCC unroll 8
    for (int s = 0; s < kStreams; s++) sums[s] = sums[s] + load(from + i + s * kWidth);
  }
  return reduce_add(sum_of(sums, kStreams));
}

void run_copy(float* to, const float* from, int64_t count) {
  constexpr int kStreams = 4;
  for (int64_t i = 0; i < count; i += kStreams * kWidth) {
#pragma GCC unroll 4
    for (int s = 0; s < kStreams; s++) {
      store(to + i + s * kWidth, load(from + i + s * kWidth));
    }
  }
}

static_assert(kBlock % (8 * kWidth) == 0);

constexpr Limits kLimits = {
    kIsa, 2 * kChains* kWidth, kDotOperations, run_fma, run_dot, run_read, run_copy};

}  // namespace
}  // namespace myelin::bench
