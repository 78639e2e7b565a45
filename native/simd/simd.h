// The vector type of the ISA that this unit is compiled for. Every ISA header offers the same:
//
//   kIsa, kWidth (floats in a Vec), kRegisters (vector registers)
//   Vec     kWidth floats        Int   kWidth 32-bit integers        Mask   kWidth booleans
//   load store, *_partial (only the first n lanes are touched; others read as 0), broadcast
//   + - * /, fma(a,b,c) = a*b+c, fnma(a,b,c) = c-a*b, sqrt, abs
//   fma_read(a,b,c) = fma(broadcast(*a),b,c), where kReadsFactors in one instruction
//   min, max (NaN wins), min_of/max_of(constant, x)
//   quotient(a,b) = a/b to 1 ULP where b is not negative, faster than / beside a square root
//   less less_equal equal is_nan first_lanes, & | !, select(mask, yes, no), any
//   Int: broadcast_int lane_index + - & | ^ shift_left shift_right max less, multiply_wide
//   round_to_int to_float as_int as_float, power_of_two scale scale_add
//   first broadcast_lane reduce_add reduce_max transpose sum_lanes interleave4 deinterleave,
//   prefetch, prefetch_to_write
//
// Everything lives in an anonymous namespace: two units compiled for different ISAs must
// never share a function.
#pragma once

#if defined(MYELIN_ISA_AVX512) || defined(MYELIN_ISA_AVX512BF16) || defined(MYELIN_ISA_AVX512AMX)
#include "avx512.h"
#elif defined(MYELIN_ISA_AVX512VL)
#include "avx512vl.h"
#elif defined(MYELIN_ISA_AVX2)
#include "avx2.h"
#elif defined(MYELIN_ISA_NEON)
#include "neon.h"
#elif defined(MYELIN_ISA_SCALAR)
#include "scalar.h"
#else
#error "define one of MYELIN_ISA_{SCALAR,AVX2,AVX512VL,AVX512,AVX512BF16,AVX512AMX,NEON}"
#endif

namespace myelin {
namespace {

#ifdef MYELIN_READS_FACTORS
constexpr bool kReadsFactors = true;
#else
constexpr bool kReadsFactors = false;
MYELIN_INLINE Vec fma_read(const float* a, Vec b, Vec c) { return fma(broadcast(*a), b, c); }
#endif

MYELIN_INLINE Vec zero() { return broadcast(0.0f); }
MYELIN_INLINE Vec operator-(Vec a) { return as_float(as_int(a) ^ broadcast_int(-0x7fffffff - 1)); }
MYELIN_INLINE Vec abs(Vec a) { return as_float(as_int(a) & broadcast_int(0x7fffffff)); }
MYELIN_INLINE Vec copy_sign(Vec magnitude, Vec sign) {
  const Int bit = broadcast_int(-0x7fffffff - 1);
  return as_float((as_int(magnitude) & broadcast_int(0x7fffffff)) | (as_int(sign) & bit));
}
MYELIN_INLINE Vec clamp(Vec x, float low, float high) {
  return min_of(broadcast(high), max_of(broadcast(low), x));
}

}  // namespace
}  // namespace myelin
