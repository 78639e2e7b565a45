// Plain gradient descent on a fully connected layer, without a gradient in memory: the guard that
// comes before anything is written, and the update.
#pragma once
#include "linear.h"
#include "magnitude.h"

namespace myelin {
namespace {
namespace linear {

// x [M, K], dz [M, N] -> nothing
inline const char* check_update_guard(const Instruction& in) {
  if (const char* wrong = check_counts(in, {2, 2, 0, 0})) return wrong;
  return check_rows(in);
}

// What needs no bound on sums: of so few rows, numbers that are so small.
constexpr float kSmallNumber = 0x1p50f;
constexpr int64_t kFewRows = 1 << 20;

// Looking at numbers, those that are not known to be small.
inline int64_t work_update_guard(const Instruction& in, int64_t batch) {
  int64_t work = 0;
  for (int i = 0; i < 2; ++i) {
    if (!(in.inputs[i].largest <= kSmallNumber)) work += elements_of(in.inputs[i], batch);
  }
  return work;
}

// The largest magnitude in a part of a matrix: columns, as they are divided where they are
// computed, a piece where it is in pieces.
inline float largest(const Operand& x, int64_t batch, int64_t part, int64_t parts) {
  const int64_t n = width_of(x);
  LargestMagnitude seen;
  if (parts == 1 || !owns_columns(n)) {
    const Range r = split(elements_of(x, batch), kLine, part, parts);
    seen.see(x.data + r.begin, r.end - r.begin);
  } else {
    const Range r = split(n, kWidth, part, parts);
    const gemm::Matrix own = matrix_of(x, batch, false).from(0, r.begin).in_piece();
    for (int64_t i = 0; i < rows_of(x, batch); ++i) seen.see(own.at(i, 0), r.end - r.begin);
  }
  return seen.value();
}

// NaN in a lane where not all that it has seen is finite.
struct Taint {
  mutable Vec lanes;
};

inline void taint_tile(const void* self, const float* gradient, int64_t gradient_stride, float*,
                       const unary::Tile& tile, const float*) {
  Vec& taint = static_cast<const Taint*>(self)->lanes;
  for (int64_t i = 0; i < tile.rows; ++i) {
    for (int64_t j = 0; j < tile.columns; j += kWidth) {
      const float* sums = gradient + i * gradient_stride + j;
      taint = fma(load_lanes(sums, tile.columns - j), zero(), taint);
    }
  }
}

// Whether all sums along the rows are finite, as the product finds them.
template <Multiply kMultiply>
bool sums_are_finite(const Instruction& in, const StepContext& ctx) {
  const Taint taint = {zero()};
  const gemm::GradientSink sink = {taint_tile, &taint};
  gemm::Product p = product_of(in, ctx, ctx.workspace);  // a place that is not looked at
  p.sink = &sink;
  kMultiply(p, ctx.workspace, 0, 1);
  add_rows_part(in.inputs[1], ctx.batch, 0, 1,
                [&](int64_t, Vec sum, int64_t) { taint.lanes = fma(sum, zero(), taint.lanes); });
  return !any(is_nan(taint.lanes));
}

// A bound on the sums tells that they are finite. Only where it does not are they computed. While
// numbers are small, a part need not look at those of the others, which are far away.
template <Multiply kMultiply>
void run_update_guard(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const auto is_small = [&](const Operand& operand) {
    return operand.largest <= kSmallNumber ||
           largest(operand, ctx.batch, part, parts) <= kSmallNumber;
  };
  constexpr double kSafe = 1e38;  // a third of the largest float: no rounding reaches it
  const Operand &x = in.inputs[0], &dz = in.inputs[1];
  const int64_t rows = rows_of(x, ctx.batch);
  if (rows <= kFewRows && is_small(x) && is_small(dz)) return;
  const float of_x = largest(x, ctx.batch, 0, 1), of_dz = largest(dz, ctx.batch, 0, 1);
  auto at_least_one = [](float value) { return value < 1.0f ? 1.0 : static_cast<double>(value); };
  const double bound = static_cast<double>(rows) * at_least_one(of_dz) * at_least_one(of_x);
  if (bound < kSafe) return;
  const bool numbers = of_x == of_x && of_dz == of_dz;
  if (!numbers || !sums_are_finite<kMultiply>(in, ctx)) raise_flag(ctx.failed);
}

// x [M, K], dz [M, N], kernel [K, N], bias [N] (optional) -> kernel, bias, in place
inline const char* check_update(const Instruction& in) {
  const bool bias = in.input_count == 4;
  if (const char* wrong = check_counts(in, {3, 4, bias ? 2 : 1, 1})) return wrong;
  if (const char* wrong = check_rows(in)) return wrong;
  if (!is_product(in, in.inputs[2])) {
    return "the kernel must be a matrix of the input's width times the gradient's";
  }
  if (bias && !is_vector(in.inputs[3], width_of(in.inputs[1]))) {
    return "the bias must have one element for each of the gradient's columns";
  }
  for (int i = 0; i < in.output_count; ++i) {
    if (!in_place(in.inputs[2 + i], in.outputs[i])) return "an output must be its parameter itself";
    if (overlap(in.outputs[i], in.inputs[0]) || overlap(in.outputs[i], in.inputs[1])) {
      return "an output overlaps what the gradient is made of";
    }
  }
  return bias && overlap(in.outputs[0], in.outputs[1]) ? "two outputs overlap" : nullptr;
}

// What a gradient is multiplied by.
inline float update_step(const Instruction& in, const StepContext& ctx) {
  return static_cast<float>(-static_cast<double>(ctx.learning_rate) * in.attributes[0]);
}

// The bias, where there is one.
inline void update_bias_part(const Instruction& in, const StepContext& ctx, float step,
                             int64_t part, int64_t parts) {
  if (in.output_count < 2) return;
  float* bias = in.outputs[1].data;
  add_rows_part(in.inputs[1], ctx.batch, part, parts, [&](int64_t j, Vec sum, int64_t lanes) {
    store_lanes(bias + j, fma(broadcast(step), sum, load_lanes(bias + j, lanes)), lanes);
  });
}

template <Multiply kMultiply>
void run_update(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const float step = update_step(in, ctx);
  gemm::Product p = product_of(in, ctx, in.outputs[0].data);
  p.c_piece = in.outputs[0].piece;
  p.step = &step;
  kMultiply(p, ctx.workspace, part, parts);
  update_bias_part(in, ctx, step, part, parts);
}

}  // namespace linear

constexpr Kernel kLinearGuard = {"linearGuard",
                                 nullptr,
                                 linear::check_update_guard,
                                 linear::work_update_guard,
                                 input_parts,
                                 linear::run_update_guard<gemm::multiply_part>,
                                 linear::update_takes_pieces};
constexpr Kernel kLinearUpdate = {"linearUpdate",
                                  nullptr,
                                  linear::check_update,
                                  linear::work_grad_kernel,
                                  linear::parts_grad_kernel,
                                  linear::run_update<gemm::multiply_part>,
                                  linear::update_takes_pieces};

}  // namespace
}  // namespace myelin
