// AVX-512 (F, VL, BW, DQ): see simd.h for the interface.
#pragma once
#include <immintrin.h>

#include <cstdint>

#include "compiler.h"

namespace myelin {
namespace {

#if defined(MYELIN_ISA_AVX512AMX)
constexpr const char* kIsa = "avx512amx";
#elif defined(MYELIN_ISA_AVX512BF16)
constexpr const char* kIsa = "avx512bf16";
#else
constexpr const char* kIsa = "avx512";
#endif
constexpr int kWidth = 16;
constexpr int kRegisters = 32;

struct Vec {
  __m512 v;
};
struct Int {
  __m512i v;
};
struct Mask {
  __mmask16 m;
};

MYELIN_INLINE Mask first_lanes(int64_t n) {
  return {static_cast<__mmask16>(_bzhi_u32(0xffff, static_cast<uint32_t>(n)))};
}
MYELIN_INLINE Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
MYELIN_INLINE void store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
MYELIN_INLINE Vec load_partial(const float* p, int64_t n) {
  return {_mm512_maskz_loadu_ps(first_lanes(n).m, p)};
}
MYELIN_INLINE void store_partial(float* p, Vec a, int64_t n) {
  _mm512_mask_storeu_ps(p, first_lanes(n).m, a.v);
}
MYELIN_INLINE Vec broadcast(float a) { return {_mm512_set1_ps(a)}; }

MYELIN_INLINE Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
MYELIN_INLINE Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
MYELIN_INLINE Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
MYELIN_INLINE Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
MYELIN_INLINE Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
MYELIN_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
#ifdef MYELIN_ASSEMBLY
// Compilers broadcast a number that is used twice into a register first.
#define MYELIN_READS_FACTORS
MYELIN_INLINE Vec fma_read(const float* a, Vec b, Vec c) {
  __asm__("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(c.v) : "v"(b.v), "m"(*a));
  return c;
}
#endif
// Beside a square root a division waits for the one unit that does both; this leaves it alone.
// A guess of 14 bits, and what it leaves divided in the same way: 28 bits before the last rounding.
MYELIN_INLINE Vec quotient(Vec a, Vec b) {
  const __m512 guess = _mm512_rcp14_ps(b.v), q = _mm512_mul_ps(a.v, guess);
  const __m512 result = _mm512_fmadd_ps(_mm512_fnmadd_ps(b.v, q, a.v), guess, q);
  // Where reciprocals leave the range of normal numbers, and for NaN.
  const __mmask16 far = _mm512_cmp_ps_mask(b.v, _mm512_set1_ps(0x1p-100f), _CMP_NGE_UQ) |
                        _mm512_cmp_ps_mask(b.v, _mm512_set1_ps(0x1p100f), _CMP_NLE_UQ);
  if (far != 0) return {_mm512_mask_div_ps(result, far, a.v, b.v)};
  return {result};
}
MYELIN_INLINE Vec sqrt(Vec a) { return {_mm512_sqrt_ps(a.v)}; }

MYELIN_INLINE Mask less(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
MYELIN_INLINE Mask less_equal(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
MYELIN_INLINE Mask equal(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
MYELIN_INLINE Mask is_nan(Vec a) { return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)}; }
MYELIN_INLINE Mask operator&(Mask a, Mask b) { return {static_cast<__mmask16>(a.m & b.m)}; }
MYELIN_INLINE Mask operator|(Mask a, Mask b) { return {static_cast<__mmask16>(a.m | b.m)}; }
MYELIN_INLINE Mask operator!(Mask a) { return {static_cast<__mmask16>(~a.m)}; }
MYELIN_INLINE bool any(Mask a) { return a.m != 0; }
MYELIN_INLINE Vec select(Mask mask, Vec yes, Vec no) {
  return {_mm512_mask_blend_ps(mask.m, no.v, yes.v)};
}

// x86 returns the second operand when either is NaN.
MYELIN_INLINE Vec max_of(Vec constant, Vec x) { return {_mm512_max_ps(constant.v, x.v)}; }
MYELIN_INLINE Vec min_of(Vec constant, Vec x) { return {_mm512_min_ps(constant.v, x.v)}; }
MYELIN_INLINE Vec max(Vec a, Vec b) { return select(is_nan(a), a, max_of(a, b)); }
MYELIN_INLINE Vec min(Vec a, Vec b) { return select(is_nan(a), a, min_of(a, b)); }

MYELIN_INLINE Int broadcast_int(int32_t a) { return {_mm512_set1_epi32(a)}; }
MYELIN_INLINE Int lane_index() {
  return {_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)};
}
MYELIN_INLINE Int operator+(Int a, Int b) { return {_mm512_add_epi32(a.v, b.v)}; }
MYELIN_INLINE Int operator-(Int a, Int b) { return {_mm512_sub_epi32(a.v, b.v)}; }
MYELIN_INLINE Int operator&(Int a, Int b) { return {_mm512_and_si512(a.v, b.v)}; }
MYELIN_INLINE Int operator|(Int a, Int b) { return {_mm512_or_si512(a.v, b.v)}; }
MYELIN_INLINE Int operator^(Int a, Int b) { return {_mm512_xor_si512(a.v, b.v)}; }
template <int kBits>
MYELIN_INLINE Int shift_left(Int a) {
  return {_mm512_slli_epi32(a.v, kBits)};
}
// Zeros come in from the left.
template <int kBits>
MYELIN_INLINE Int shift_right(Int a) {
  return {_mm512_srli_epi32(a.v, kBits)};
}
MYELIN_INLINE Int max(Int a, Int b) { return {_mm512_max_epi32(a.v, b.v)}; }
MYELIN_INLINE Mask less(Int a, Int b) { return {_mm512_cmplt_epi32_mask(a.v, b.v)}; }
// Unsigned 32 x 32 -> 64 bits.
MYELIN_INLINE void multiply_wide(Int a, uint32_t b, Int& high, Int& low) {
  const __m512i factor = _mm512_set1_epi64(b);
  const __m512i even = _mm512_mul_epu32(a.v, factor);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a.v, 32), factor);
  low.v = _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
  high.v = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
}

MYELIN_INLINE Int round_to_int(Vec a) { return {_mm512_cvtps_epi32(a.v)}; }
MYELIN_INLINE Vec to_float(Int a) { return {_mm512_cvtepi32_ps(a.v)}; }
MYELIN_INLINE Int as_int(Vec a) { return {_mm512_castps_si512(a.v)}; }
MYELIN_INLINE Vec as_float(Int a) { return {_mm512_castsi512_ps(a.v)}; }
// 2^n for whole n: itself, and n, by which a result that is denormal comes out right.
struct PowerOfTwo {
  Vec n, value;
};
MYELIN_INLINE PowerOfTwo power_of_two(Vec n) {
  return {n, {_mm512_scalef_ps(_mm512_set1_ps(1.0f), n.v)}};
}
// a * 2^n
MYELIN_INLINE Vec scale(Vec a, PowerOfTwo p) { return {_mm512_scalef_ps(a.v, p.n.v)}; }
// a * 2^n + c
MYELIN_INLINE Vec scale_add(Vec a, PowerOfTwo p, Vec c) { return fma(a, p.value, c); }

// Lane i everywhere.
MYELIN_INLINE Vec broadcast_lane(Vec a, int64_t i) {
  return {_mm512_permutexvar_ps(_mm512_set1_epi32(static_cast<int>(i)), a.v)};
}
MYELIN_INLINE float first(Vec a) { return _mm512_cvtss_f32(a.v); }
MYELIN_INLINE float reduce_add(Vec a) { return _mm512_reduce_add_ps(a.v); }
MYELIN_INLINE float reduce_max(Vec a) { return any(is_nan(a)) ? kNaN : _mm512_reduce_max_ps(a.v); }

MYELIN_INLINE __m512 unpack_pair_low(__m512 a, __m512 b) {
  return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}
MYELIN_INLINE __m512 unpack_pair_high(__m512 a, __m512 b) {
  return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}
// Transposes the 4x4 blocks of four rows: result i holds element i of each quarter.
MYELIN_INLINE void transpose_quarters(Vec* rows) {
  const __m512 a = _mm512_unpacklo_ps(rows[0].v, rows[1].v);
  const __m512 b = _mm512_unpackhi_ps(rows[0].v, rows[1].v);
  const __m512 c = _mm512_unpacklo_ps(rows[2].v, rows[3].v);
  const __m512 d = _mm512_unpackhi_ps(rows[2].v, rows[3].v);
  rows[0].v = unpack_pair_low(a, c);
  rows[1].v = unpack_pair_high(a, c);
  rows[2].v = unpack_pair_low(b, d);
  rows[3].v = unpack_pair_high(b, d);
}
// Transposes the 4x4 matrix of quarters that four vectors are.
MYELIN_INLINE void exchange_quarters(Vec& a, Vec& b, Vec& c, Vec& d) {
  const __m512 ab_even = _mm512_shuffle_f32x4(a.v, b.v, 0x88);
  const __m512 ab_odd = _mm512_shuffle_f32x4(a.v, b.v, 0xdd);
  const __m512 cd_even = _mm512_shuffle_f32x4(c.v, d.v, 0x88);
  const __m512 cd_odd = _mm512_shuffle_f32x4(c.v, d.v, 0xdd);
  a.v = _mm512_shuffle_f32x4(ab_even, cd_even, 0x88);
  b.v = _mm512_shuffle_f32x4(ab_odd, cd_odd, 0x88);
  c.v = _mm512_shuffle_f32x4(ab_even, cd_even, 0xdd);
  d.v = _mm512_shuffle_f32x4(ab_odd, cd_odd, 0xdd);
}
// Transposes kWidth rows in place.
MYELIN_INLINE void transpose(Vec* rows) {
  MYELIN_UNROLL
  for (int i = 0; i < 16; i += 4) transpose_quarters(rows + i);
  MYELIN_UNROLL
  for (int i = 0; i < 4; ++i) exchange_quarters(rows[i], rows[i + 4], rows[i + 8], rows[i + 12]);
}
// The even and the odd elements of the 2 kWidth that `low` and `high` are.
MYELIN_INLINE void deinterleave(Vec low, Vec high, Vec& even, Vec& odd) {
  const Int index = shift_left<1>(lane_index());
  even.v = _mm512_permutex2var_ps(low.v, index.v, high.v);
  odd.v = _mm512_permutex2var_ps(low.v, (index + broadcast_int(1)).v, high.v);
}
MYELIN_INLINE __m512 add_quarters(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
}
// Lane i of the result is the sum of rows[i].
MYELIN_INLINE Vec sum_lanes(const Vec* rows) {
  __m512 quads[4];  // each quarter: a part of the sums of four rows
  MYELIN_UNROLL
  for (int i = 0; i < 4; ++i) {
    const __m512 a = rows[4 * i].v, b = rows[4 * i + 1].v;
    const __m512 c = rows[4 * i + 2].v, d = rows[4 * i + 3].v;
    const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    quads[i] = _mm512_add_ps(unpack_pair_low(ab, cd), unpack_pair_high(ab, cd));
  }
  return {add_quarters(add_quarters(quads[0], quads[1]), add_quarters(quads[2], quads[3]))};
}
// Word 4*j+i of the four vectors in a row becomes what was lane j of vector i.
MYELIN_INLINE void interleave4(Int* words) {
  Vec rows[4];
  for (int i = 0; i < 4; ++i) rows[i] = as_float(words[i]);
  transpose_quarters(rows);
  exchange_quarters(rows[0], rows[1], rows[2], rows[3]);
  for (int i = 0; i < 4; ++i) words[i] = as_int(rows[i]);
}

}  // namespace
}  // namespace myelin
