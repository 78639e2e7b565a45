// Rules by which optimizers change a parameter, and which one an instruction asks for.
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

// An exponential moving average: slot += (value - slot) (1 - rate), from whichever of the two it
// stays nearer to: from the other one, a small result would be a difference of large numbers.
struct Average {
  bool from_value;
  Vec keep, take;

  explicit Average(double rate)
      : from_value(rate < 0.5), keep(constant(rate)), take(constant(1.0 - rate)) {}
  MYELIN_INLINE Vec operator()(Vec& slot, Vec value) const {
    return slot = from_value ? fma(keep, slot - value, value) : fma(take, value - slot, slot);
  }
  // Of a square.
  MYELIN_INLINE Vec square(Vec& slot, Vec root) const {
    if (from_value) return (*this)(slot, root * root);
    return slot = fnma(take, fnma(root, root, slot), slot);
  }
};

// ---- Rules: new parameter from the parameter, its gradient and its slots ----

struct Sgd {
  Vec step;
  Sgd(const Instruction&, const Update& u) : step(constant(-u.rate)) {}
  MYELIN_INLINE Vec apply(Vec p, Vec g, Vec*) const { return fma(step, g, p); }
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
    Vec square = average.square(slots[0], g);
    if (kCentered) {
      const Vec mean = average(slots[kMomentum ? 2 : 1], g);
      // A gradient that never changes has variance 0, which rounding must not make negative.
      square = max(zero(), square - mean * mean);
    }
    const Vec direction = quotient(g, sqrt(square) + epsilon);
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
    return p - quotient(rate * g, sqrt(slots[0]) + epsilon);
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
    const Vec square = average.square(slots[0], g);
    const Vec delta = quotient(g * sqrt(slots[1] + epsilon), sqrt(square + epsilon));
    average.square(slots[1], delta);
    return p - rate * delta;
  }
};

// Kingma & Ba 2015; slots m, v and, for amsgrad, the largest v.
template <bool kLargest>
struct Adam {
  Average first, second;
  Vec rate, epsilon;
  Adam(const Instruction& in, const Update& u)
      : first(in.attributes[kOwn]), second(in.attributes[kOwn + 1]) {
    // Both sides of the quotient times what v's root is to be divided by.
    const double root = ::sqrt(1.0 - ::pow(in.attributes[kOwn + 1], u.t));
    rate = constant(u.rate * root / (1.0 - ::pow(in.attributes[kOwn], u.t)));
    epsilon = constant(in.attributes[kOwn + 2] * root);
  }
  MYELIN_INLINE Vec apply(Vec p, Vec g, Vec* slots) const {
    const Vec m = first(slots[0], g);
    Vec v = second.square(slots[1], g);
    if (kLargest) v = slots[2] = max(slots[2], v);
    return p - quotient(rate * m, sqrt(v) + epsilon);
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
    const Vec m = first(slots[0], g), v = second.square(slots[1], g);
    const Vec move = from_gradient * g + from_momentum * m;
    return p - quotient(move, sqrt(v * correction) + epsilon);
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

// ---- Families: the rules that an op stands for. `choose` calls action.run<kSlots, Rule>() ----

// A rule of its own.
template <int kSlots, int kOwnAttributes, class Rule>
struct Only {
  static constexpr int kSlotsMin = kSlots, kSlotsMax = kSlots, kAttributes = kOwnAttributes;
  static const char* check(const Instruction&, int) { return nullptr; }
  template <class Action>
  static void choose(const Instruction&, int, const Action& action) {
    action.template run<kSlots, Rule>();
  }
};

struct SgdFamily {
  static constexpr int kSlotsMin = 0, kSlotsMax = 1, kAttributes = 2;
  static const char* check(const Instruction&, int) { return nullptr; }
  template <class Action>
  static void choose(const Instruction& in, int slots, const Action& action) {
    if (slots == 0) return action.template run<0, Sgd>();
    if (in.attributes[kOwn + 1] == 1) return action.template run<1, Momentum<true>>();
    action.template run<1, Momentum<false>>();
  }
};

struct RmspropFamily {
  static constexpr int kSlotsMin = 1, kSlotsMax = 3, kAttributes = 4;
  static bool has_momentum(const Instruction& in) { return in.attributes[kOwn + 2] != 0; }
  static bool is_centered(const Instruction& in) { return in.attributes[kOwn + 3] == 1; }
  static const char* check(const Instruction& in, int slots) {
    const int wanted = 1 + has_momentum(in) + is_centered(in);
    return slots == wanted ? nullptr : "the slots do not fit momentum and centered";
  }
  template <class Action>
  static void choose(const Instruction& in, int, const Action& action) {
    if (has_momentum(in)) {
      return is_centered(in) ? action.template run<3, Rmsprop<true, true>>()
                             : action.template run<2, Rmsprop<true, false>>();
    }
    return is_centered(in) ? action.template run<2, Rmsprop<false, true>>()
                           : action.template run<1, Rmsprop<false, false>>();
  }
};

struct AdamFamily {
  static constexpr int kSlotsMin = 2, kSlotsMax = 3, kAttributes = 3;
  static const char* check(const Instruction&, int) { return nullptr; }
  template <class Action>
  static void choose(const Instruction&, int slots, const Action& action) {
    if (slots == 3) return action.template run<3, Adam<true>>();
    action.template run<2, Adam<false>>();
  }
};

using AdagradFamily = Only<1, 1, Adagrad>;
using AdadeltaFamily = Only<2, 2, Adadelta>;
using AdamaxFamily = Only<2, 3, Adamax>;
using NadamFamily = Only<2, 4, Nadam>;
using LionFamily = Only<1, 2, Lion>;

}  // namespace optimizer
}  // namespace
}  // namespace myelin
