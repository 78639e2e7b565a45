// Elementary functions over Vec. Polynomial coefficients are minimax fits (Lawson's iteration
// on Chebyshev nodes) over the interval named at each; errors are in units in the last place.
#pragma once
#include "simd.h"

namespace myelin {
namespace {

// c[0] + c[1] x + ... by Horner's rule.
template <int kTerms>
MYELIN_INLINE Vec polynomial(Vec x, const float (&c)[kTerms]) {
  Vec sum = broadcast(c[kTerms - 1]);
  MYELIN_UNROLL
  for (int i = kTerms - 2; i >= 0; --i) sum = fma(sum, x, broadcast(c[i]));
  return sum;
}

// The whole number next to x * factor, where that is below 2^22: adding 1.5 * 2^23 leaves no bits
// for a fraction.
MYELIN_INLINE Vec round_product(Vec x, float factor) {
  const Vec shift = broadcast(12582912.0f);
  return fma(x, broadcast(factor), shift) - shift;
}

// start + r^2/2 + r^3/6 + ... for |r| <= ln(2)/2, by Estrin's scheme: its chain of operations is
// half as long as Horner's. From r on it is e^r - 1, from 1 + r on e^r.
MYELIN_INLINE Vec exp_series(Vec start, Vec r) {
  const Vec square = r * r;
  const Vec low = fma(r, broadcast(1.666651815e-01f), broadcast(5.000000000e-01f));
  const Vec high = fma(r, broadcast(8.368884213e-03f), broadcast(4.166620597e-02f));
  const Vec rest = fma(square, broadcast(1.395047293e-03f), high);
  return fma(square * square, rest, fma(square, low, start));
}

// e^x as a number next to 1 and a power of two.
struct Exponential {
  Vec fraction;
  PowerOfTwo power;
};

MYELIN_INLINE Exponential split_exp(Vec x) {
  const Vec n = round_product(x, 1.44269504f);
  // ln(2) in two parts: the product with the first is exact.
  const Vec r = fma(n, broadcast(-0.693359375f), x) + n * broadcast(2.12194440e-4f);
  return {exp_series(broadcast(1.0f) + r, r), power_of_two(n)};
}

// e^x, 2 ULP; overflows to infinity and underflows through the denormals to 0.
MYELIN_INLINE Vec exp(Vec x) {
  const Exponential e = split_exp(clamp(x, -104.0f, 89.0f));
  return scale(e.fraction, e.power);
}

// e^x - 1 without cancellation near 0.
MYELIN_INLINE Vec expm1(Vec x) {
  const Mask small = less(abs(x), broadcast(0.34f));
  return select(small, exp_series(x, x), exp(x) - broadcast(1.0f));
}

// ln(1 + f) + e ln(2) for f in [sqrt(1/2) - 1, sqrt(2) - 1].
MYELIN_INLINE Vec log1p_reduced(Vec f, Vec e) {
  constexpr float kTerms[] = {3.333331645e-01f,  -2.500081062e-01f, 2.000228614e-01f,
                              -1.662454605e-01f, 1.418119371e-01f,  -1.312883049e-01f,
                              1.288166940e-01f,  -7.859433442e-02f};
  const Vec square = f * f;
  Vec tail = square * f * polynomial(f, kTerms);
  tail = fma(e, broadcast(-2.12194440e-4f), tail);
  tail = fma(square, broadcast(-0.5f), tail);
  return fma(e, broadcast(0.693359375f), f + tail);
}

// ln(x), 2 ULP, denormals included; -infinity at 0, NaN below.
MYELIN_INLINE Vec log(Vec x) {
  const Mask tiny = less(x, broadcast(1.17549435e-38f));
  const Vec scaled = select(tiny, x * broadcast(8388608.0f), x);
  // Subtracting the bits of sqrt(1/2) puts the mantissa into [sqrt(1/2), sqrt(2)).
  const Int offset = broadcast_int(0x3f3504f3);
  const Int bits = as_int(scaled) - offset;
  const Int exponent = shift_right<23>(bits + broadcast_int(0x40000000)) - broadcast_int(128);
  const Vec mantissa = as_float((bits & broadcast_int(0x7fffff)) + offset);
  const Vec e = to_float(exponent) - select(tiny, broadcast(23.0f), zero());
  Vec result = log1p_reduced(mantissa - broadcast(1.0f), e);
  result = select(equal(x, zero()), broadcast(-kInfinity), result);
  result = select(equal(x, broadcast(kInfinity)), x, result);
  return select(less_equal(zero(), x), result, broadcast(kNaN));
}

// ln(1 + x) for x in [0, 1].
MYELIN_INLINE Vec log1p_unit(Vec x) {
  const Mask large = less(broadcast(0.41421356f), x);
  const Vec half = broadcast(0.5f) * x - broadcast(0.5f);  // (1 + x) / 2 - 1, exact
  return log1p_reduced(select(large, half, x), select(large, broadcast(1.0f), zero()));
}

// ln(1 + e^x).
MYELIN_INLINE Vec softplus(Vec x) { return max_of(zero(), x) + log1p_unit(exp(-abs(x))); }

// 1 / (1 + e^-x), accurate in both tails. A chain as short as can be: limits are seen to beside it.
MYELIN_INLINE Vec sigmoid(Vec x) {
  const Vec one = broadcast(1.0f);
  const Vec below = as_float(as_int(x) | broadcast_int(-0x7fffffff - 1));  // -|x|
  const Exponential e = split_exp(below);
  const Mask negative = less(x, zero());
  const Vec y =
      select(negative, scale(e.fraction, e.power), one) / scale_add(e.fraction, e.power, one);
  return select(less(below, broadcast(-104.0f)), select(negative, zero(), one), y);
}

// 4 ULP.
MYELIN_INLINE Vec tanh(Vec x) {
  constexpr float kTerms[] = {-3.333328366e-01f, 1.333149076e-01f, -5.374348536e-02f,
                              2.065055445e-02f, -5.717011169e-03f};  // |x| < 0.625
  const Vec square = x * x;
  const Vec small = fma(x * square, polynomial(square, kTerms), x);
  const Vec one = broadcast(1.0f);
  const Vec magnitude = abs(x);
  const Vec large = one - broadcast(2.0f) / (exp(magnitude + magnitude) + one);
  return select(less(magnitude, broadcast(0.625f)), small, copy_sign(large, x));
}

// The error function, 4 ULP: a series near 0, elsewhere 1 - exp(-p(|x|)).
MYELIN_INLINE Vec erf(Vec x) {
  constexpr float kNear[] = {1.283791661e-01f,  -3.761263192e-01f, 1.128367260e-01f,
                             -2.685810439e-02f, 5.197796971e-03f,  -8.105962770e-04f,
                             8.215414709e-05f};  // |x| < 0.95
  constexpr float kFar[] = {-1.834475988e-04f, 1.129556894e+00f,  6.332625747e-01f,
                            1.083725169e-01f,  -2.517899498e-02f, 4.193622153e-03f,
                            -4.391087277e-04f, 2.149632564e-05f};  // 0.95 <= |x| <= 4
  const Vec square = x * x;
  const Vec near = fma(x, polynomial(square, kNear), x);
  const Vec magnitude = abs(x);
  const Vec limited = min_of(broadcast(4.0f), magnitude);
  const Vec far = broadcast(1.0f) - exp(-polynomial(limited, kFar));
  return select(less(magnitude, broadcast(0.95f)), near, copy_sign(far, x));
}

// sin and cos of 2 pi u for u in [0, 1): reduced exactly to an eighth of a turn.
MYELIN_INLINE void sincos_turns(Vec u, Vec& sine, Vec& cosine) {
  constexpr float kSine[] = {6.283185482e+00f, -4.134170151e+01f, 8.160520172e+01f,
                             -7.669786835e+01f, 4.147294617e+01f};
  constexpr float kCosine[] = {1.000000000e+00f, -1.973920822e+01f, 6.493931580e+01f,
                               -8.544285583e+01f, 5.922040558e+01f};
  const Int quarter = round_to_int(u * broadcast(4.0f));
  const Vec r = fma(to_float(quarter), broadcast(-0.25f), u);
  const Vec square = r * r;
  const Vec s = r * polynomial(square, kSine);
  const Vec c = polynomial(square, kCosine);
  const Mask even = less(quarter & broadcast_int(1), broadcast_int(1));
  const Mask sine_positive = less(quarter & broadcast_int(2), broadcast_int(1));
  const Mask cosine_positive =
      less((quarter + broadcast_int(1)) & broadcast_int(2), broadcast_int(1));
  const Vec a = select(even, s, c);
  const Vec b = select(even, c, s);
  sine = select(sine_positive, a, -a);
  cosine = select(cosine_positive, b, -b);
}

// base^exponent for base >= 0, with 0^0 = 1 and 0^negative a large finite number.
MYELIN_INLINE Vec power(Vec base, Vec exponent) {
  return exp(exponent * log(max_of(broadcast(1e-30f), base)));
}

}  // namespace
}  // namespace myelin
