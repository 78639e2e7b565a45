// Optimizers over blocks of parameters.
#pragma once
#include "common.h"

namespace myelin {
namespace {
namespace optimizer {

// Attributes that all optimizers begin with.
enum Common { kScale, kWeightDecay, kOwn };

// Constants of one update.
struct Update {
  double rate;
  double t;  // 1 for the first step

  Update(const Instruction& in, const StepContext& ctx)
      : rate(static_cast<double>(ctx.learning_rate) * in.attributes[kScale]),
        t(static_cast<double>(ctx.step) + 1.0) {}
};

MYELIN_INLINE Vec constant(double x) { return broadcast(static_cast<float>(x)); }

// An exponential moving average: slot = slot rate + value (1 - rate).
struct Average {
  Vec keep, take;

  explicit Average(double rate) : keep(constant(rate)), take(constant(1.0 - rate)) {}
  MYELIN_INLINE Vec operator()(Vec& slot, Vec value) const {
    slot = slot * keep + value * take;
    return slot;
  }
};

// ---- Rules: new parameter from the parameter, its gradient and its slots ----

struct Sgd {
  Vec rate;
  Sgd(const Instruction&, const Update& u) : rate(constant(u.rate)) {}
  MYELIN_INLINE Vec apply(Vec p, Vec g, Vec*) const { return p - rate * g; }
};

template <bool kNesterov>
struct Momentum {
  Vec rate, momentum;
  Momentum(const Instruction& in, const Update& u)
      : rate(constant(u.rate)), momentum(constant(in.attributes[kOwn])) {}
  MYELIN_INLINE Vec apply(Vec p, Vec g, Vec* slots) const {
    const Vec move = rate * g;
    slots[0] = momentum * slots[0] - move;
    return kNesterov ? p + momentum * slots[0] - move : p + slots[0];
  }
};

// Slots: square, velocity where kMomentum, mean where kCentered.
template <bool kMomentum, bool kCentered>
struct Rmsprop {
  Average average;
  Vec rate, epsilon, momentum;
  Rmsprop(const Instruction& in, const Update& u)
      : average(in.attributes[kOwn]),
        rate(constant(u.rate)),
        epsilon(constant(in.attributes[kOwn + 1])),
        momentum(constant(in.attributes[kOwn + 2])) {}
  MYELIN_INLINE Vec apply(Vec p, Vec g, Vec* slots) const {
    Vec square = average(slots[0], g * g);
    if (kCentered) {
      const Vec mean = average(slots[kMomentum ? 2 : 1], g);
      // A gradient that never changes has variance 0, which rounding must not make negative.
      square = max(zero(), square - mean * mean);
    }
    const Vec direction = g / (sqrt(square) + epsilon);
    if (!kMomentum) return p - rate * direction;
    slots[1] = momentum * slots[1] + direction;
    return p - rate * slots[1];
  }
};

struct Adagrad {
  Vec rate, epsilon;
  Adagrad(const Instruction& in, const Update& u)
      : rate(constant(u.rate)), epsilon(constant(in.attributes[kOwn])) {}
  MYELIN_INLINE Vec apply(Vec p, Vec g, Vec* slots) const {
    slots[0] = slots[0] + g * g;
    return p - rate * g / (sqrt(slots[0]) + epsilon);
  }
};

struct Adadelta {
  Average average;
  Vec rate, epsilon;
  Adadelta(const Instruction& in, const Update& u)
      : average(in.attributes[kOwn]),
        rate(constant(u.rate)),
        epsilon(constant(in.attributes[kOwn + 1])) {}
  MYELIN_INLINE Vec apply(Vec p, Vec g, Vec* slots) const {
    const Vec square = average(slots[0], g * g);
    const Vec delta = g * sqrt(slots[1] + epsilon) / sqrt(square + epsilon);
    average(slots[1], delta * delta);
    return p - rate * delta;
  }
};

// Kingma & Ba 2015; slots m, v and, for amsgrad, the largest v.
template <bool kLargest>
struct Adam {
  Average first, second;
  Vec rate, epsilon, root;
  Adam(const Instruction& in, const Update& u)
      : first(in.attributes[kOwn]),
        second(in.attributes[kOwn + 1]),
        rate(constant(u.rate / (1.0 - ::pow(in.attributes[kOwn], u.t)))),
        epsilon(constant(in.attributes[kOwn + 2])),
        root(constant(1.0 / ::sqrt(1.0 - ::pow(in.attributes[kOwn + 1], u.t)))) {}
  MYELIN_INLINE Vec apply(Vec p, Vec g, Vec* slots) const {
    const Vec m = first(slots[0], g);
    Vec v = second(slots[1], g * g);
    if (kLargest) v = slots[2] = max(slots[2], v);
    return p - rate * m / fma(sqrt(v), root, epsilon);
  }
};

struct Adamax {
  Average first;
  Vec rate, keep, epsilon;
  Adamax(const Instruction& in, const Update& u)
      : first(in.attributes[kOwn]),
        rate(constant(u.rate / (1.0 - ::pow(in.attributes[kOwn], u.t)))),
        keep(constant(in.attributes[kOwn + 1])),
        epsilon(constant(in.attributes[kOwn + 2])) {}
  MYELIN_INLINE Vec apply(Vec p, Vec g, Vec* slots) const {
    const Vec m = first(slots[0], g);
    slots[1] = max(keep * slots[1], abs(g) + epsilon);
    return p - rate * m / slots[1];
  }
};

// Dozat 2016 with PyTorch's decay of the momentum: mu_t = beta1 (1 - 0.96^(t decay) / 2).
struct Nadam {
  Average first, second;
  Vec from_gradient, from_momentum, epsilon, correction;

  static double momentum(const Instruction& in, double t) {
    return in.attributes[kOwn] * (1.0 - 0.5 * ::pow(0.96, t * in.attributes[kOwn + 3]));
  }
  // mu_1 mu_2 ... mu_t. Ends early, so that no step count makes it long: a product below 1e-18 no
  // longer changes 1 - product, and without decay every further factor is beta1.
  static double product(const Instruction& in, double t) {
    const double beta1 = in.attributes[kOwn], ratio = ::pow(0.96, in.attributes[kOwn + 3]);
    double decay = 1.0, product = 1.0, done = 0.0;
    while (done < t && product > 1e-18 && decay > 1e-17) {
      decay *= ratio;
      product *= beta1 * (1.0 - 0.5 * decay);
      done += 1.0;
    }
    return decay > 1e-17 ? product : product * ::pow(beta1, t - done);
  }

  Nadam(const Instruction& in, const Update& u)
      : first(in.attributes[kOwn]),
        second(in.attributes[kOwn + 1]),
        epsilon(constant(in.attributes[kOwn + 2])),
        correction(constant(1.0 / (1.0 - ::pow(in.attributes[kOwn + 1], u.t)))) {
    const double so_far = product(in, u.t), next = momentum(in, u.t + 1.0);
    from_gradient = constant(u.rate * (1.0 - momentum(in, u.t)) / (1.0 - so_far));
    from_momentum = constant(u.rate * next / (1.0 - so_far * next));
  }
  MYELIN_INLINE Vec apply(Vec p, Vec g, Vec* slots) const {
    const Vec m = first(slots[0], g), v = second(slots[1], g * g);
    return p - (from_gradient * g + from_momentum * m) / (sqrt(v * correction) + epsilon);
  }
};

// Chen et al. 2023, "Symbolic discovery of optimization algorithms".
struct Lion {
  Average look, store_back;
  Vec rate;
  Lion(const Instruction& in, const Update& u)
      : look(in.attributes[kOwn]), store_back(in.attributes[kOwn + 1]), rate(constant(u.rate)) {}
  MYELIN_INLINE Vec apply(Vec p, Vec g, Vec* slots) const {
    Vec ahead = slots[0];
    const Vec direction = look(ahead, g);
    store_back(slots[0], g);
    const Vec magnitude = select(equal(direction, zero()), zero(), rate);
    const Vec move = copy_sign(magnitude, direction);
    return p - select(is_nan(direction), direction, move);
  }
};

// ---- The loop over a block ----

// A rule at work on parameters, their gradient and their slots.
template <int kSlots, class Rule>
struct Descent {
  Rule rule;
  Vec decay;
  const float* gradient;
  float* data[kSlots + 1];
  // Elements ahead to fetch: a part's columns in the next row, which no prefetcher foresees.
  int64_t ahead;

  Descent(const Instruction& in, const Update& u)
      : rule(in, u),
        decay(constant(u.rate * in.attributes[kWeightDecay])),
        gradient(in.inputs[1].data),
        ahead(owns_columns(in.outputs[0]) ? width_of(in.outputs[0]) : 512) {
    for (int i = 0; i <= kSlots; ++i) data[i] = in.outputs[i].data;
  }

  MYELIN_INLINE void lanes(int64_t i, int64_t n) const {
    prefetch(gradient + i + ahead);
    MYELIN_UNROLL
    for (int s = 0; s <= kSlots; ++s) prefetch(data[s] + i + ahead);
    Vec slots[kSlots + 1];
    MYELIN_UNROLL
    for (int s = 0; s < kSlots; ++s) slots[s] = load_lanes(data[s + 1] + i, n);
    const Vec p = load_lanes(data[0] + i, n);
    const Vec updated = rule.apply(p - decay * p, load_lanes(gradient + i, n), slots);
    store_lanes(data[0] + i, updated, n);
    MYELIN_UNROLL
    for (int s = 0; s < kSlots; ++s) store_lanes(data[s + 1] + i, slots[s], n);
  }

  MYELIN_INLINE void run(int64_t begin, int64_t end) const {
    int64_t i = begin;
    for (; i + kWidth <= end; i += kWidth) lanes(i, kWidth);
    if (i < end) lanes(i, end - i);
  }
};

template <int kSlots, class Rule>
void update(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const Descent<kSlots, Rule> descent(in, Update(in, ctx));
  each_stretch(in.outputs[0], ctx.batch, part, parts, descent);
}

inline int slots(const Instruction& in) { return in.input_count - 2; }

// p, g, slots... -> p, slots..., in place
inline const char* check(const Instruction& in, int slots_min, int slots_max, int attributes) {
  if (const char* wrong =
          check_counts(in, {2 + slots_min, 2 + slots_max, in.input_count - 1, kOwn + attributes})) {
    return wrong;
  }
  for (int i = 0; i < in.output_count; ++i) {
    const Operand& own = in.inputs[i ? i + 1 : 0];
    if (!in_place(own, in.outputs[i])) return "an output must be its parameter or slot itself";
    if (!same_size(own, in.inputs[1])) return "blocks differ in size";
    if (overlap(in.outputs[i], in.inputs[1])) return "the gradient overlaps an output";
    for (int j = 0; j < i; ++j) {
      if (overlap(in.outputs[i], in.outputs[j])) return "two outputs overlap";
    }
  }
  return nullptr;
}

inline const char* check_sgd(const Instruction& in) { return check(in, 0, 1, 2); }
inline void run_sgd(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  if (slots(in) == 0) {
    update<0, Sgd>(in, ctx, part, parts);
  } else if (in.attributes[kOwn + 1] == 1) {
    update<1, Momentum<true>>(in, ctx, part, parts);
  } else {
    update<1, Momentum<false>>(in, ctx, part, parts);
  }
}

inline const char* check_rmsprop(const Instruction& in) {
  if (const char* wrong = check(in, 1, 3, 4)) return wrong;
  const int wanted = 1 + (in.attributes[kOwn + 2] != 0) + (in.attributes[kOwn + 3] == 1);
  return slots(in) == wanted ? nullptr : "the slots do not fit momentum and centered";
}
inline void run_rmsprop(const Instruction& in, const StepContext& ctx, int64_t part,
                        int64_t parts) {
  const bool momentum = in.attributes[kOwn + 2] != 0, centered = in.attributes[kOwn + 3] == 1;
  if (momentum && centered) {
    update<3, Rmsprop<true, true>>(in, ctx, part, parts);
  } else if (momentum) {
    update<2, Rmsprop<true, false>>(in, ctx, part, parts);
  } else if (centered) {
    update<2, Rmsprop<false, true>>(in, ctx, part, parts);
  } else {
    update<1, Rmsprop<false, false>>(in, ctx, part, parts);
  }
}

inline const char* check_adam(const Instruction& in) { return check(in, 2, 3, 3); }
inline void run_adam(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  if (slots(in) == 3) {
    update<3, Adam<true>>(in, ctx, part, parts);
  } else {
    update<2, Adam<false>>(in, ctx, part, parts);
  }
}

template <int kSlots, int kAttributes>
const char* check_fixed(const Instruction& in) {
  return check(in, kSlots, kSlots, kAttributes);
}

inline int64_t work(const Instruction& in, int64_t batch) {
  return 4 * elements_of(in.inputs[0], batch);
}

}  // namespace optimizer

constexpr Kernel kSgd = {"sgd",           nullptr,      optimizer::check_sgd,
                         optimizer::work, output_parts, optimizer::run_sgd};
constexpr Kernel kRmsprop = {"rmsprop",       nullptr,      optimizer::check_rmsprop,
                             optimizer::work, output_parts, optimizer::run_rmsprop};
constexpr Kernel kAdagrad = {
    "adagrad",       nullptr,      optimizer::check_fixed<1, 1>,
    optimizer::work, output_parts, optimizer::update<1, optimizer::Adagrad>};
constexpr Kernel kAdadelta = {
    "adadelta",      nullptr,      optimizer::check_fixed<2, 2>,
    optimizer::work, output_parts, optimizer::update<2, optimizer::Adadelta>};
constexpr Kernel kAdam = {"adam",          nullptr,      optimizer::check_adam,
                          optimizer::work, output_parts, optimizer::run_adam};
constexpr Kernel kAdamax = {"adamax",        nullptr,      optimizer::check_fixed<2, 3>,
                            optimizer::work, output_parts, optimizer::update<2, optimizer::Adamax>};
constexpr Kernel kNadam = {"nadam",         nullptr,      optimizer::check_fixed<2, 4>,
                           optimizer::work, output_parts, optimizer::update<2, optimizer::Nadam>};
constexpr Kernel kLion = {"lion",          nullptr,      optimizer::check_fixed<1, 2>,
                          optimizer::work, output_parts, optimizer::update<1, optimizer::Lion>};
}  // namespace
}  // namespace myelin
