// Reductions over axes and the batch, and their opposite.
#pragma once
#include "strided.h"

namespace myelin {
namespace {
namespace reduce {

struct Sum {
  static constexpr float kIdentity = 0.0f;
  MYELIN_INLINE static Vec combine(Vec a, Vec b) { return a + b; }
  MYELIN_INLINE static float across(Vec a) { return reduce_add(a); }
};
struct Max {
  static constexpr float kIdentity = -kInfinity;
  MYELIN_INLINE static Vec combine(Vec a, Vec b) { return max(a, b); }
  MYELIN_INLINE static float across(Vec a) { return reduce_max(a); }
};

constexpr const char* kNames[] = {"sum", "mean", "max", nullptr};
enum Function { kSum, kMean, kMax };

// The axes of x, merged, apart: those kept (in the order of y's elements) and those reduced.
struct Split {
  Axes<1> kept, reduced;
  bool inner_reduced;  // whether x's innermost axis is reduced
};

inline bool is_reduced(const Instruction& in, int base, int axis) {
  return static_cast<int64_t>(in.attributes[base + 1]) >> axis & 1;
}

// `base` is the attribute with the batch flag; the axes follow.
inline Split split_axes(const Instruction& in, int base, const Operand& x, int64_t batch) {
  Split s;
  int64_t strides[kMaxRank];
  int64_t stride = 1;
  for (int axis = x.rank - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    stride *= x.shape[axis];
  }
  bool last_reduced = false;
  if (x.batched) {
    last_reduced = in.attributes[base] == 1;
    (last_reduced ? s.reduced : s.kept).push(batch, {x.size});
  }
  for (int axis = 0; axis < x.rank; ++axis) {
    if (x.shape[axis] == 1) continue;
    last_reduced = is_reduced(in, base, axis);
    (last_reduced ? s.reduced : s.kept).push(x.shape[axis], {strides[axis]});
  }
  s.inner_reduced = last_reduced && s.reduced.rank > 0;
  s.kept.close();
  s.reduced.close();
  return s;
}

MYELIN_INLINE int64_t length(const Axes<1>& axes) {
  int64_t n = 1;
  for (int i = 0; i < axes.rank; ++i) n *= axes.size[i];
  return n;
}

// y[0..n] = the reduction of columns that lie side by side, up to four vectors of them.
template <class F, int kVecs>
MYELIN_INLINE void reduce_columns(const float* x, const Axes<1>& axes, int64_t n, float* y,
                                  Vec scale) {
  Vec total[kVecs];
  MYELIN_UNROLL
  for (int v = 0; v < kVecs; ++v) total[v] = broadcast(F::kIdentity);
  const int64_t last = n - (kVecs - 1) * kWidth;
  const int64_t stride = axes.stride[axes.rank - 1][0];
  Cursor<1> cursor(axes, 0);
  const int64_t run = cursor.run_length();
  for (int64_t rest = length(axes); rest > 0; rest -= run) {
    const float* row = x + cursor.offset[0];
    for (int64_t i = 0; i < run; ++i, row += stride) {
      MYELIN_UNROLL
      for (int v = 0; v < kVecs; ++v) {
        const float* p = row + v * kWidth;
        const Vec value = v < kVecs - 1 ? load(p) : load_lanes(p, last);
        total[v] = F::combine(total[v], value);
      }
    }
    cursor.advance(run);
  }
  MYELIN_UNROLL
  for (int v = 0; v < kVecs; ++v) {
    store_lanes(y + v * kWidth, total[v] * scale, v < kVecs - 1 ? kWidth : last);
  }
}

// The innermost axis is kept: runs of outputs, whole columns at a time.
template <class F>
void vertical(const float* x, const Split& s, Range r, float* y, float factor) {
  const Vec scale = broadcast(factor);
  Cursor<1> cursor(s.kept, r.begin);
  for (int64_t i = r.begin; i < r.end;) {
    const int64_t run = min_int(cursor.run_length(), r.end - i);
    const int64_t n = min_int(run, 4 * kWidth);
    const float* from = x + cursor.offset[0];
    if (n > 3 * kWidth) {
      reduce_columns<F, 4>(from, s.reduced, n, y + i, scale);
    } else if (n > 2 * kWidth) {
      reduce_columns<F, 3>(from, s.reduced, n, y + i, scale);
    } else if (n > kWidth) {
      reduce_columns<F, 2>(from, s.reduced, n, y + i, scale);
    } else {
      reduce_columns<F, 1>(from, s.reduced, n, y + i, scale);
    }
    cursor.advance(n);
    i += n;
  }
}

// One output from runs along the innermost axis, in four vectors of partial results.
template <class F>
MYELIN_INLINE float reduce_runs(const float* x, const Axes<1>& axes) {
  const Vec identity = broadcast(F::kIdentity);
  Vec total[4] = {identity, identity, identity, identity};
  Cursor<1> cursor(axes, 0);
  const int64_t run = cursor.run_length();
  for (int64_t rest = length(axes); rest > 0; rest -= run) {
    const float* p = x + cursor.offset[0];
    int64_t i = 0;
    for (; i + 4 * kWidth <= run; i += 4 * kWidth) {
      MYELIN_UNROLL
      for (int v = 0; v < 4; ++v) total[v] = F::combine(total[v], load(p + i + v * kWidth));
    }
    for (; i < run; i += kWidth) {
      const int64_t n = run - i;
      const Vec value =
          n >= kWidth ? load(p + i) : select(first_lanes(n), load_partial(p + i, n), identity);
      total[0] = F::combine(total[0], value);
    }
    cursor.advance(run);
  }
  return F::across(F::combine(F::combine(total[0], total[1]), F::combine(total[2], total[3])));
}

template <class F>
void horizontal(const float* x, const Split& s, Range r, float* y, float factor) {
  Cursor<1> cursor(s.kept, r.begin);
  for (int64_t i = r.begin; i < r.end; ++i) {
    y[i] = reduce_runs<F>(x + cursor.offset[0], s.reduced) * factor;
    cursor.advance(1);
  }
}

// y has as many elements as x has along the kept axes, at any batch.
inline const char* check_reduction(const Instruction& in, int base, const Operand& x,
                                   const Operand& y) {
  if (!whole(in.attributes[base], 0, 1)) return "batch must be 0 or 1";
  if (!whole(in.attributes[base + 1], 0, (1 << x.rank) - 1)) {
    return "axes are not axes of the input";
  }
  if (in.attributes[base] == 1 && !x.batched) return "there is no batch to reduce over";
  int64_t size = 1;
  for (int axis = 0; axis < x.rank; ++axis) {
    if (!is_reduced(in, base, axis)) size *= x.shape[axis];
  }
  if (y.size != size || y.batched != (x.batched && in.attributes[base] == 0)) {
    return "the output does not hold the axes that are left";
  }
  return nullptr;
}

inline const char* check(const Instruction& in) {
  if (const char* wrong = check_counts(in, {1, 1, 1, 3})) return wrong;
  if (const char* wrong = check_function(in, 3)) return wrong;
  if (const char* wrong = check_reduction(in, 1, in.inputs[0], in.outputs[0])) return wrong;
  return check_apart(in);
}

inline int64_t parts(const Instruction& in, int64_t batch) {
  return min_int(input_parts(in, batch), divide_up(elements_of(in.outputs[0], batch), kLine));
}

// Whether whole rows are summed, the batch included: the gradient of a bias.
inline bool sums_rows(const Instruction& in, const Operand& x) {
  return function_of(in) == kSum && x.rank > 0 && (in.attributes[1] == 1 || !x.batched) &&
         static_cast<int64_t>(in.attributes[2]) == (int64_t{1} << (x.rank - 1)) - 1;
}

inline void sum_narrow_rows(const float* x, int64_t rows, int64_t n, float* y) {
  Vec total = zero();
  for (int64_t i = 0; i < rows; ++i) total = total + load_lanes(x + i * n, n);
  store_lanes(y, total, n);
}

inline void run(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const Operand &x = in.inputs[0], &y = in.outputs[0];
  if (width_of(x) <= kWidth && sums_rows(in, x)) {
    if (part == 0) sum_narrow_rows(x.data, rows_of(x, ctx.batch), width_of(x), y.data);
    return;
  }
  const Split s = split_axes(in, 1, x, ctx.batch);
  const Range r = split(elements_of(y, ctx.batch), kLine, part, parts);
  const bool is_max = function_of(in) == kMax;
  const float count = static_cast<float>(length(s.reduced));
  const float factor = function_of(in) == kMean ? 1.0f / count : 1.0f;
  if (s.inner_reduced) {
    (is_max ? horizontal<Max> : horizontal<Sum>)(x.data, s, r, y.data, factor);
  } else {
    (is_max ? vertical<Max> : vertical<Sum>)(x.data, s, r, y.data, factor);
  }
}

// x, y = max(x), dy -> dx
inline const char* check_max_grad(const Instruction& in) {
  if (const char* wrong = check_counts(in, {3, 3, 1, 2})) return wrong;
  const Operand &x = in.inputs[0], &y = in.inputs[1];
  if (const char* wrong = check_reduction(in, 0, x, y)) return wrong;
  if (!same_size(y, in.inputs[2])) return "the gradient's size is not the maximum's";
  if (!same_size(x, in.outputs[0])) return "the output's size is not the input's";
  return check_apart(in);
}

inline int64_t parts_max_grad(const Instruction& in, int64_t batch) {
  return min_int(input_parts(in, batch), elements_of(in.inputs[1], batch));
}

// Spreads `gradient` evenly over the elements that equal the maximum.
inline void spread(const float* x, float* dx, const Axes<1>& axes, float maximum, float gradient) {
  const int64_t n = length(axes);
  int64_t ties = 0;
  Cursor<1> counting(axes, 0);
  for (int64_t i = 0; i < n; ++i, counting.advance(1)) ties += x[counting.offset[0]] == maximum;
  const float share = gradient / static_cast<float>(ties);
  Cursor<1> writing(axes, 0);
  for (int64_t i = 0; i < n; ++i, writing.advance(1)) {
    dx[writing.offset[0]] = x[writing.offset[0]] == maximum ? share : 0.0f;
  }
}

inline void run_max_grad(const Instruction& in, const StepContext& ctx, int64_t part,
                         int64_t parts) {
  const Operand &x = in.inputs[0], &y = in.inputs[1];
  const Split s = split_axes(in, 0, x, ctx.batch);
  const Range r = split(elements_of(y, ctx.batch), 1, part, parts);
  Cursor<1> cursor(s.kept, r.begin);
  for (int64_t i = r.begin; i < r.end; ++i, cursor.advance(1)) {
    const int64_t at = cursor.offset[0];
    spread(x.data + at, in.outputs[0].data + at, s.reduced, y.data[i], in.inputs[2].data[i]);
  }
}

// ---- broadcast: x repeated to y ----

constexpr const char* kSpreadNames[] = {"sum", "mean", nullptr};

inline const char* check_broadcast(const Instruction& in) {
  if (const char* wrong = check_counts(in, {1, 1, 1, 1})) return wrong;
  if (const char* wrong = check_function(in, 2)) return wrong;
  if (!broadcasts_to(in.inputs[0], in.outputs[0])) {
    return "the input does not broadcast to the output";
  }
  return check_apart(in);
}

MYELIN_INLINE void scale_to(float* to, const float* from, int64_t n, Vec factor) {
  for (int64_t i = 0; i < n; i += kWidth) {
    store_lanes(to + i, load_lanes(from + i, n - i) * factor, n - i);
  }
}

inline void run_broadcast(const Instruction& in, const StepContext& ctx, int64_t part,
                          int64_t parts) {
  const Operand &x = in.inputs[0], &y = in.outputs[0];
  const int64_t count = elements_of(y, ctx.batch);
  const int64_t repetitions = count / elements_of(x, ctx.batch);
  const float repeats = static_cast<float>(repetitions);
  const float factor = function_of(in) == kMean ? 1.0f / repeats : 1.0f;
  const Range r = split(count, kLine, part, parts);
  const Axes<1> axes = broadcast_axes<1>(y, {&x}, ctx.batch);
  const bool repeated = axes.stride[axes.rank - 1][0] == 0;
  Cursor<1> cursor(axes, r.begin);
  for (int64_t i = r.begin; i < r.end;) {
    const int64_t n = min_int(cursor.run_length(), r.end - i);
    const float* from = x.data + cursor.offset[0];
    if (repeated) {
      fill(y.data + i, *from * factor, n);
    } else {
      scale_to(y.data + i, from, n, broadcast(factor));
    }
    cursor.advance(n);
    i += n;
  }
}

}  // namespace reduce

constexpr Kernel kReduce = {"reduce",   reduce::kNames, reduce::check,
                            input_work, reduce::parts,  reduce::run};
constexpr Kernel kReduceMaxGrad = {"reduceMaxGrad",        nullptr,
                                   reduce::check_max_grad, heavy_input_work,
                                   reduce::parts_max_grad, reduce::run_max_grad};
constexpr Kernel kBroadcast = {"broadcast", reduce::kSpreadNames, reduce::check_broadcast,
                               nullptr,     output_parts,         reduce::run_broadcast};

}  // namespace
}  // namespace myelin
