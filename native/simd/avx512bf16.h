// AVX-512 with BF16: see bf16.h for the interface.
#pragma once
#include "avx512.h"

namespace myelin {
namespace {

constexpr int kPairRows = 1;

MYELIN_INLINE Int pair_neighbours(Vec low, Vec high) {
  return {__m512i(_mm512_cvtne2ps_pbh(high.v, low.v))};
}
MYELIN_INLINE Int pair_lanes(Vec even, Vec odd) {
  // 0, 16, 1, 17, ...
  const Int order = lane_index() | shift_left<16>(lane_index() + broadcast_int(16));
  return {_mm512_permutexvar_epi16(order.v, pair_neighbours(even, odd).v)};
}
MYELIN_INLINE void store_pairs(float* to, int64_t, Int pairs) { store(to, as_float(pairs)); }
// sum + the product of the odd numbers, + that of the even ones: each a fused multiply-add.
MYELIN_INLINE Vec dot_pairs(Int a, Int b, Vec sum) {
  return {_mm512_dpbf16_ps(sum.v, __m512bh(a.v), __m512bh(b.v))};
}

}  // namespace
}  // namespace myelin
