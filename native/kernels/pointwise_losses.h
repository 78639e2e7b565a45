// Losses of one prediction and one target, one struct each; definitions as in
// lib/ops/loss-functions.ts.
#pragma once
#include "unary.h"

namespace myelin {
namespace {
namespace loss {

using unary::one;
using unary::where;

constexpr float kEpsilon = 1e-7f;  // Keras's fuzz factor

struct Parameters {
  float alpha, beta;
};

MYELIN_INLINE Vec twice(Vec x) { return x + x; }
MYELIN_INLINE Vec probability(Vec p) { return clamp(p, kEpsilon, 1.0f - kEpsilon); }
// 1 - probability(p), without the rounding of what lies next to 1.
MYELIN_INLINE Vec complement(Vec p) { return probability(one() - p); }
// 1 where clamping does not act, else 0.
MYELIN_INLINE Vec inside(Vec x, float low, float high) {
  return where(less_equal(broadcast(low), x) & less_equal(x, broadcast(high)), 1.0f, 0.0f);
}
MYELIN_INLINE Vec is_probability(Vec p) { return inside(p, kEpsilon, 1.0f - kEpsilon); }

// ---- Pointwise losses; kMean: the row's mean, otherwise its sum ----

struct MeanSquaredError {
  static constexpr const char* kName = "meanSquaredError";
  static constexpr bool kMean = true;
  MYELIN_INLINE static Vec value(Vec p, Vec t, Parameters) { return (p - t) * (p - t); }
  MYELIN_INLINE static Vec grad(Vec p, Vec t, Parameters) { return twice(p - t); }
};

struct MeanAbsoluteError {
  static constexpr const char* kName = "meanAbsoluteError";
  static constexpr bool kMean = true;
  MYELIN_INLINE static Vec value(Vec p, Vec t, Parameters) { return abs(p - t); }
  MYELIN_INLINE static Vec grad(Vec p, Vec t, Parameters) { return unary::sign(p - t); }
};

struct MeanAbsolutePercentageError {
  static constexpr const char* kName = "meanAbsolutePercentageError";
  static constexpr bool kMean = true;
  MYELIN_INLINE static Vec scale(Vec t) {
    return broadcast(100.0f) / max_of(broadcast(kEpsilon), abs(t));
  }
  MYELIN_INLINE static Vec value(Vec p, Vec t, Parameters) { return abs(t - p) * scale(t); }
  MYELIN_INLINE static Vec grad(Vec p, Vec t, Parameters) { return unary::sign(p - t) * scale(t); }
};

struct MeanSquaredLogarithmicError {
  static constexpr const char* kName = "meanSquaredLogarithmicError";
  static constexpr bool kMean = true;
  MYELIN_INLINE static Vec log_of(Vec x) { return log(max_of(broadcast(kEpsilon), x) + one()); }
  MYELIN_INLINE static Vec value(Vec p, Vec t, Parameters) {
    const Vec e = log_of(p) - log_of(t);
    return e * e;
  }
  MYELIN_INLINE static Vec grad(Vec p, Vec t, Parameters) {
    const Vec slope = twice(log_of(p) - log_of(t)) / (p + one());
    return select(less_equal(p, broadcast(kEpsilon)), zero(), slope);
  }
};

// alpha: where the parabola becomes a line.
struct Huber {
  static constexpr const char* kName = "huber";
  static constexpr bool kMean = true;
  MYELIN_INLINE static Vec value(Vec p, Vec t, Parameters c) {
    const Vec e = abs(p - t), delta = broadcast(c.alpha);
    const Vec line = delta * e - broadcast(0.5f * c.alpha * c.alpha);
    return select(less_equal(e, delta), broadcast(0.5f) * e * e, line);
  }
  MYELIN_INLINE static Vec grad(Vec p, Vec t, Parameters c) {
    return clamp(p - t, -c.alpha, c.alpha);
  }
};

struct LogCosh {
  static constexpr const char* kName = "logCosh";
  static constexpr bool kMean = true;
  MYELIN_INLINE static Vec value(Vec p, Vec t, Parameters) {
    const Vec e = p - t;
    return e + softplus(broadcast(-2.0f) * e) - broadcast(0.693147181f);
  }
  MYELIN_INLINE static Vec grad(Vec p, Vec t, Parameters) { return tanh(p - t); }
};

struct Hinge {
  static constexpr const char* kName = "hinge";
  static constexpr bool kMean = true;
  MYELIN_INLINE static Vec margin(Vec p, Vec t) { return max_of(zero(), one() - t * p); }
  MYELIN_INLINE static Vec value(Vec p, Vec t, Parameters) { return margin(p, t); }
  MYELIN_INLINE static Vec grad(Vec p, Vec t, Parameters) {
    return select(less(zero(), one() - t * p), -t, zero());
  }
};

struct SquaredHinge {
  static constexpr const char* kName = "squaredHinge";
  static constexpr bool kMean = true;
  MYELIN_INLINE static Vec value(Vec p, Vec t, Parameters) {
    const Vec margin = Hinge::margin(p, t);
    return margin * margin;
  }
  MYELIN_INLINE static Vec grad(Vec p, Vec t, Parameters) {
    return broadcast(-2.0f) * t * Hinge::margin(p, t);
  }
};

struct KlDivergence {
  static constexpr const char* kName = "klDivergence";
  static constexpr bool kMean = false;
  MYELIN_INLINE static Vec value(Vec p, Vec t, Parameters) {
    const Vec q = clamp(p, kEpsilon, 1.0f), y = clamp(t, kEpsilon, 1.0f);
    return y * log(y / q);
  }
  MYELIN_INLINE static Vec grad(Vec p, Vec t, Parameters) {
    const Vec ratio = clamp(t, kEpsilon, 1.0f) / clamp(p, kEpsilon, 1.0f);
    return -ratio * inside(p, kEpsilon, 1.0f);
  }
};

struct Poisson {
  static constexpr const char* kName = "poisson";
  static constexpr bool kMean = true;
  MYELIN_INLINE static Vec value(Vec p, Vec t, Parameters) {
    return p - t * log(p + broadcast(kEpsilon));
  }
  MYELIN_INLINE static Vec grad(Vec p, Vec t, Parameters) {
    return one() - t / (p + broadcast(kEpsilon));
  }
};

// alpha: label smoothing.
MYELIN_INLINE Vec smoothed_binary(Vec t, Parameters c) {
  return t * broadcast(1.0f - c.alpha) + broadcast(0.5f * c.alpha);
}

struct BinaryCrossentropy {
  static constexpr const char* kName = "binaryCrossentropy";
  static constexpr bool kMean = true;
  MYELIN_INLINE static Vec value(Vec p, Vec t, Parameters c) {
    const Vec y = smoothed_binary(t, c);
    return -(y * log(probability(p)) + (one() - y) * log(complement(p)));
  }
  MYELIN_INLINE static Vec grad(Vec p, Vec t, Parameters c) {
    const Vec y = smoothed_binary(t, c);
    return is_probability(p) * ((one() - y) / complement(p) - y / probability(p));
  }
};

struct BinaryCrossentropyFromLogits {
  static constexpr const char* kName = "binaryCrossentropyFromLogits";
  static constexpr bool kMean = true;
  MYELIN_INLINE static Vec value(Vec z, Vec t, Parameters c) {
    return max_of(zero(), z) - z * smoothed_binary(t, c) + log1p_unit(exp(-abs(z)));
  }
  MYELIN_INLINE static Vec grad(Vec z, Vec t, Parameters c) {
    return sigmoid(z) - smoothed_binary(t, c);
  }
};

// Lin et al. 2017, "Focal loss for dense object detection": -(1 - p)^gamma log p, with the
// derivative by log p. beta: gamma.
struct FocalTerm {
  MYELIN_INLINE static Vec value(Vec log_p, float gamma) {
    return -(power(-expm1(log_p), broadcast(gamma)) * log_p);
  }
  MYELIN_INLINE static Vec slope(Vec log_p, float gamma) {
    const Vec rest = -expm1(log_p);
    const Vec inner = broadcast(gamma) * power(rest, broadcast(gamma - 1.0f)) * exp(log_p) * log_p;
    return inner - power(rest, broadcast(gamma));
  }
};

// alpha: weight of the positive class; negative: both count alike.
MYELIN_INLINE Vec balance(Vec t, Parameters c) {
  if (c.alpha < 0.0f) return one();
  return t * broadcast(c.alpha) + (one() - t) * broadcast(1.0f - c.alpha);
}

struct BinaryFocal {
  static constexpr const char* kName = "binaryFocal";
  static constexpr bool kMean = true;
  // The probability of the true side.
  MYELIN_INLINE static Vec side(Vec p, Vec t) {
    return t * probability(p) + (one() - t) * complement(p);
  }
  MYELIN_INLINE static Vec value(Vec p, Vec t, Parameters c) {
    return balance(t, c) * FocalTerm::value(log(side(p, t)), c.beta);
  }
  MYELIN_INLINE static Vec grad(Vec p, Vec t, Parameters c) {
    const Vec s = side(p, t);
    const Vec slope = FocalTerm::slope(log(s), c.beta) * (twice(t) - one()) / s;
    return balance(t, c) * slope * is_probability(p);
  }
};

struct BinaryFocalFromLogits {
  static constexpr const char* kName = "binaryFocalFromLogits";
  static constexpr bool kMean = true;
  MYELIN_INLINE static Vec value(Vec z, Vec t, Parameters c) {
    const Vec away = (one() - twice(t)) * z;
    return balance(t, c) * FocalTerm::value(-softplus(away), c.beta);
  }
  MYELIN_INLINE static Vec grad(Vec z, Vec t, Parameters c) {
    const Vec sign = one() - twice(t);
    const Vec slope = FocalTerm::slope(-softplus(sign * z), c.beta);
    return -(balance(t, c) * slope * sign * sigmoid(sign * z));
  }
};

}  // namespace loss
}  // namespace
}  // namespace myelin
