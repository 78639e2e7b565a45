// Softmax and its logarithm over rows, with their gradients.
#pragma once
#include "common.h"

namespace myelin {
namespace {
namespace softmax {

// Lanes beyond the row read as `fill`.
MYELIN_INLINE Vec load_row(const float* p, int64_t n, float fill) {
  return n >= kWidth ? load(p) : select(first_lanes(n), load_partial(p, n), broadcast(fill));
}

MYELIN_INLINE float row_max(const float* x, int64_t n) {
  Vec top = broadcast(-kInfinity);
  for (int64_t i = 0; i < n; i += kWidth) top = max(top, load_row(x + i, n - i, -kInfinity));
  return reduce_max(top);
}

MYELIN_INLINE float row_sum(const float* x, int64_t n) {
  Vec sum = zero();
  for (int64_t i = 0; i < n; i += kWidth) sum = sum + load_lanes(x + i, n - i);
  return reduce_add(sum);
}

// The sum of exp(x - top), which are also written to y where it is not null.
MYELIN_INLINE float row_exp(const float* x, int64_t n, float top, float* y) {
  Vec sum = zero();
  const Vec shift = broadcast(top);
  for (int64_t i = 0; i < n; i += kWidth) {
    const Vec e = exp(load_row(x + i, n - i, -kInfinity) - shift);
    if (y) store_lanes(y + i, e, n - i);
    sum = sum + (n - i >= kWidth ? e : select(first_lanes(n - i), e, zero()));
  }
  return reduce_add(sum);
}

MYELIN_INLINE float log_of(float x) { return first(log(broadcast(x))); }

struct Softmax {
  MYELIN_INLINE static void forward(const float* x, float* y, int64_t n) {
    const Vec scale = broadcast(1.0f / row_exp(x, n, row_max(x, n), y));
    for (int64_t i = 0; i < n; i += kWidth) {
      store_lanes(y + i, load_lanes(y + i, n - i) * scale, n - i);
    }
  }
  // dx = y (dy - sum(dy y))
  MYELIN_INLINE static void backward(const float* dy, const float* y, float* dx, int64_t n) {
    Vec dot = zero();
    for (int64_t i = 0; i < n; i += kWidth) {
      dot = fma(load_lanes(dy + i, n - i), load_lanes(y + i, n - i), dot);
    }
    const Vec sum = broadcast(reduce_add(dot));
    for (int64_t i = 0; i < n; i += kWidth) {
      const Vec d = load_lanes(dy + i, n - i) - sum;
      store_lanes(dx + i, load_lanes(y + i, n - i) * d, n - i);
    }
  }
};

struct LogSoftmax {
  MYELIN_INLINE static void forward(const float* x, float* y, int64_t n) {
    const float top = row_max(x, n);
    const Vec shift = broadcast(top), rest = broadcast(log_of(row_exp(x, n, top, nullptr)));
    for (int64_t i = 0; i < n; i += kWidth) {
      store_lanes(y + i, load_lanes(x + i, n - i) - shift - rest, n - i);
    }
  }
  // dx = dy - exp(y) sum(dy)
  MYELIN_INLINE static void backward(const float* dy, const float* y, float* dx, int64_t n) {
    const Vec sum = broadcast(row_sum(dy, n));
    for (int64_t i = 0; i < n; i += kWidth) {
      const Vec e = exp(load_lanes(y + i, n - i));
      store_lanes(dx + i, load_lanes(dy + i, n - i) - e * sum, n - i);
    }
  }
};

inline const char* check(const Instruction& in) {
  if (const char* wrong = check_counts(in, {1, 1, 1, 0})) return wrong;
  if (!same_type(in.inputs[0], in.outputs[0])) return "the output's shape is not the input's";
  return check_apart_or_same(in);
}

inline const char* check_grad(const Instruction& in) {
  if (const char* wrong = check_counts(in, {2, 2, 1, 0})) return wrong;
  if (!same_type(in.inputs[0], in.inputs[1])) return "the inputs' shapes differ";
  if (!same_type(in.inputs[0], in.outputs[0])) return "the output's shape is not the input's";
  return check_apart_or_same(in);
}

template <class F>
void run(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const Operand &x = in.inputs[0], &y = in.outputs[0];
  const int64_t n = width_of(x);
  const Range r = split(rows_of(x, ctx.batch), 1, part, parts);
  for (int64_t i = r.begin; i < r.end; ++i) F::forward(x.data + i * n, y.data + i * n, n);
}

template <class F>
void run_grad(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const Operand &dy = in.inputs[0], &y = in.inputs[1], &dx = in.outputs[0];
  const int64_t n = width_of(dy);
  const Range r = split(rows_of(dy, ctx.batch), 1, part, parts);
  for (int64_t i = r.begin; i < r.end; ++i) {
    F::backward(dy.data + i * n, y.data + i * n, dx.data + i * n, n);
  }
}

}  // namespace softmax

constexpr Kernel kSoftmax = {"softmax",        nullptr,   softmax::check,
                             heavy_input_work, row_parts, softmax::run<softmax::Softmax>};
constexpr Kernel kSoftmaxGrad = {"softmaxGrad", nullptr,   softmax::check_grad,
                                 input_work,    row_parts, softmax::run_grad<softmax::Softmax>};
constexpr Kernel kLogSoftmax = {"logSoftmax",     nullptr,   softmax::check,
                                heavy_input_work, row_parts, softmax::run<softmax::LogSoftmax>};
constexpr Kernel kLogSoftmaxGrad = {"logSoftmaxGrad",    nullptr,
                                    softmax::check_grad, heavy_input_work,
                                    row_parts,           softmax::run_grad<softmax::LogSoftmax>};

}  // namespace
}  // namespace myelin
