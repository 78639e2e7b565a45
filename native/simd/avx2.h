// AVX2 with FMA: see simd.h for the interface.
#pragma once
#include "ymm.h"

namespace myelin {
namespace {

constexpr const char* kIsa = "avx2";
constexpr int kRegisters = 16;

struct Mask {
  __m256 m;
};

alignas(32) constexpr int32_t kFirstLanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};

MYELIN_INLINE __m256i first_lanes_bits(int64_t n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirstLanes + 8 - n));
}
MYELIN_INLINE Mask first_lanes(int64_t n) { return {_mm256_castsi256_ps(first_lanes_bits(n))}; }
MYELIN_INLINE Vec load_partial(const float* p, int64_t n) {
  return {_mm256_maskload_ps(p, first_lanes_bits(n))};
}
MYELIN_INLINE void store_partial(float* p, Vec a, int64_t n) {
  _mm256_maskstore_ps(p, first_lanes_bits(n), a.v);
}

MYELIN_INLINE Mask less(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
MYELIN_INLINE Mask less_equal(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
MYELIN_INLINE Mask equal(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
MYELIN_INLINE Mask is_nan(Vec a) { return {_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q)}; }
MYELIN_INLINE Mask operator&(Mask a, Mask b) { return {_mm256_and_ps(a.m, b.m)}; }
MYELIN_INLINE Mask operator|(Mask a, Mask b) { return {_mm256_or_ps(a.m, b.m)}; }
MYELIN_INLINE Mask operator!(Mask a) {
  return {_mm256_xor_ps(a.m, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))};
}
MYELIN_INLINE bool any(Mask a) { return _mm256_movemask_ps(a.m) != 0; }
MYELIN_INLINE Vec select(Mask mask, Vec yes, Vec no) {
  return {_mm256_blendv_ps(no.v, yes.v, mask.m)};
}
MYELIN_INLINE Mask less(Int a, Int b) {
  return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(b.v, a.v))};
}

MYELIN_INLINE Vec max(Vec a, Vec b) { return select(is_nan(a), a, max_of(a, b)); }
MYELIN_INLINE Vec min(Vec a, Vec b) { return select(is_nan(a), a, min_of(a, b)); }
MYELIN_INLINE float reduce_max(Vec a) { return any(is_nan(a)) ? kNaN : reduce_max_of(a); }

}  // namespace
}  // namespace myelin

#include "avx2_steps.h"
#include "two_factors.h"
