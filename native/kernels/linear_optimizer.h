// Optimizers on a fully connected layer, without a gradient in memory: a strip of the product is
// used up before the next one comes.
#pragma once
#include "linear.h"
#include "optimizer.h"

namespace myelin {
namespace {
namespace linear {

// The last attribute, after the optimizer's: whether there is a bias.
template <class Family>
inline bool has_bias(const Instruction& in) {
  return in.attributes[optimizer::kOwn + Family::kAttributes] == 1;
}
inline int slots_of(const Instruction& in, bool bias) {
  return (bias ? in.output_count / 2 : in.output_count) - 1;
}

// x [M, K], dz [M, N], kernel [K, N] and its slots, bias [N] and its slots (where the last
// attribute is 1) -> all but x and dz, in place
template <class Family>
const char* check_descent(const Instruction& in) {
  constexpr int kGiven = 2;  // x and dz
  const bool bias = has_bias<Family>(in);
  const int parameters = bias ? 2 : 1;
  const Counts counts = {kGiven + parameters * (1 + Family::kSlotsMin),
                         kGiven + parameters * (1 + Family::kSlotsMax), in.input_count - kGiven,
                         optimizer::kOwn + Family::kAttributes + 1};
  if (const char* wrong = check_counts(in, counts)) return wrong;
  if (!bias && in.attributes[in.attribute_count - 1] != 0) return "bias must be 0 or 1";
  if (in.output_count % parameters != 0) return "the kernel and the bias must have as many slots";
  if (const char* wrong = check_rows(in)) return wrong;
  const int slots = slots_of(in, bias);
  for (int i = 0; i < in.output_count; ++i) {
    const Operand& own = in.inputs[kGiven + i];
    if (i <= slots && !is_product(in, own)) {
      return "the kernel and its slots must be matrices of the input's width times the gradient's";
    }
    if (i > slots && !is_vector(own, width_of(in.inputs[1]))) {
      return "the bias and its slots must have one element for each of the gradient's columns";
    }
    if (!in_place(own, in.outputs[i])) return "an output must be its parameter or slot itself";
    if (overlap(own, in.inputs[0]) || overlap(own, in.inputs[1])) {
      return "an output overlaps what the gradient is made of";
    }
    for (int j = 0; j < i; ++j) {
      if (overlap(in.outputs[i], in.outputs[j])) return "two outputs overlap";
    }
  }
  return Family::check(in, slots);
}

template <int kSlots, class Rule>
void descend_tile(const void* self, const float* gradient, int64_t gradient_stride, float* c,
                  const unary::Tile& tile, const float* next) {
  // A copy: what a store may change would be read again for each vector.
  const auto descent = *static_cast<const optimizer::Descent<kSlots, Rule>*>(self);
  const int64_t begin = c - descent.data[0];
  // Where rows are whole, the CPU foresees what comes.
  const int64_t ahead = tile.columns < tile.stride ? next - c : 0;
  for (int64_t i = 0; i < tile.rows; ++i) {
    descent.run(begin + i * tile.stride, gradient + i * gradient_stride, tile.columns, ahead);
  }
}

struct DescendLayer {
  const Instruction& in;
  const StepContext& ctx;
  int64_t part, parts;
  bool bias;
  Multiply multiply;

  template <int kSlots, class Rule>
  void run() const {
    using Descent = optimizer::Descent<kSlots, Rule>;
    const optimizer::Update update(in, ctx);
    const Descent of_kernel(in, update, in.outputs);
    const gemm::GradientSink sink = {descend_tile<kSlots, Rule>, &of_kernel, of_kernel.data,
                                     kSlots + 1};
    gemm::Product p = product_of(in, ctx, in.outputs[0].data);
    p.c_piece = in.outputs[0].piece;
    p.sink = &sink;
    multiply(p, ctx.workspace, part, parts);
    if (!bias) return;
    const Descent of_bias(in, update, in.outputs + 1 + kSlots);
    add_rows_part(in.inputs[1], ctx.batch, part, parts, [&](int64_t j, Vec sum, int64_t lanes) {
      alignas(64) float gradient[kWidth];
      store(gradient, sum);
      of_bias.lanes(j, gradient, lanes);
    });
  }
};

template <class Family, Multiply kMultiply>
void descend(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const bool bias = has_bias<Family>(in);
  Family::choose(in, slots_of(in, bias), DescendLayer{in, ctx, part, parts, bias, kMultiply});
}

template <class Family, Multiply kMultiply = gemm::multiply_part>
constexpr Kernel descent_kernel(const char* name) {
  return {name,
          nullptr,
          check_descent<Family>,
          work_grad_kernel,
          parts_grad_kernel,
          descend<Family, kMultiply>,
          update_takes_pieces};
}

}  // namespace linear

constexpr Kernel kLinearSgd = linear::descent_kernel<optimizer::SgdFamily>("linearSgd");
constexpr Kernel kLinearRmsprop = linear::descent_kernel<optimizer::RmspropFamily>("linearRmsprop");
constexpr Kernel kLinearAdagrad = linear::descent_kernel<optimizer::AdagradFamily>("linearAdagrad");
constexpr Kernel kLinearAdadelta =
    linear::descent_kernel<optimizer::AdadeltaFamily>("linearAdadelta");
constexpr Kernel kLinearAdam = linear::descent_kernel<optimizer::AdamFamily>("linearAdam");
constexpr Kernel kLinearAdamax = linear::descent_kernel<optimizer::AdamaxFamily>("linearAdamax");
constexpr Kernel kLinearNadam = linear::descent_kernel<optimizer::NadamFamily>("linearNadam");
constexpr Kernel kLinearLion = linear::descent_kernel<optimizer::LionFamily>("linearLion");

}  // namespace
}  // namespace myelin
