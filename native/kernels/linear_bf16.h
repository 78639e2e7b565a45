// Fully connected layers with operands rounded to bf16: the products of linear.h, and gradient
// descent within them.
#pragma once
#include "gemm_bf16.h"
#include "linear_optimizer.h"
#include "linear_update.h"

namespace myelin {
namespace {
namespace linear {

inline void run_bf16(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  bf16::multiply_part(product(in, ctx), ctx.workspace, part, parts);
}

inline void run_grad_input_bf16(const Instruction& in, const StepContext& ctx, int64_t part,
                                int64_t parts) {
  bf16::multiply_part(product_grad_input(in, ctx), ctx.workspace, part, parts);
}

// Sums are always chains.
inline bool bf16_takes_pieces(const Instruction& in, const Operand&, int64_t batch) {
  return gemm::divides_columns(product(in, step_of(batch)));
}
inline bool grad_input_bf16_takes_pieces(const Instruction& in, const Operand& operand,
                                         int64_t batch) {
  return &operand == &in.inputs[1] || gemm::divides_columns(product_grad_input(in, step_of(batch)));
}
inline bool update_bf16_takes_pieces(const Instruction& in, const Operand& operand, int64_t batch) {
  if (is_matrix(operand)) return true;
  return operand.batched && gemm::divides_columns(product_of(in, step_of(batch), nullptr));
}

inline void run_grad_kernel_bf16(const Instruction& in, const StepContext& ctx, int64_t part,
                                 int64_t parts) {
  bf16::multiply_part(product_of(in, ctx, in.outputs[0].data), ctx.workspace, part, parts);
  add_bias_part(in, ctx, part, parts);
}

template <class Family>
constexpr Kernel bf16_descent_kernel(const char* name) {
  Kernel kernel = descent_kernel<Family, bf16::multiply_part>(name);
  kernel.takes_pieces = update_bf16_takes_pieces;
  return kernel;
}

}  // namespace linear

constexpr Kernel kLinearBf16 = {
    "linearBf16",     unary::Functions::kNames, linear::check, linear::work, linear::parts,
    linear::run_bf16, linear::bf16_takes_pieces};
constexpr Kernel kLinearGradInputBf16 = {"linearGradInputBf16",
                                         unary::Functions::kNames,
                                         linear::check_grad_input,
                                         linear::work,
                                         linear::parts,
                                         linear::run_grad_input_bf16,
                                         linear::grad_input_bf16_takes_pieces};
constexpr Kernel kLinearGradKernelBf16 = {"linearGradKernelBf16",    nullptr,
                                          linear::check_grad_kernel, linear::work_grad_kernel,
                                          linear::parts_grad_kernel, linear::run_grad_kernel_bf16};

constexpr Kernel kLinearGuardBf16 = {"linearGuardBf16",
                                     nullptr,
                                     linear::check_update_guard,
                                     linear::work_update_guard,
                                     input_parts,
                                     linear::run_update_guard<bf16::multiply_part>,
                                     linear::update_bf16_takes_pieces};
constexpr Kernel kLinearUpdateBf16 = {"linearUpdateBf16",
                                      nullptr,
                                      linear::check_update,
                                      linear::work_grad_kernel,
                                      linear::parts_grad_kernel,
                                      linear::run_update<bf16::multiply_part>,
                                      linear::update_bf16_takes_pieces};

constexpr Kernel kLinearSgdBf16 =
    linear::bf16_descent_kernel<optimizer::SgdFamily>("linearSgdBf16");
constexpr Kernel kLinearRmspropBf16 =
    linear::bf16_descent_kernel<optimizer::RmspropFamily>("linearRmspropBf16");
constexpr Kernel kLinearAdagradBf16 =
    linear::bf16_descent_kernel<optimizer::AdagradFamily>("linearAdagradBf16");
constexpr Kernel kLinearAdadeltaBf16 =
    linear::bf16_descent_kernel<optimizer::AdadeltaFamily>("linearAdadeltaBf16");
constexpr Kernel kLinearAdamBf16 =
    linear::bf16_descent_kernel<optimizer::AdamFamily>("linearAdamBf16");
constexpr Kernel kLinearAdamaxBf16 =
    linear::bf16_descent_kernel<optimizer::AdamaxFamily>("linearAdamaxBf16");
constexpr Kernel kLinearNadamBf16 =
    linear::bf16_descent_kernel<optimizer::NadamFamily>("linearNadamBf16");
constexpr Kernel kLinearLionBf16 =
    linear::bf16_descent_kernel<optimizer::LionFamily>("linearLionBf16");

}  // namespace
}  // namespace myelin
