// AVX-512 in ymm registers (F, VL, BW, DQ), for networks so narrow that half of a zmm register
// would be empty: a division takes 11 cycles there, in a zmm register 17 (Intel). See simd.h for
// the interface.
#pragma once
#include "ymm.h"

namespace myelin {
namespace {

constexpr const char* kIsa = "avx512vl";
constexpr int kRegisters = 32;

struct Mask {
  __mmask8 m;
};

MYELIN_INLINE Mask first_lanes(int64_t n) {
  return {static_cast<__mmask8>(_bzhi_u32(0xff, static_cast<uint32_t>(n)))};
}
MYELIN_INLINE Vec load_partial(const float* p, int64_t n) {
  return {_mm256_maskz_loadu_ps(first_lanes(n).m, p)};
}
MYELIN_INLINE void store_partial(float* p, Vec a, int64_t n) {
  _mm256_mask_storeu_ps(p, first_lanes(n).m, a.v);
}

MYELIN_INLINE Mask less(Vec a, Vec b) { return {_mm256_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
MYELIN_INLINE Mask less_equal(Vec a, Vec b) { return {_mm256_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
MYELIN_INLINE Mask equal(Vec a, Vec b) { return {_mm256_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
MYELIN_INLINE Mask is_nan(Vec a) { return {_mm256_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)}; }
MYELIN_INLINE Mask operator&(Mask a, Mask b) { return {static_cast<__mmask8>(a.m & b.m)}; }
MYELIN_INLINE Mask operator|(Mask a, Mask b) { return {static_cast<__mmask8>(a.m | b.m)}; }
MYELIN_INLINE Mask operator!(Mask a) { return {static_cast<__mmask8>(~a.m)}; }
MYELIN_INLINE bool any(Mask a) { return a.m != 0; }
MYELIN_INLINE Vec select(Mask mask, Vec yes, Vec no) {
  return {_mm256_mask_blend_ps(mask.m, no.v, yes.v)};
}
MYELIN_INLINE Mask less(Int a, Int b) { return {_mm256_cmplt_epi32_mask(a.v, b.v)}; }

// 2^n for whole n: itself, and n, by which a result that is denormal comes out right.
struct PowerOfTwo {
  Vec n, value;
};
MYELIN_INLINE PowerOfTwo power_of_two(Vec n) {
  return {n, {_mm256_scalef_ps(_mm256_set1_ps(1.0f), n.v)}};
}
// a * 2^n
MYELIN_INLINE Vec scale(Vec a, PowerOfTwo p) { return {_mm256_scalef_ps(a.v, p.n.v)}; }
// a * 2^n + c
MYELIN_INLINE Vec scale_add(Vec a, PowerOfTwo p, Vec c) { return fma(a, p.value, c); }

MYELIN_INLINE Vec max(Vec a, Vec b) { return select(is_nan(a), a, max_of(a, b)); }
MYELIN_INLINE Vec min(Vec a, Vec b) { return select(is_nan(a), a, min_of(a, b)); }
MYELIN_INLINE float reduce_max(Vec a) { return any(is_nan(a)) ? kNaN : reduce_max_of(a); }

}  // namespace
}  // namespace myelin
