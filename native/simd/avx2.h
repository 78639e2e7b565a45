// AVX2 with FMA: see simd.h for the interface.
#pragma once
#include <immintrin.h>

#include <cstdint>

#include "compiler.h"

namespace myelin {
namespace {

constexpr const char* kIsa = "avx2";
constexpr int kWidth = 8;
constexpr int kRegisters = 16;

struct Vec {
  __m256 v;
};
struct Int {
  __m256i v;
};
struct Mask {
  __m256 m;
};

alignas(32) constexpr int32_t kFirstLanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};

MYELIN_INLINE __m256i first_lanes_bits(int64_t n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirstLanes + 8 - n));
}
MYELIN_INLINE Mask first_lanes(int64_t n) { return {_mm256_castsi256_ps(first_lanes_bits(n))}; }
MYELIN_INLINE Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
MYELIN_INLINE void store(float* p, Vec a) { _mm256_storeu_ps(p, a.v); }
MYELIN_INLINE Vec load_partial(const float* p, int64_t n) {
  return {_mm256_maskload_ps(p, first_lanes_bits(n))};
}
MYELIN_INLINE void store_partial(float* p, Vec a, int64_t n) {
  _mm256_maskstore_ps(p, first_lanes_bits(n), a.v);
}
MYELIN_INLINE Vec broadcast(float a) { return {_mm256_set1_ps(a)}; }

MYELIN_INLINE Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
MYELIN_INLINE Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
MYELIN_INLINE Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
MYELIN_INLINE Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
MYELIN_INLINE Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
MYELIN_INLINE Vec sqrt(Vec a) { return {_mm256_sqrt_ps(a.v)}; }

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

// x86 returns the second operand when either is NaN.
MYELIN_INLINE Vec max_of(Vec constant, Vec x) { return {_mm256_max_ps(constant.v, x.v)}; }
MYELIN_INLINE Vec min_of(Vec constant, Vec x) { return {_mm256_min_ps(constant.v, x.v)}; }
MYELIN_INLINE Vec max(Vec a, Vec b) { return select(is_nan(a), a, max_of(a, b)); }
MYELIN_INLINE Vec min(Vec a, Vec b) { return select(is_nan(a), a, min_of(a, b)); }

MYELIN_INLINE Int broadcast_int(int32_t a) { return {_mm256_set1_epi32(a)}; }
MYELIN_INLINE Int lane_index() { return {_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)}; }
MYELIN_INLINE Int operator+(Int a, Int b) { return {_mm256_add_epi32(a.v, b.v)}; }
MYELIN_INLINE Int operator-(Int a, Int b) { return {_mm256_sub_epi32(a.v, b.v)}; }
MYELIN_INLINE Int operator&(Int a, Int b) { return {_mm256_and_si256(a.v, b.v)}; }
MYELIN_INLINE Int operator|(Int a, Int b) { return {_mm256_or_si256(a.v, b.v)}; }
MYELIN_INLINE Int operator^(Int a, Int b) { return {_mm256_xor_si256(a.v, b.v)}; }
template <int kBits>
MYELIN_INLINE Int shift_left(Int a) {
  return {_mm256_slli_epi32(a.v, kBits)};
}
// Zeros come in from the left.
template <int kBits>
MYELIN_INLINE Int shift_right(Int a) {
  return {_mm256_srli_epi32(a.v, kBits)};
}
MYELIN_INLINE Mask less(Int a, Int b) {
  return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(b.v, a.v))};
}
// Unsigned 32 x 32 -> 64 bits.
MYELIN_INLINE void multiply_wide(Int a, uint32_t b, Int& high, Int& low) {
  const __m256i factor = _mm256_set1_epi64x(b);
  const __m256i even = _mm256_mul_epu32(a.v, factor);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a.v, 32), factor);
  low.v = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  high.v = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

MYELIN_INLINE Int round_to_int(Vec a) { return {_mm256_cvtps_epi32(a.v)}; }
MYELIN_INLINE Vec to_float(Int a) { return {_mm256_cvtepi32_ps(a.v)}; }
MYELIN_INLINE Int as_int(Vec a) { return {_mm256_castps_si256(a.v)}; }
MYELIN_INLINE Vec as_float(Int a) { return {_mm256_castsi256_ps(a.v)}; }
// a * 2^n for whole n in -252..254, right where the result is denormal or overflows: in two
// steps, of which only the last one can round.
MYELIN_INLINE Vec scale_by_power_of_two(Vec a, Vec n) {
  const __m256i whole = _mm256_cvtps_epi32(n.v);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i bias = _mm256_set1_epi32(127);
  const __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
  const __m256i rest = _mm256_sub_epi32(whole, half);
  const __m256i second = _mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23);
  return {
      _mm256_mul_ps(_mm256_mul_ps(a.v, _mm256_castsi256_ps(first)), _mm256_castsi256_ps(second))};
}

// Lane i everywhere.
MYELIN_INLINE Vec broadcast_lane(Vec a, int64_t i) {
  return {_mm256_permutevar8x32_ps(a.v, _mm256_set1_epi32(static_cast<int>(i)))};
}
MYELIN_INLINE float first(Vec a) { return _mm256_cvtss_f32(a.v); }
MYELIN_INLINE float reduce_add(Vec a) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
MYELIN_INLINE float reduce_max(Vec a) {
  if (any(is_nan(a))) return kNaN;
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

// Transposes the 4x4 blocks of four rows: result i holds element i of each half.
MYELIN_INLINE void transpose_halves(Vec* rows) {
  const __m256 a = _mm256_unpacklo_ps(rows[0].v, rows[1].v);
  const __m256 b = _mm256_unpackhi_ps(rows[0].v, rows[1].v);
  const __m256 c = _mm256_unpacklo_ps(rows[2].v, rows[3].v);
  const __m256 d = _mm256_unpackhi_ps(rows[2].v, rows[3].v);
  rows[0].v = _mm256_shuffle_ps(a, c, 0x44);
  rows[1].v = _mm256_shuffle_ps(a, c, 0xee);
  rows[2].v = _mm256_shuffle_ps(b, d, 0x44);
  rows[3].v = _mm256_shuffle_ps(b, d, 0xee);
}
// Transposes kWidth rows in place.
MYELIN_INLINE void transpose(Vec* rows) {
  transpose_halves(rows);
  transpose_halves(rows + 4);
  MYELIN_UNROLL
  for (int i = 0; i < 4; ++i) {
    const __m256 low = _mm256_permute2f128_ps(rows[i].v, rows[i + 4].v, 0x20);
    rows[i + 4].v = _mm256_permute2f128_ps(rows[i].v, rows[i + 4].v, 0x31);
    rows[i].v = low;
  }
}
// The even and the odd elements of the 2 kWidth that `low` and `high` are.
MYELIN_INLINE void deinterleave(Vec low, Vec high, Vec& even, Vec& odd) {
  const __m256 left = _mm256_permute2f128_ps(low.v, high.v, 0x20);
  const __m256 right = _mm256_permute2f128_ps(low.v, high.v, 0x31);
  even.v = _mm256_shuffle_ps(left, right, 0x88);
  odd.v = _mm256_shuffle_ps(left, right, 0xdd);
}
// Both halves: a part of the sums of four rows.
MYELIN_INLINE __m256 sum_halves(const Vec* rows) {
  const __m256 a = rows[0].v, b = rows[1].v, c = rows[2].v, d = rows[3].v;
  const __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
  const __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
  return _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
}
// Lane i of the result is the sum of rows[i].
MYELIN_INLINE Vec sum_lanes(const Vec* rows) {
  const __m256 low = sum_halves(rows), high = sum_halves(rows + 4);
  return {_mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20),
                        _mm256_permute2f128_ps(low, high, 0x31))};
}
// Word 4*j+i of the four vectors in a row becomes what was lane j of vector i.
MYELIN_INLINE void interleave4(Int* words) {
  Vec rows[4];
  for (int i = 0; i < 4; ++i) rows[i] = as_float(words[i]);
  transpose_halves(rows);
  words[0] = {_mm256_castps_si256(_mm256_permute2f128_ps(rows[0].v, rows[1].v, 0x20))};
  words[1] = {_mm256_castps_si256(_mm256_permute2f128_ps(rows[2].v, rows[3].v, 0x20))};
  words[2] = {_mm256_castps_si256(_mm256_permute2f128_ps(rows[0].v, rows[1].v, 0x31))};
  words[3] = {_mm256_castps_si256(_mm256_permute2f128_ps(rows[2].v, rows[3].v, 0x31))};
}

}  // namespace
}  // namespace myelin
