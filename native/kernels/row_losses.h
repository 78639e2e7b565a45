// Losses that need a whole row of predictions, one struct each; definitions as in
// lib/ops/loss-functions.ts.
#pragma once
#include "pointwise_losses.h"
#include "softmax.h"

namespace myelin {
namespace {
namespace loss {

using softmax::log_of;
using softmax::row_max;
using softmax::row_sum;

constexpr float kNormEpsilon = 1e-12f;

// ---- Targets of a row: values for lanes i.. of it ----

struct Dense {
  static constexpr bool kSparse = false;
  // From what is given for lanes that are of class `index`, of n.
  MYELIN_INLINE static Vec of(Vec given, Vec, int64_t, Parameters) { return given; }
  MYELIN_INLINE static Vec at(const float* t, int64_t i, int64_t n, Parameters) {
    return load_lanes(t + i, n - i);
  }
};
// alpha: label smoothing.
struct Smoothed {
  static constexpr bool kSparse = false;
  MYELIN_INLINE static Vec of(Vec given, Vec, int64_t n, Parameters c) {
    return given * broadcast(1.0f - c.alpha) + broadcast(c.alpha / static_cast<float>(n));
  }
  MYELIN_INLINE static Vec at(const float* t, int64_t i, int64_t n, Parameters c) {
    return of(load_lanes(t + i, n - i), zero(), n, c);
  }
};
// The target is a class index; one that is no class leaves the row without a target.
struct OneHot {
  static constexpr bool kSparse = true;
  MYELIN_INLINE static Vec of(Vec label, Vec index, int64_t, Parameters) {
    return where(equal(label, index), 1.0f, 0.0f);
  }
  MYELIN_INLINE static Vec at(const float* t, int64_t i, int64_t n, Parameters c) {
    const Vec index = to_float(lane_index() + broadcast_int(static_cast<int32_t>(i)));
    return of(broadcast(*t), index, n, c);
  }
};

// ---- Losses -sum t f(log p) of class probabilities ----

struct CrossentropyTerm {
  MYELIN_INLINE static Vec value(Vec log_p, Parameters) { return -log_p; }
  MYELIN_INLINE static Vec slope(Vec, Parameters) { return broadcast(-1.0f); }
};
struct CategoricalFocalTerm {
  MYELIN_INLINE static Vec value(Vec log_p, Parameters c) {
    return broadcast(c.alpha) * FocalTerm::value(log_p, c.beta);
  }
  MYELIN_INLINE static Vec slope(Vec log_p, Parameters c) {
    return broadcast(c.alpha) * FocalTerm::slope(log_p, c.beta);
  }
};

// t x, but 0 where t is 0 whatever x is; and 0 in lanes beyond the row.
MYELIN_INLINE Vec weigh(Vec t, Vec x, int64_t lanes) {
  const Vec product = select(equal(t, zero()), zero(), t * x);
  return lanes >= kWidth ? product : select(first_lanes(lanes), product, zero());
}

// Predictions are probabilities up to a factor.
template <class Term, class Target>
struct Normalised {
  static constexpr bool kSparse = Target::kSparse;

  static float value(const float* p, const float* t, int64_t n, Parameters c) {
    const Vec scale = broadcast(1.0f / row_sum(p, n));
    Vec sum = zero();
    for (int64_t i = 0; i < n; i += kWidth) {
      const Vec q = probability(load_lanes(p + i, n - i) * scale);
      sum = sum + weigh(Target::at(t, i, n, c), Term::value(log(q), c), n - i);
    }
    return reduce_add(sum);
  }

  // The derivative by p / sum(p) of lanes i.., where q is that quotient.
  MYELIN_INLINE static Vec slope(Vec q, const float* t, int64_t i, int64_t n, Parameters c) {
    const Vec inner = probability(q);
    const Vec derivative = Term::slope(log(inner), c) / inner * is_probability(q);
    return weigh(Target::at(t, i, n, c), derivative, n - i);
  }

  static float grad(const float* p, const float* t, float* d, int64_t n, float factor,
                    Parameters c) {
    const float scale = 1.0f / row_sum(p, n);
    Vec sum = zero();
    for (int64_t i = 0; i < n; i += kWidth) {
      const Vec q = load_lanes(p + i, n - i) * broadcast(scale);
      const Vec s = slope(q, t, i, n, c);
      store_lanes(d + i, s, n - i);
      sum = fma(s, q, sum);
    }
    const Vec mean = broadcast(reduce_add(sum)), outer = broadcast(scale * factor);
    for (int64_t i = 0; i < n; i += kWidth) {
      store_lanes(d + i, (load_lanes(d + i, n - i) - mean) * outer, n - i);
    }
    return value(p, t, n, c);
  }
};

// Predictions are logits: p = softmax(z).
template <class Term, class Target>
struct FromLogits {
  using LogitTerm = Term;
  using LogitTarget = Target;
  static constexpr bool kSparse = Target::kSparse;

  MYELIN_INLINE static Vec log_p(const float* z, int64_t i, int64_t n, Vec top, Vec log_sum) {
    return load_lanes(z + i, n - i) - top - log_sum;
  }

  static float value(const float* z, const float* t, int64_t n, Parameters c) {
    const float maximum = row_max(z, n);
    const Vec top = broadcast(maximum);
    const Vec log_sum = broadcast(log_of(softmax::row_exp(z, n, maximum, nullptr)));
    Vec sum = zero();
    for (int64_t i = 0; i < n; i += kWidth) {
      const Vec term = Term::value(log_p(z, i, n, top, log_sum), c);
      sum = sum + weigh(Target::at(t, i, n, c), term, n - i);
    }
    return reduce_add(sum);
  }

  // The exponentials are computed once, into d.
  static float grad(const float* z, const float* t, float* d, int64_t n, float factor,
                    Parameters c) {
    const float maximum = row_max(z, n);
    const float total = softmax::row_exp(z, n, maximum, d);
    const Vec top = broadcast(maximum), log_sum = broadcast(log_of(total));
    Vec loss = zero(), slopes = zero();
    for (int64_t i = 0; i < n; i += kWidth) {
      const Vec log_p_i = log_p(z, i, n, top, log_sum), target = Target::at(t, i, n, c);
      loss = loss + weigh(target, Term::value(log_p_i, c), n - i);
      slopes = slopes + weigh(target, Term::slope(log_p_i, c), n - i);
    }
    const Vec share = broadcast(reduce_add(slopes) / total), outer = broadcast(factor);
    for (int64_t i = 0; i < n; i += kWidth) {
      const Vec slope = Term::slope(log_p(z, i, n, top, log_sum), c);
      const Vec own = weigh(Target::at(t, i, n, c), slope, n - i);
      store_lanes(d + i, (own - load_lanes(d + i, n - i) * share) * outer, n - i);
    }
    return reduce_add(loss);
  }
};

struct CategoricalCrossentropy : Normalised<CrossentropyTerm, Smoothed> {
  static constexpr const char* kName = "categoricalCrossentropy";
};
struct SparseCategoricalCrossentropy : Normalised<CrossentropyTerm, OneHot> {
  static constexpr const char* kName = "sparseCategoricalCrossentropy";
};
struct CategoricalCrossentropyFromLogits : FromLogits<CrossentropyTerm, Smoothed> {
  static constexpr const char* kName = "categoricalCrossentropyFromLogits";
};
struct SparseCategoricalCrossentropyFromLogits : FromLogits<CrossentropyTerm, OneHot> {
  static constexpr const char* kName = "sparseCategoricalCrossentropyFromLogits";
};
struct CategoricalFocal : Normalised<CategoricalFocalTerm, Dense> {
  static constexpr const char* kName = "categoricalFocal";
};
struct CategoricalFocalFromLogits : FromLogits<CategoricalFocalTerm, Dense> {
  static constexpr const char* kName = "categoricalFocalFromLogits";
};

// Predictions are log probabilities.
struct NegativeLogLikelihood {
  static constexpr const char* kName = "negativeLogLikelihood";
  static constexpr bool kSparse = true;
  static float value(const float* p, const float* t, int64_t n, Parameters) {
    const float label = *t;
    if (!(label >= 0.0f && label < static_cast<float>(n))) return kNaN;
    return -p[static_cast<int64_t>(label)];
  }
  static float grad(const float* p, const float* t, float* d, int64_t n, float factor,
                    Parameters c) {
    for (int64_t i = 0; i < n; i += kWidth) {
      store_lanes(d + i, OneHot::at(t, i, n, c) * broadcast(-factor), n - i);
    }
    return value(p, t, n, c);
  }
};

// ---- Other row losses ----

struct CategoricalHinge {
  static constexpr const char* kName = "categoricalHinge";
  static constexpr bool kSparse = false;
  // max((1 - t) p) - sum(t p) + 1, and where the maximum is attained first.
  static float margin(const float* p, const float* t, int64_t n, int64_t& strongest) {
    float best = -kInfinity, score = 0.0f;
    strongest = 0;
    for (int64_t i = 0; i < n; ++i) {
      const float wrong = (1.0f - t[i]) * p[i];
      if (wrong > best) {
        best = wrong;
        strongest = i;
      }
      score += t[i] * p[i];
    }
    return best - score + 1.0f;
  }
  static float value(const float* p, const float* t, int64_t n, Parameters) {
    int64_t strongest;
    const float m = margin(p, t, n, strongest);
    return m < 0.0f ? 0.0f : m;
  }
  static float grad(const float* p, const float* t, float* d, int64_t n, float factor, Parameters) {
    int64_t strongest;
    const float m = margin(p, t, n, strongest), active = m > 0.0f ? factor : 0.0f;
    for (int64_t i = 0; i < n; ++i) d[i] = -active * t[i];
    d[strongest] += active * (1.0f - t[strongest]);
    return m < 0.0f ? 0.0f : m;
  }
};

struct CosineSimilarity {
  static constexpr const char* kName = "cosineSimilarity";
  static constexpr bool kSparse = false;
  MYELIN_INLINE static float dot(const float* a, const float* b, int64_t n) {
    Vec sum = zero();
    for (int64_t i = 0; i < n; i += kWidth) {
      sum = fma(load_lanes(a + i, n - i), load_lanes(b + i, n - i), sum);
    }
    return reduce_add(sum);
  }
  MYELIN_INLINE static float inverse_norm(float square) {
    return 1.0f / ::sqrtf(square < kNormEpsilon ? kNormEpsilon : square);
  }
  static float value(const float* p, const float* t, int64_t n, Parameters) {
    return -dot(p, t, n) * inverse_norm(dot(p, p, n)) * inverse_norm(dot(t, t, n));
  }
  static float grad(const float* p, const float* t, float* d, int64_t n, float factor, Parameters) {
    const float square = dot(p, p, n);
    const float along_p = inverse_norm(square), along_t = inverse_norm(dot(t, t, n));
    const float cosine = dot(p, t, n) * along_p * along_t;
    // A norm that is clamped does not move with p.
    const float moves = square > kNormEpsilon ? cosine * along_p * along_p : 0.0f;
    const Vec of_p = broadcast(factor * moves), of_t = broadcast(factor * along_p * along_t);
    for (int64_t i = 0; i < n; i += kWidth) {
      const Vec slope = load_lanes(p + i, n - i) * of_p - load_lanes(t + i, n - i) * of_t;
      store_lanes(d + i, slope, n - i);
    }
    return -cosine;
  }
};

}  // namespace loss
}  // namespace
}  // namespace myelin
