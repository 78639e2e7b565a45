// The products of linear.h with operands rounded to bf16.
#pragma once
#include "gemm_bf16.h"
#include "linear.h"

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

inline void run_grad_kernel_bf16(const Instruction& in, const StepContext& ctx, int64_t part,
                                 int64_t parts) {
  bf16::multiply_part(product_of(in, ctx, in.outputs[0].data), ctx.workspace, part, parts);
  add_bias_part(in, ctx, part, parts);
}

}  // namespace linear

constexpr Kernel kLinearBf16 = {"linearBf16",  unary::Functions::kNames,
                                linear::check, linear::work,
                                linear::parts, linear::run_bf16};
constexpr Kernel kLinearGradInputBf16 = {
    "linearGradInputBf16", unary::Functions::kNames,   linear::check_grad_input, linear::work,
    linear::parts,         linear::run_grad_input_bf16};
constexpr Kernel kLinearGradKernelBf16 = {"linearGradKernelBf16",    nullptr,
                                          linear::check_grad_kernel, linear::work_grad_kernel,
                                          linear::parts_grad_kernel, linear::run_grad_kernel_bf16};

// All of a variant that is another one with its own bf16 instructions.
constexpr Kernel kBf16Kernels[] = {kLinearBf16, kLinearGradInputBf16, kLinearGradKernelBf16};

}  // namespace
}  // namespace myelin
