// Pairs of bf16 numbers: the even one in the lower half of a 32-bit word, the odd one in the upper.
// A bf16 number is the upper half of a float, rounded to nearest even; denormals count as zeros.
#pragma once
#include "simd.h"

#if defined(MYELIN_ISA_AVX512BF16) || defined(MYELIN_ISA_AVX512AMX)
#include "avx512bf16.h"
#else

namespace myelin {
namespace {

// Rows of floats that packed pairs take: no instruction multiplies them, so a row of the odd
// numbers is followed by one of the even ones.
constexpr int kPairRows = 2;

// The bits of x rounded to bf16; the lower half is not cleared.
MYELIN_INLINE Int round_bits(Vec x) {
  const Int bits = as_int(x);
  const Int rounded = bits + broadcast_int(0x7fff) + (shift_right<16>(bits) & broadcast_int(1));
  const Int quiet = bits | broadcast_int(0x400000);
  const Vec number = select(less(abs(x), broadcast(0x1p-126f)),
                            as_float(bits & broadcast_int(-0x7fffffff - 1)), as_float(rounded));
  return as_int(select(is_nan(x), as_float(quiet), number));
}
// Word i is the pair of lane i of each.
MYELIN_INLINE Int pair_lanes(Vec even, Vec odd) {
  return shift_right<16>(round_bits(even)) | (round_bits(odd) & broadcast_int(-0x10000));
}
// Word i is the pair of elements 2 i and 2 i + 1 of the 2 kWidth that `low` and `high` are.
MYELIN_INLINE Int pair_neighbours(Vec low, Vec high) {
  Vec even, odd;
  deinterleave(low, high, even, odd);
  return pair_lanes(even, odd);
}
// Stores pairs in rows `step` apart.
MYELIN_INLINE void store_pairs(float* to, int64_t step, Int pairs) {
  store(to, as_float(pairs & broadcast_int(-0x10000)));
  store(to + step, as_float(shift_left<16>(pairs)));
}

}  // namespace
}  // namespace myelin

#endif
