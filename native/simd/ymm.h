// Vectors of 8 floats in ymm registers: what AVX2 and AVX-512VL share. See simd.h for the
// interface.
#pragma once
#include <immintrin.h>

#include <cstdint>

#include "compiler.h"

namespace myelin {
namespace {

constexpr int kWidth = 8;

struct Vec {
  __m256 v;
};
struct Int {
  __m256i v;
};

MYELIN_INLINE Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
MYELIN_INLINE void store(float* p, Vec a) { _mm256_storeu_ps(p, a.v); }
MYELIN_INLINE Vec broadcast(float a) { return {_mm256_set1_ps(a)}; }

MYELIN_INLINE Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
MYELIN_INLINE Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
MYELIN_INLINE Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
MYELIN_INLINE Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
MYELIN_INLINE Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
MYELIN_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
MYELIN_INLINE Vec quotient(Vec a, Vec b) { return a / b; }
MYELIN_INLINE Vec sqrt(Vec a) { return {_mm256_sqrt_ps(a.v)}; }

// x86 returns the second operand when either is NaN.
MYELIN_INLINE Vec max_of(Vec constant, Vec x) { return {_mm256_max_ps(constant.v, x.v)}; }
MYELIN_INLINE Vec min_of(Vec constant, Vec x) { return {_mm256_min_ps(constant.v, x.v)}; }

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
MYELIN_INLINE Int max(Int a, Int b) { return {_mm256_max_epi32(a.v, b.v)}; }
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
// The largest lane, where none is NaN.
MYELIN_INLINE float reduce_max_of(Vec a) {
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
