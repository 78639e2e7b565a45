// NEON on 64-bit Arm: see simd.h for the interface.
#pragma once
#include <arm_neon.h>

#include <cstdint>

#include "compiler.h"

namespace myelin {
namespace {

constexpr const char* kIsa = "neon";
constexpr int kWidth = 4;
constexpr int kRegisters = 32;

struct Vec {
  float32x4_t v;
};
struct Int {
  int32x4_t v;
};
struct Mask {
  uint32x4_t m;
};

MYELIN_INLINE Int lane_index() {
  return {vcombine_s32(vcreate_s32(0x100000000u), vcreate_s32(0x300000002u))};
}
MYELIN_INLINE Int broadcast_int(int32_t a) { return {vdupq_n_s32(a)}; }
MYELIN_INLINE Int max(Int a, Int b) { return {vmaxq_s32(a.v, b.v)}; }
MYELIN_INLINE Mask less(Int a, Int b) { return {vcltq_s32(a.v, b.v)}; }
MYELIN_INLINE Mask first_lanes(int64_t n) {
  return less(lane_index(), broadcast_int(static_cast<int32_t>(n)));
}
MYELIN_INLINE Vec load(const float* p) { return {vld1q_f32(p)}; }
MYELIN_INLINE void store(float* p, Vec a) { vst1q_f32(p, a.v); }
MYELIN_INLINE Vec load_partial(const float* p, int64_t n) {
  float32x4_t v = vdupq_n_f32(0.0f);
  if (n > 0) v = vld1q_lane_f32(p, v, 0);
  if (n > 1) v = vld1q_lane_f32(p + 1, v, 1);
  if (n > 2) v = vld1q_lane_f32(p + 2, v, 2);
  if (n > 3) v = vld1q_lane_f32(p + 3, v, 3);
  return {v};
}
MYELIN_INLINE void store_partial(float* p, Vec a, int64_t n) {
  if (n > 0) vst1q_lane_f32(p, a.v, 0);
  if (n > 1) vst1q_lane_f32(p + 1, a.v, 1);
  if (n > 2) vst1q_lane_f32(p + 2, a.v, 2);
  if (n > 3) vst1q_lane_f32(p + 3, a.v, 3);
}
MYELIN_INLINE Vec broadcast(float a) { return {vdupq_n_f32(a)}; }

MYELIN_INLINE Vec operator+(Vec a, Vec b) { return {vaddq_f32(a.v, b.v)}; }
MYELIN_INLINE Vec operator-(Vec a, Vec b) { return {vsubq_f32(a.v, b.v)}; }
MYELIN_INLINE Vec operator*(Vec a, Vec b) { return {vmulq_f32(a.v, b.v)}; }
MYELIN_INLINE Vec operator/(Vec a, Vec b) { return {vdivq_f32(a.v, b.v)}; }
MYELIN_INLINE Vec fma(Vec a, Vec b, Vec c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
MYELIN_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {vfmsq_f32(c.v, a.v, b.v)}; }
MYELIN_INLINE Vec quotient(Vec a, Vec b) { return a / b; }
MYELIN_INLINE Vec sqrt(Vec a) { return {vsqrtq_f32(a.v)}; }

MYELIN_INLINE Mask less(Vec a, Vec b) { return {vcltq_f32(a.v, b.v)}; }
MYELIN_INLINE Mask less_equal(Vec a, Vec b) { return {vcleq_f32(a.v, b.v)}; }
MYELIN_INLINE Mask equal(Vec a, Vec b) { return {vceqq_f32(a.v, b.v)}; }
MYELIN_INLINE Mask operator&(Mask a, Mask b) { return {vandq_u32(a.m, b.m)}; }
MYELIN_INLINE Mask operator|(Mask a, Mask b) { return {vorrq_u32(a.m, b.m)}; }
MYELIN_INLINE Mask operator!(Mask a) { return {vmvnq_u32(a.m)}; }
MYELIN_INLINE Mask is_nan(Vec a) { return !equal(a, a); }
MYELIN_INLINE bool any(Mask a) { return vmaxvq_u32(a.m) != 0; }
MYELIN_INLINE Vec select(Mask mask, Vec yes, Vec no) { return {vbslq_f32(mask.m, yes.v, no.v)}; }

// NEON's own propagate NaN from either side.
MYELIN_INLINE Vec max(Vec a, Vec b) { return {vmaxq_f32(a.v, b.v)}; }
MYELIN_INLINE Vec min(Vec a, Vec b) { return {vminq_f32(a.v, b.v)}; }
MYELIN_INLINE Vec max_of(Vec constant, Vec x) { return max(constant, x); }
MYELIN_INLINE Vec min_of(Vec constant, Vec x) { return min(constant, x); }

MYELIN_INLINE Int operator+(Int a, Int b) { return {vaddq_s32(a.v, b.v)}; }
MYELIN_INLINE Int operator-(Int a, Int b) { return {vsubq_s32(a.v, b.v)}; }
MYELIN_INLINE Int operator&(Int a, Int b) { return {vandq_s32(a.v, b.v)}; }
MYELIN_INLINE Int operator|(Int a, Int b) { return {vorrq_s32(a.v, b.v)}; }
MYELIN_INLINE Int operator^(Int a, Int b) { return {veorq_s32(a.v, b.v)}; }
template <int kBits>
MYELIN_INLINE Int shift_left(Int a) {
  return {vshlq_n_s32(a.v, kBits)};
}
// Zeros come in from the left.
template <int kBits>
MYELIN_INLINE Int shift_right(Int a) {
  return {vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(a.v), kBits))};
}
// Unsigned 32 x 32 -> 64 bits.
MYELIN_INLINE void multiply_wide(Int a, uint32_t b, Int& high, Int& low) {
  const uint32x4_t x = vreinterpretq_u32_s32(a.v);
  const uint32x2_t factor = vdup_n_u32(b);
  const uint32x4_t left = vreinterpretq_u32_u64(vmull_u32(vget_low_u32(x), factor));
  const uint32x4_t right = vreinterpretq_u32_u64(vmull_u32(vget_high_u32(x), factor));
  low.v = vreinterpretq_s32_u32(vuzp1q_u32(left, right));
  high.v = vreinterpretq_s32_u32(vuzp2q_u32(left, right));
}

MYELIN_INLINE Int round_to_int(Vec a) { return {vcvtnq_s32_f32(a.v)}; }
MYELIN_INLINE Vec to_float(Int a) { return {vcvtq_f32_s32(a.v)}; }
MYELIN_INLINE Int as_int(Vec a) { return {vreinterpretq_s32_f32(a.v)}; }
MYELIN_INLINE Vec as_float(Int a) { return {vreinterpretq_f32_s32(a.v)}; }

// Lane i everywhere.
MYELIN_INLINE Vec broadcast_lane(Vec a, int64_t i) {
  const uint8x16_t bytes =
      vreinterpretq_u8_u32(vdupq_n_u32(0x03020100u + 0x04040404u * static_cast<uint32_t>(i)));
  return {vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(a.v), bytes))};
}
MYELIN_INLINE float first(Vec a) { return vgetq_lane_f32(a.v, 0); }
MYELIN_INLINE float reduce_add(Vec a) { return vaddvq_f32(a.v); }
MYELIN_INLINE float reduce_max(Vec a) { return vmaxvq_f32(a.v); }

// Transposes kWidth rows in place.
MYELIN_INLINE void transpose(Vec* rows) {
  const float32x4x2_t ab = vtrnq_f32(rows[0].v, rows[1].v);
  const float32x4x2_t cd = vtrnq_f32(rows[2].v, rows[3].v);
  rows[0].v = vcombine_f32(vget_low_f32(ab.val[0]), vget_low_f32(cd.val[0]));
  rows[1].v = vcombine_f32(vget_low_f32(ab.val[1]), vget_low_f32(cd.val[1]));
  rows[2].v = vcombine_f32(vget_high_f32(ab.val[0]), vget_high_f32(cd.val[0]));
  rows[3].v = vcombine_f32(vget_high_f32(ab.val[1]), vget_high_f32(cd.val[1]));
}
// The even and the odd elements of the 2 kWidth that `low` and `high` are.
MYELIN_INLINE void deinterleave(Vec low, Vec high, Vec& even, Vec& odd) {
  even.v = vuzp1q_f32(low.v, high.v);
  odd.v = vuzp2q_f32(low.v, high.v);
}
// Lane i of the result is the sum of rows[i].
MYELIN_INLINE Vec sum_lanes(const Vec* rows) {
  return {vpaddq_f32(vpaddq_f32(rows[0].v, rows[1].v), vpaddq_f32(rows[2].v, rows[3].v))};
}
// Word 4*j+i of the four vectors in a row becomes what was lane j of vector i.
MYELIN_INLINE void interleave4(Int* words) {
  Vec rows[4];
  for (int i = 0; i < 4; ++i) rows[i] = as_float(words[i]);
  transpose(rows);
  for (int i = 0; i < 4; ++i) words[i] = as_int(rows[i]);
}

}  // namespace
}  // namespace myelin

#include "two_factors.h"
