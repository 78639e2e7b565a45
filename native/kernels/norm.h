// Batch and layer normalization over the last axis, and moving averages.
#pragma once
#include "common.h"

namespace myelin {
namespace {
namespace norm {

inline bool is_channels(const Operand& x, int64_t n) {
  return !x.batched && x.rank == 1 && x.size == n;
}

// Channels are divided in cache lines; each part walks all rows of its own.
inline int64_t channel_parts(const Instruction& in, int64_t batch) {
  return min_int(input_parts(in, batch), divide_up(width_of(in.inputs[0]), kLine));
}
inline int64_t work(const Instruction& in, int64_t batch) {
  return 3 * elements_of(in.inputs[0], batch);
}

// ---- batchNormalization ----

// x, gamma, beta -> y, mean, variance
inline const char* check_batch(const Instruction& in) {
  if (const char* wrong = check_counts(in, {3, 3, 3, 1})) return wrong;
  const Operand& x = in.inputs[0];
  if (x.rank == 0) return "the input must have a feature axis";
  if (!same_type(x, in.outputs[0])) return "the output's shape is not the input's";
  const Operand* const channels[] = {&in.inputs[1], &in.inputs[2], &in.outputs[1], &in.outputs[2]};
  for (const Operand* c : channels) {
    if (!is_channels(*c, width_of(x))) return "a statistic must have an element a channel";
  }
  return check_apart(in);
}

// The sums of up to a vector of channels over all rows, of term(row offset).
struct Columns {
  int64_t rows, stride, lanes;

  MYELIN_INLINE Vec load(const float* p, int64_t row) const {
    return load_lanes(p + row * stride, lanes);
  }
  MYELIN_INLINE void store(float* p, int64_t row, Vec value) const {
    store_lanes(p + row * stride, value, lanes);
  }
};

MYELIN_INLINE void normalize_columns(const Columns& c, const float* x, Vec gamma, Vec beta,
                                     float epsilon, float* y, float* mean_out,
                                     float* variance_out) {
  const Vec share = broadcast(1.0f / static_cast<float>(c.rows));
  Vec sum = zero();
  for (int64_t i = 0; i < c.rows; ++i) sum = sum + c.load(x, i);
  const Vec mean = sum * share;
  Vec squares = zero();
  for (int64_t i = 0; i < c.rows; ++i) {
    const Vec d = c.load(x, i) - mean;
    squares = fma(d, d, squares);
  }
  const Vec variance = squares * share;
  const Vec scale = gamma / sqrt(variance + broadcast(epsilon));
  for (int64_t i = 0; i < c.rows; ++i) c.store(y, i, fma(c.load(x, i) - mean, scale, beta));
  c.store(mean_out, 0, mean);
  c.store(variance_out, 0, variance);
}

inline void run_batch(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const Operand& x = in.inputs[0];
  const int64_t width = width_of(x);
  const Range r = split(width, kLine, part, parts);
  for (int64_t j = r.begin; j < r.end; j += kWidth) {
    const Columns c = {rows_of(x, ctx.batch), width, r.end - j};
    normalize_columns(c, x.data + j, c.load(in.inputs[1].data + j, 0),
                      c.load(in.inputs[2].data + j, 0), attribute(in, 0), in.outputs[0].data + j,
                      in.outputs[1].data + j, in.outputs[2].data + j);
  }
}

// dy, x, gamma, mean, variance -> dx, dgamma, dbeta
inline const char* check_batch_grad(const Instruction& in) {
  if (const char* wrong = check_counts(in, {5, 5, 3, 1})) return wrong;
  const Operand& x = in.inputs[1];
  if (x.rank == 0) return "the input must have a feature axis";
  if (!same_type(in.inputs[0], x) || !same_type(x, in.outputs[0])) {
    return "the gradients' shapes are not the input's";
  }
  const Operand* const channels[] = {&in.inputs[2], &in.inputs[3], &in.inputs[4], &in.outputs[1],
                                     &in.outputs[2]};
  for (const Operand* c : channels) {
    if (!is_channels(*c, width_of(x))) return "a statistic must have an element a channel";
  }
  return check_apart(in);
}

// dx = gamma rstd (dy - (dbeta + normal dgamma) / rows), where normal = (x - mean) rstd
MYELIN_INLINE void grad_columns(const Columns& c, const float* dy, const float* x, Vec gamma,
                                Vec mean, Vec rstd, float* dx, float* dgamma, float* dbeta) {
  Vec sum = zero(), projection = zero();
  for (int64_t i = 0; i < c.rows; ++i) {
    const Vec d = c.load(dy, i);
    sum = sum + d;
    projection = fma(d, (c.load(x, i) - mean) * rstd, projection);
  }
  const Vec share = broadcast(1.0f / static_cast<float>(c.rows));
  const Vec shift = sum * share, slope = projection * share * rstd, scale = gamma * rstd;
  for (int64_t i = 0; i < c.rows; ++i) {
    const Vec d = c.load(dy, i) - shift - (c.load(x, i) - mean) * slope;
    c.store(dx, i, d * scale);
  }
  c.store(dgamma, 0, projection);
  c.store(dbeta, 0, sum);
}

inline void run_batch_grad(const Instruction& in, const StepContext& ctx, int64_t part,
                           int64_t parts) {
  const Operand& x = in.inputs[1];
  const int64_t width = width_of(x);
  const Range r = split(width, kLine, part, parts);
  for (int64_t j = r.begin; j < r.end; j += kWidth) {
    const Columns c = {rows_of(x, ctx.batch), width, r.end - j};
    const Vec variance = c.load(in.inputs[4].data + j, 0);
    const Vec rstd = broadcast(1.0f) / sqrt(variance + broadcast(attribute(in, 0)));
    grad_columns(c, in.inputs[0].data + j, x.data + j, c.load(in.inputs[2].data + j, 0),
                 c.load(in.inputs[3].data + j, 0), rstd, in.outputs[0].data + j,
                 in.outputs[1].data + j, in.outputs[2].data + j);
  }
}

// ---- movingAverage: state momentum + value (1 - momentum), in place ----

inline const char* check_average(const Instruction& in) {
  if (const char* wrong = check_counts(in, {2, 2, 1, 1})) return wrong;
  if (!in_place(in.inputs[0], in.outputs[0])) return "the output must be the state itself";
  if (!same_size(in.inputs[0], in.inputs[1])) return "the value's size is not the state's";
  return check_apart_or_same(in);
}

inline void run_average(const Instruction& in, const StepContext& ctx, int64_t part,
                        int64_t parts) {
  const float* value = in.inputs[1].data;
  float* state = in.outputs[0].data;
  const Vec keep = broadcast(attribute(in, 0));
  const Vec take = broadcast(static_cast<float>(1.0 - in.attributes[0]));
  const Range r = split(elements_of(in.outputs[0], ctx.batch), kLine, part, parts);
  for (int64_t i = r.begin; i < r.end; i += kWidth) {
    const int64_t n = r.end - i;
    const Vec sum = load_lanes(state + i, n) * keep + load_lanes(value + i, n) * take;
    store_lanes(state + i, sum, n);
  }
}

// ---- layerNormalization ----

inline bool is_rows(const Operand& statistic, const Operand& x) {
  return statistic.batched == x.batched && statistic.size == sample_rows(x);
}

// x, gamma, beta -> y, mean, rstd
inline const char* check_layer(const Instruction& in) {
  if (const char* wrong = check_counts(in, {3, 3, 3, 1})) return wrong;
  const Operand& x = in.inputs[0];
  if (x.rank == 0) return "the input must have a feature axis";
  if (!same_type(x, in.outputs[0])) return "the output's shape is not the input's";
  if (!is_channels(in.inputs[1], width_of(x)) || !is_channels(in.inputs[2], width_of(x))) {
    return "gamma and beta must have an element a channel";
  }
  if (!is_rows(in.outputs[1], x) || !is_rows(in.outputs[2], x)) {
    return "mean and rstd must have an element a row";
  }
  return check_apart(in);
}

MYELIN_INLINE float sum_row(const float* x, int64_t n) {
  Vec sum = zero();
  for (int64_t i = 0; i < n; i += kWidth) sum = sum + load_lanes(x + i, n - i);
  return reduce_add(sum);
}

MYELIN_INLINE float sum_squares(const float* x, int64_t n, Vec mean) {
  Vec sum = zero();
  for (int64_t i = 0; i < n; i += kWidth) {
    Vec d = load_lanes(x + i, n - i) - mean;
    if (n - i < kWidth) d = select(first_lanes(n - i), d, zero());
    sum = fma(d, d, sum);
  }
  return reduce_add(sum);
}

inline void run_layer(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const Operand& x = in.inputs[0];
  const int64_t n = width_of(x);
  const float share = 1.0f / static_cast<float>(n);
  const float *gamma = in.inputs[1].data, *beta = in.inputs[2].data;
  const Range r = split(rows_of(x, ctx.batch), 1, part, parts);
  for (int64_t row = r.begin; row < r.end; ++row) {
    const float* from = x.data + row * n;
    float* to = in.outputs[0].data + row * n;
    const float mean = sum_row(from, n) * share;
    const float variance = sum_squares(from, n, broadcast(mean)) * share;
    const float rstd = 1.0f / ::sqrtf(variance + attribute(in, 0));
    in.outputs[1].data[row] = mean;
    in.outputs[2].data[row] = rstd;
    for (int64_t i = 0; i < n; i += kWidth) {
      const int64_t lanes = n - i;
      const Vec normal = (load_lanes(from + i, lanes) - broadcast(mean)) * broadcast(rstd);
      store_lanes(to + i, fma(normal, load_lanes(gamma + i, lanes), load_lanes(beta + i, lanes)),
                  lanes);
    }
  }
}

// dy, x, gamma, mean, rstd -> dx, dgamma, dbeta
inline const char* check_layer_grad(const Instruction& in) {
  if (const char* wrong = check_counts(in, {5, 5, 3, 0})) return wrong;
  const Operand& x = in.inputs[1];
  if (x.rank == 0) return "the input must have a feature axis";
  if (!same_type(in.inputs[0], x) || !same_type(x, in.outputs[0])) {
    return "the gradients' shapes are not the input's";
  }
  const Operand* const channels[] = {&in.inputs[2], &in.outputs[1], &in.outputs[2]};
  for (const Operand* c : channels) {
    if (!is_channels(*c, width_of(x))) {
      return "gamma and its gradient must have an element a channel";
    }
  }
  if (!is_rows(in.inputs[3], x) || !is_rows(in.inputs[4], x)) {
    return "mean and rstd must have an element a row";
  }
  return check_apart(in);
}

// dx = rstd (d - (sum(d) + normal sum(d normal)) / n), where d = dy gamma
MYELIN_INLINE void grad_row(const float* dy, const float* x, const float* gamma, float mean,
                            float rstd, int64_t n, float* dx) {
  const Vec center = broadcast(mean), scale = broadcast(rstd);
  Vec sum = zero(), projection = zero();
  for (int64_t i = 0; i < n; i += kWidth) {
    const int64_t lanes = n - i;
    const Vec d = load_lanes(dy + i, lanes) * load_lanes(gamma + i, lanes);
    sum = sum + d;
    projection = fma(d, (load_lanes(x + i, lanes) - center) * scale, projection);
  }
  const float share = 1.0f / static_cast<float>(n);
  const Vec shift = broadcast(reduce_add(sum) * share);
  const Vec slope = broadcast(reduce_add(projection) * share);
  for (int64_t i = 0; i < n; i += kWidth) {
    const int64_t lanes = n - i;
    const Vec d = load_lanes(dy + i, lanes) * load_lanes(gamma + i, lanes);
    const Vec normal = (load_lanes(x + i, lanes) - center) * scale;
    store_lanes(dx + i, scale * (d - shift - normal * slope), lanes);
  }
}

// dgamma and dbeta of up to a vector of channels.
MYELIN_INLINE void grad_channels(const Columns& c, const float* dy, const float* x,
                                 const float* mean, const float* rstd, float* dgamma,
                                 float* dbeta) {
  Vec sum = zero(), projection = zero();
  for (int64_t i = 0; i < c.rows; ++i) {
    const Vec d = c.load(dy, i);
    sum = sum + d;
    const Vec normal = (c.load(x, i) - broadcast(mean[i])) * broadcast(rstd[i]);
    projection = fma(d, normal, projection);
  }
  c.store(dgamma, 0, projection);
  c.store(dbeta, 0, sum);
}

// A part has rows of dx and channels of the other two.
inline void run_layer_grad(const Instruction& in, const StepContext& ctx, int64_t part,
                           int64_t parts) {
  const Operand& x = in.inputs[1];
  const int64_t n = width_of(x), rows = rows_of(x, ctx.batch);
  const float *dy = in.inputs[0].data, *gamma = in.inputs[2].data;
  const float *mean = in.inputs[3].data, *rstd = in.inputs[4].data;
  const Range r = split(rows, 1, part, parts);
  for (int64_t i = r.begin; i < r.end; ++i) {
    grad_row(dy + i * n, x.data + i * n, gamma, mean[i], rstd[i], n, in.outputs[0].data + i * n);
  }
  const Range channels = split(n, kLine, part, parts);
  for (int64_t j = channels.begin; j < channels.end; j += kWidth) {
    const Columns c = {rows, n, channels.end - j};
    grad_channels(c, dy + j, x.data + j, mean, rstd, in.outputs[1].data + j,
                  in.outputs[2].data + j);
  }
}

}  // namespace norm

constexpr Kernel kBatchNormalization = {"batchNormalization", nullptr,
                                        norm::check_batch,    norm::work,
                                        norm::channel_parts,  norm::run_batch};
constexpr Kernel kBatchNormalizationGrad = {"batchNormalizationGrad", nullptr,
                                            norm::check_batch_grad,   norm::work,
                                            norm::channel_parts,      norm::run_batch_grad};
constexpr Kernel kMovingAverage = {"movingAverage", nullptr,      norm::check_average,
                                   nullptr,         output_parts, norm::run_average};
constexpr Kernel kLayerNormalization = {"layerNormalization", nullptr,   norm::check_layer,
                                        norm::work,           row_parts, norm::run_layer};
constexpr Kernel kLayerNormalizationGrad = {
    "layerNormalizationGrad", nullptr, norm::check_layer_grad, norm::work, row_parts,
    norm::run_layer_grad};

}  // namespace
}  // namespace myelin
