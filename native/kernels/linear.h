// Fully connected layers: y = f(x kernel + bias) and its two gradients, over the rows of x.
#pragma once
#include "gemm.h"

namespace myelin {
namespace {
namespace linear {

using unary::Functions;
using unary::Saves;

// Elementary operations: a vector's multiply-adds take about as long as one element elsewhere.
inline int64_t work_of(int64_t m, int64_t n, int64_t k) { return m * n * k / 8 + m * n; }

inline bool is_matrix(const Operand& x) { return x.rank == 2 && !x.batched; }
// Two operands with the same rows, whatever their width.
inline bool same_rows(const Operand& a, const Operand& b) {
  return a.batched == b.batched && sample_rows(a) == sample_rows(b);
}

// x [M, K], kernel [K, N], bias [N] -> y [M, N]
inline const char* check(const Instruction& in) {
  if (const char* wrong = check_counts(in, {2, 3, 1, 3})) return wrong;
  if (const char* wrong = check_function(in, Functions::kCount)) return wrong;
  if (Functions::kSaves[function_of(in)] == Saves::kInput) {
    return "this function cannot be fused: its gradient needs its input";
  }
  const Operand &x = in.inputs[0], &kernel = in.inputs[1], &y = in.outputs[0];
  if (!is_matrix(kernel)) return "the kernel must be an unbatched matrix";
  if (width_of(x) != kernel.shape[0]) return "the input's width is not the kernel's height";
  if (width_of(y) != kernel.shape[1]) return "the output's width is not the kernel's width";
  if (!same_rows(x, y)) return "the output must have as many rows as the input";
  if (in.input_count == 3 && !is_vector(in.inputs[2], kernel.shape[1])) {
    return "the bias must have one element for each of the kernel's columns";
  }
  return check_apart(in);
}

inline int64_t work(const Instruction& in, int64_t batch) {
  const Operand& kernel = in.inputs[1];
  return work_of(rows_of(in.inputs[0], batch), kernel.shape[1], kernel.shape[0]);
}

inline int64_t parts(const Instruction& in, int64_t batch) {
  return gemm::parts(rows_of(in.outputs[0], batch), width_of(in.outputs[0]));
}

inline void run(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const Operand &x = in.inputs[0], &kernel = in.inputs[1];
  const int64_t k = kernel.shape[0], n = kernel.shape[1];
  const int function = function_of(in);
  gemm::Product p = {rows_of(x, ctx.batch),
                     n,
                     k,
                     {x.data, k, false},
                     {kernel.data, n, false},
                     in.outputs[0].data,
                     n,
                     in.input_count == 3 ? in.inputs[2].data : nullptr,
                     {function ? Functions::kTile[function] : nullptr, nullptr, attribute(in, 1),
                      attribute(in, 2)},
                     nullptr};
  gemm::multiply_part(p, ctx.workspace, part, parts);
}

// dz [M, N], kernel [K, N] -> dx [M, K]
inline const char* check_grad_input(const Instruction& in) {
  if (const char* wrong = check_counts(in, {2, 2, 1, 0})) return wrong;
  const Operand &dz = in.inputs[0], &kernel = in.inputs[1], &dx = in.outputs[0];
  if (!is_matrix(kernel)) return "the kernel must be an unbatched matrix";
  if (width_of(dz) != kernel.shape[1]) return "the gradient's width is not the kernel's width";
  if (width_of(dx) != kernel.shape[0]) return "the output's width is not the kernel's height";
  if (!same_rows(dz, dx)) return "the output must have as many rows as the gradient";
  return check_apart(in);
}

inline void run_grad_input(const Instruction& in, const StepContext& ctx, int64_t part,
                           int64_t parts) {
  const Operand &dz = in.inputs[0], &kernel = in.inputs[1];
  const int64_t k = kernel.shape[0], n = kernel.shape[1];
  gemm::Product p = {rows_of(dz, ctx.batch),
                     k,
                     n,
                     {dz.data, n, false},
                     {kernel.data, n, true},
                     in.outputs[0].data,
                     k,
                     nullptr,
                     {},
                     nullptr};
  gemm::multiply_part(p, ctx.workspace, part, parts);
}

// x [M, K], dz [M, N] -> dkernel [K, N]
inline const char* check_grad_kernel(const Instruction& in) {
  if (const char* wrong = check_counts(in, {2, 2, 1, 0})) return wrong;
  const Operand &x = in.inputs[0], &dz = in.inputs[1], &dkernel = in.outputs[0];
  if (!same_rows(x, dz)) return "the input and the gradient must have the same rows";
  if (!is_matrix(dkernel) || dkernel.shape[0] != width_of(x) || dkernel.shape[1] != width_of(dz)) {
    return "the output must be a matrix of the input's width times the gradient's";
  }
  return check_apart(in);
}

inline int64_t work_grad_kernel(const Instruction& in, int64_t batch) {
  return work_of(width_of(in.inputs[0]), width_of(in.inputs[1]), rows_of(in.inputs[0], batch));
}

inline void run_grad_kernel(const Instruction& in, const StepContext& ctx, int64_t part,
                            int64_t parts) {
  const Operand &x = in.inputs[0], &dz = in.inputs[1];
  const int64_t k = width_of(x), n = width_of(dz);
  gemm::Product p = {k,
                     n,
                     rows_of(x, ctx.batch),
                     {x.data, k, true},
                     {dz.data, n, false},
                     in.outputs[0].data,
                     n,
                     nullptr,
                     {},
                     nullptr};
  gemm::multiply_part(p, ctx.workspace, part, parts);
}

}  // namespace linear

constexpr Kernel kLinear = {
    "linear", unary::Functions::kNames, linear::check, linear::work, linear::parts, linear::run};
constexpr Kernel kLinearGradInput = {"linearGradInput", nullptr,       linear::check_grad_input,
                                     linear::work,      linear::parts, linear::run_grad_input};
constexpr Kernel kLinearGradKernel = {
    "linearGradKernel",       nullptr,       linear::check_grad_kernel,
    linear::work_grad_kernel, linear::parts, linear::run_grad_kernel};

}  // namespace
}  // namespace myelin
