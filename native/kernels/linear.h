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
  return gemm::parts(rows_of(in.outputs[0], batch), width_of(in.outputs[0]), false);
}

// Rows of activations or a layer's kernel, which may be in pieces, or their transpose.
inline gemm::Matrix matrix_of(const Operand& x, int64_t batch, bool transposed) {
  if (x.piece == 0) return {x.data, width_of(x), transposed};
  return {x.data, x.piece, transposed, x.piece, x.piece * rows_of(x, batch)};
}

inline gemm::Product product(const Instruction& in, const StepContext& ctx) {
  const Operand &x = in.inputs[0], &kernel = in.inputs[1], &y = in.outputs[0];
  const int64_t k = kernel.shape[0], n = kernel.shape[1];
  gemm::Product p = {rows_of(x, ctx.batch),
                     n,
                     k,
                     matrix_of(x, ctx.batch, false),
                     matrix_of(kernel, ctx.batch, false),
                     y.data,
                     n,
                     in.input_count == 3 ? in.inputs[2].data : nullptr};
  if (const int function = function_of(in)) {
    p.epilogue = {Functions::kTile[function], nullptr, attribute(in, 1), attribute(in, 2)};
  }
  p.c_piece = y.piece;
  return p;
}

// A chain of sums goes on from piece to piece; the lanes of a dot product are added up only once.
inline bool has_chains(const gemm::Product& p) {
  const gemm::Order order = gemm::order_of(p);
  return order == gemm::Order::kChains || order == gemm::Order::kSplit;
}

// Whether activations may be in pieces, not the kernel alone.
inline bool takes_all_pieces(const gemm::Product& p) {
  return has_chains(p) && !gemm::is_few(p) && gemm::divides_columns(p);
}

inline StepContext step_of(int64_t batch) {
  StepContext context{};
  context.batch = batch;
  return context;
}

// Where parts are rows of x, each of them reads the whole kernel.
inline bool takes_pieces(const Instruction& in, const Operand& operand, int64_t batch) {
  const gemm::Product p = product(in, step_of(batch));
  return &operand == &in.inputs[1] ? gemm::divides_columns(p) : takes_all_pieces(p);
}

inline void run(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  gemm::multiply_part(product(in, ctx), ctx.workspace, part, parts);
}

// dz [M, N], kernel [K, N], saved [M, K] (with a function other than the identity) -> dx [M, K]
inline const char* check_grad_input(const Instruction& in) {
  if (const char* wrong = check_counts(in, {2, 3, 1, 3})) return wrong;
  if (const char* wrong = check_function(in, Functions::kCount)) return wrong;
  const Operand &dz = in.inputs[0], &kernel = in.inputs[1], &dx = in.outputs[0];
  if (!is_matrix(kernel)) return "the kernel must be an unbatched matrix";
  if (width_of(dz) != kernel.shape[1]) return "the gradient's width is not the kernel's width";
  if (width_of(dx) != kernel.shape[0]) return "the output's width is not the kernel's height";
  if (!same_rows(dz, dx)) return "the output must have as many rows as the gradient";
  if ((in.input_count == 3) != (function_of(in) != 0)) {
    return "a function, and no other, needs a saved value";
  }
  if (in.input_count == 3 && !same_size(in.inputs[2], dx)) {
    return "the saved value's size is not the output's";
  }
  return check_apart(in);
}

inline gemm::Product product_grad_input(const Instruction& in, const StepContext& ctx) {
  const Operand &dz = in.inputs[0], &kernel = in.inputs[1];
  const int64_t k = kernel.shape[0], n = kernel.shape[1];
  gemm::Product p = {rows_of(dz, ctx.batch),
                     k,
                     n,
                     matrix_of(dz, ctx.batch, false),
                     matrix_of(kernel, ctx.batch, true),
                     in.outputs[0].data,
                     k};
  if (in.input_count == 3) {
    p.epilogue = {Functions::kTileGrad[function_of(in)], in.inputs[2].data, attribute(in, 1),
                  attribute(in, 2)};
  }
  p.c_piece = in.outputs[0].piece;
  return p;
}

inline bool grad_input_takes_pieces(const Instruction& in, const Operand& operand, int64_t batch) {
  const gemm::Product p = product_grad_input(in, step_of(batch));
  return &operand == &in.inputs[1] ? has_chains(p) : takes_all_pieces(p);
}

inline void run_grad_input(const Instruction& in, const StepContext& ctx, int64_t part,
                           int64_t parts) {
  gemm::multiply_part(product_grad_input(in, ctx), ctx.workspace, part, parts);
}

// Inputs that begin with x [M, K] and dz [M, N], whose product by rows is a matrix [K, N].
inline const char* check_rows(const Instruction& in) {
  return same_rows(in.inputs[0], in.inputs[1])
             ? nullptr
             : "the input and the gradient must have the same rows";
}
inline bool is_product(const Instruction& in, const Operand& kernel) {
  return is_matrix(kernel) && kernel.shape[0] == width_of(in.inputs[0]) &&
         kernel.shape[1] == width_of(in.inputs[1]);
}

inline gemm::Product product_of(const Instruction& in, const StepContext& ctx, float* kernel) {
  const Operand &x = in.inputs[0], &dz = in.inputs[1];
  const int64_t k = width_of(x), n = width_of(dz);
  return {k,
          n,
          rows_of(x, ctx.batch),
          matrix_of(x, ctx.batch, true),
          matrix_of(dz, ctx.batch, false),
          kernel,
          n};
}

// An update's parts are columns of the kernel wherever it has enough of them to be in pieces.
inline bool update_takes_pieces(const Instruction& in, const Operand& operand, int64_t batch) {
  if (is_matrix(operand)) return true;
  return operand.batched && takes_all_pieces(product_of(in, step_of(batch), nullptr));
}

// Computes a part of a product.
using Multiply = void (*)(const gemm::Product&, float* workspace, int64_t part, int64_t parts);

// Gives `use` the sums of a part of the rows of dz, a vector at a time: the column at which it
// begins, the sums, how many. Each sum is a chain in the order of rows.
template <class Use>
MYELIN_INLINE void add_rows_part(const Operand& dz, int64_t batch, int64_t part, int64_t parts,
                                 const Use& use) {
  constexpr int kColumns = 4;  // vectors at a time, to hide the latency of an addition
  const gemm::Matrix matrix = matrix_of(dz, batch, false);
  const int64_t rows = rows_of(dz, batch);
  const Range r = split(width_of(dz), kWidth, part, parts);
  for (int64_t j = r.begin; j < r.end;) {
    const int64_t left = min_int(kColumns * kWidth, matrix.left(j, r.end));
    const float* begin = matrix.from(0, j).in_piece().data;
    Vec sum[kColumns];
    MYELIN_UNROLL
    for (int v = 0; v < kColumns; ++v) sum[v] = zero();
    for (int64_t i = 0; i < rows; ++i) {
      const float* row = begin + i * matrix.stride;
      MYELIN_UNROLL
      for (int v = 0; v < kColumns; ++v) {
        if (left > v * kWidth) sum[v] = sum[v] + load_lanes(row + v * kWidth, left - v * kWidth);
      }
    }
    MYELIN_UNROLL
    for (int v = 0; v < kColumns; ++v) {
      const int64_t lanes = left - v * kWidth;
      if (lanes > 0) use(j + v * kWidth, sum[v], lanes);
    }
    j += left;
  }
}

// x [M, K], dz [M, N] -> dkernel [K, N] and, where the attribute is 1, dbias [N]
inline const char* check_grad_kernel(const Instruction& in) {
  const bool bias = in.output_count == 2;
  if (const char* wrong = check_counts(in, {2, 2, bias ? 2 : 1, 1})) return wrong;
  if (const char* wrong = check_rows(in)) return wrong;
  if (!is_product(in, in.outputs[0])) {
    return "the output must be a matrix of the input's width times the gradient's";
  }
  if (in.attributes[0] != (bias ? 1 : 0)) return "bias must be 1 where there are two outputs";
  if (bias && !is_vector(in.outputs[1], width_of(in.inputs[1]))) {
    return "the bias's gradient must have one element for each of the gradient's columns";
  }
  return check_apart(in);
}

inline int64_t work_grad_kernel(const Instruction& in, int64_t batch) {
  return work_of(width_of(in.inputs[0]), width_of(in.inputs[1]), rows_of(in.inputs[0], batch));
}

inline int64_t parts_grad_kernel(const Instruction& in, int64_t) {
  return gemm::parts(width_of(in.inputs[0]), width_of(in.inputs[1]), true);
}

// dbias, where there is one.
inline void add_bias_part(const Instruction& in, const StepContext& ctx, int64_t part,
                          int64_t parts) {
  if (in.output_count < 2) return;
  float* bias = in.outputs[1].data;
  add_rows_part(in.inputs[1], ctx.batch, part, parts,
                [bias](int64_t j, Vec sum, int64_t lanes) { store_lanes(bias + j, sum, lanes); });
}

inline void run_grad_kernel(const Instruction& in, const StepContext& ctx, int64_t part,
                            int64_t parts) {
  gemm::multiply_part(product_of(in, ctx, in.outputs[0].data), ctx.workspace, part, parts);
  add_bias_part(in, ctx, part, parts);
}

}  // namespace linear

constexpr Kernel kLinear = {
    "linear",    unary::Functions::kNames, linear::check, linear::work, linear::parts,
    linear::run, linear::takes_pieces};
constexpr Kernel kLinearGradInput = {
    "linearGradInput", unary::Functions::kNames, linear::check_grad_input,       linear::work,
    linear::parts,     linear::run_grad_input,   linear::grad_input_takes_pieces};
constexpr Kernel kLinearGradKernel = {"linearGradKernel",        nullptr,
                                      linear::check_grad_kernel, linear::work_grad_kernel,
                                      linear::parts_grad_kernel, linear::run_grad_kernel};

}  // namespace
}  // namespace myelin
