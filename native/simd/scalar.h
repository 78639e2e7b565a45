// No vectors, any processor: see simd.h for the interface.
#pragma once
#include <math.h>
#include <string.h>

#include <cstdint>

#include "compiler.h"

namespace myelin {
namespace {

constexpr const char* kIsa = "scalar";
constexpr int kWidth = 1;
constexpr int kRegisters = 16;

struct Vec {
  float v;
};
struct Int {
  int32_t v;
};
struct Mask {
  bool m;
};

MYELIN_INLINE Mask first_lanes(int64_t n) { return {n > 0}; }
MYELIN_INLINE Vec load(const float* p) { return {*p}; }
MYELIN_INLINE void store(float* p, Vec a) { *p = a.v; }
MYELIN_INLINE Vec load_partial(const float* p, int64_t n) { return {n > 0 ? *p : 0.0f}; }
MYELIN_INLINE void store_partial(float* p, Vec a, int64_t n) {
  if (n > 0) *p = a.v;
}
MYELIN_INLINE Vec broadcast(float a) { return {a}; }

MYELIN_INLINE Vec operator+(Vec a, Vec b) { return {a.v + b.v}; }
MYELIN_INLINE Vec operator-(Vec a, Vec b) { return {a.v - b.v}; }
MYELIN_INLINE Vec operator*(Vec a, Vec b) { return {a.v * b.v}; }
MYELIN_INLINE Vec operator/(Vec a, Vec b) { return {a.v / b.v}; }
// Rounded twice: without the instruction a true fma is a slow function call.
MYELIN_INLINE Vec fma(Vec a, Vec b, Vec c) { return {a.v * b.v + c.v}; }
MYELIN_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {c.v - a.v * b.v}; }
MYELIN_INLINE Vec quotient(Vec a, Vec b) { return a / b; }
MYELIN_INLINE Vec sqrt(Vec a) { return {::sqrtf(a.v)}; }

MYELIN_INLINE Mask less(Vec a, Vec b) { return {a.v < b.v}; }
MYELIN_INLINE Mask less_equal(Vec a, Vec b) { return {a.v <= b.v}; }
MYELIN_INLINE Mask equal(Vec a, Vec b) { return {a.v == b.v}; }
MYELIN_INLINE Mask is_nan(Vec a) { return {a.v != a.v}; }
MYELIN_INLINE Mask operator&(Mask a, Mask b) { return {a.m && b.m}; }
MYELIN_INLINE Mask operator|(Mask a, Mask b) { return {a.m || b.m}; }
MYELIN_INLINE Mask operator!(Mask a) { return {!a.m}; }
MYELIN_INLINE bool any(Mask a) { return a.m; }
MYELIN_INLINE Vec select(Mask mask, Vec yes, Vec no) { return mask.m ? yes : no; }

MYELIN_INLINE Vec max_of(Vec constant, Vec x) { return {constant.v > x.v ? constant.v : x.v}; }
MYELIN_INLINE Vec min_of(Vec constant, Vec x) { return {constant.v < x.v ? constant.v : x.v}; }
MYELIN_INLINE Vec max(Vec a, Vec b) { return a.v != a.v ? a : max_of(a, b); }
MYELIN_INLINE Vec min(Vec a, Vec b) { return a.v != a.v ? a : min_of(a, b); }

MYELIN_INLINE Int wrap(uint32_t a) { return {static_cast<int32_t>(a)}; }
MYELIN_INLINE uint32_t word(Int a) { return static_cast<uint32_t>(a.v); }
MYELIN_INLINE Int broadcast_int(int32_t a) { return {a}; }
MYELIN_INLINE Int lane_index() { return {0}; }
MYELIN_INLINE Int operator+(Int a, Int b) { return wrap(word(a) + word(b)); }
MYELIN_INLINE Int operator-(Int a, Int b) { return wrap(word(a) - word(b)); }
MYELIN_INLINE Int operator&(Int a, Int b) { return {a.v & b.v}; }
MYELIN_INLINE Int operator|(Int a, Int b) { return {a.v | b.v}; }
MYELIN_INLINE Int operator^(Int a, Int b) { return {a.v ^ b.v}; }
template <int kBits>
MYELIN_INLINE Int shift_left(Int a) {
  return wrap(word(a) << kBits);
}
// Zeros come in from the left.
template <int kBits>
MYELIN_INLINE Int shift_right(Int a) {
  return wrap(word(a) >> kBits);
}
MYELIN_INLINE Int max(Int a, Int b) { return {a.v < b.v ? b.v : a.v}; }
MYELIN_INLINE Mask less(Int a, Int b) { return {a.v < b.v}; }
// Unsigned 32 x 32 -> 64 bits.
MYELIN_INLINE void multiply_wide(Int a, uint32_t b, Int& high, Int& low) {
  const uint64_t product = static_cast<uint64_t>(word(a)) * b;
  low = wrap(static_cast<uint32_t>(product));
  high = wrap(static_cast<uint32_t>(product >> 32));
}

// Rounds half to even; what is out of range or NaN gives some integer, as elsewhere.
MYELIN_INLINE Int round_to_int(Vec a) {
  if (!(a.v > -2147483648.0f && a.v < 2147483648.0f)) return {-0x7fffffff - 1};
  return {static_cast<int32_t>(::lrintf(a.v))};
}
MYELIN_INLINE Vec to_float(Int a) { return {static_cast<float>(a.v)}; }
MYELIN_INLINE Int as_int(Vec a) {
  Int r;
  memcpy(&r.v, &a.v, 4);
  return r;
}
MYELIN_INLINE Vec as_float(Int a) {
  Vec r;
  memcpy(&r.v, &a.v, 4);
  return r;
}

// Lane i everywhere.
MYELIN_INLINE Vec broadcast_lane(Vec a, int64_t) { return a; }
MYELIN_INLINE float first(Vec a) { return a.v; }
MYELIN_INLINE float reduce_add(Vec a) { return a.v; }
MYELIN_INLINE float reduce_max(Vec a) { return a.v; }
MYELIN_INLINE void deinterleave(Vec low, Vec high, Vec& even, Vec& odd) {
  even = low;
  odd = high;
}
MYELIN_INLINE void transpose(Vec*) {}
MYELIN_INLINE Vec sum_lanes(const Vec* rows) { return rows[0]; }
MYELIN_INLINE void interleave4(Int*) {}

}  // namespace
}  // namespace myelin

#include "two_factors.h"
