// Optimizers over blocks of parameters.
#pragma once
#include "optimizer_rules.h"

namespace myelin {
namespace {
namespace optimizer {

// A rule at work on parameters and their slots.
template <int kSlots, class Rule>
struct Descent {
  Rule rule;
  Vec decay;
  float* data[kSlots + 1];

  // `own`: the parameters and their slots
  Descent(const Instruction& in, const Update& u, const Operand* own)
      : rule(in, u), decay(constant(u.rate * in.attributes[kWeightDecay])) {
    for (int i = 0; i <= kSlots; ++i) data[i] = own[i].data;
  }

  // Elements i to i + n, at most a vector.
  MYELIN_INLINE void lanes(int64_t i, const float* gradient, int64_t n) const {
    Vec slots[kSlots + 1];
    MYELIN_UNROLL
    for (int s = 0; s < kSlots; ++s) slots[s] = load_lanes(data[s + 1] + i, n);
    const Vec p = load_lanes(data[0] + i, n);
    const Vec updated = rule.apply(p - decay * p, load_lanes(gradient, n), slots);
    store_lanes(data[0] + i, updated, n);
    MYELIN_UNROLL
    for (int s = 0; s < kSlots; ++s) store_lanes(data[s + 1] + i, slots[s], n);
  }

  // Fetches what comes `ahead` later too, where that is not 0: the next row of a part's columns,
  // which no prefetcher foresees and another CPU may have.
  MYELIN_INLINE void run(int64_t begin, const float* gradient, int64_t count, int64_t ahead) const {
    for (int64_t i = 0; ahead != 0 && i < count; i += kLine) {
      MYELIN_UNROLL
      for (int s = 0; s <= kSlots; ++s) prefetch_to_write(data[s] + begin + i + ahead);
    }
    int64_t i = 0;
    for (; i + kWidth <= count; i += kWidth) lanes(begin + i, gradient + i, kWidth);
    if (i < count) lanes(begin + i, gradient + i, count - i);
  }
};

// ---- Whole blocks ----

// A stretch of a block whose gradient is laid out like it.
template <int kSlots, class Rule>
struct Stretch {
  Descent<kSlots, Rule> descent;
  const float* gradient;
  int64_t ahead;

  MYELIN_INLINE void run(int64_t begin, int64_t end) const {
    descent.run(begin, gradient + begin, end - begin, ahead);
  }
};

struct UpdateBlock {
  const Instruction& in;
  const StepContext& ctx;
  int64_t part, parts;

  template <int kSlots, class Rule>
  void run() const {
    const Operand& own = in.outputs[0];
    Stretch<kSlots, Rule> stretch = {{in, Update(in, ctx), in.outputs},
                                     in.inputs[1].data,
                                     parts > 1 && owns_columns(own) ? width_of(own) : 0};
    each_stretch(own, ctx.batch, part, parts, stretch);
  }
};

inline int slots(const Instruction& in) { return in.input_count - 2; }

// p, g, slots... -> p, slots..., in place
template <class Family>
const char* check(const Instruction& in) {
  const Counts counts = {2 + Family::kSlotsMin, 2 + Family::kSlotsMax, in.input_count - 1,
                         kOwn + Family::kAttributes};
  if (const char* wrong = check_counts(in, counts)) return wrong;
  for (int i = 0; i < in.output_count; ++i) {
    const Operand& own = in.inputs[i ? i + 1 : 0];
    if (!in_place(own, in.outputs[i])) return "an output must be its parameter or slot itself";
    if (!same_size(own, in.inputs[1])) return "blocks differ in size";
    if (overlap(in.outputs[i], in.inputs[1])) return "the gradient overlaps an output";
    for (int j = 0; j < i; ++j) {
      if (overlap(in.outputs[i], in.outputs[j])) return "two outputs overlap";
    }
  }
  return Family::check(in, slots(in));
}

template <class Family>
void run(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  Family::choose(in, slots(in), UpdateBlock{in, ctx, part, parts});
}

inline int64_t work(const Instruction& in, int64_t batch) {
  return 4 * elements_of(in.inputs[0], batch);
}

template <class Family>
constexpr Kernel kernel(const char* name) {
  return {name, nullptr, check<Family>, work, output_parts, run<Family>};
}

}  // namespace optimizer

constexpr Kernel kSgd = optimizer::kernel<optimizer::SgdFamily>("sgd");
constexpr Kernel kRmsprop = optimizer::kernel<optimizer::RmspropFamily>("rmsprop");
constexpr Kernel kAdagrad = optimizer::kernel<optimizer::AdagradFamily>("adagrad");
constexpr Kernel kAdadelta = optimizer::kernel<optimizer::AdadeltaFamily>("adadelta");
constexpr Kernel kAdam = optimizer::kernel<optimizer::AdamFamily>("adam");
constexpr Kernel kAdamax = optimizer::kernel<optimizer::AdamaxFamily>("adamax");
constexpr Kernel kNadam = optimizer::kernel<optimizer::NadamFamily>("nadam");
constexpr Kernel kLion = optimizer::kernel<optimizer::LionFamily>("lion");

}  // namespace
}  // namespace myelin
