// Moving elements: permute, concatenate, slice and pad. (Reshaping moves none.)
#pragma once
#include "strided.h"

namespace myelin {
namespace {
namespace shape {

// ---- permute: output axis i is input axis order[i] ----

inline const char* check_permute(const Instruction& in) {
  const Operand &x = in.inputs[0], &y = in.outputs[0];
  if (const char* wrong = check_counts(in, {1, 1, 1, in.attribute_count})) return wrong;
  if (in.attribute_count < x.rank || in.attribute_count > kMaxRank) {
    return "wrong number of attributes";
  }
  if (y.rank != x.rank || y.batched != x.batched) return "the output's rank is not the input's";
  int seen = 0;
  for (int axis = 0; axis < x.rank; ++axis) {
    if (!whole(in.attributes[axis], 0, x.rank - 1)) return "an axis is not one of the input's";
    const int from = static_cast<int>(in.attributes[axis]);
    if (seen >> from & 1) return "an axis is named twice";
    seen |= 1 << from;
    if (y.shape[axis] != x.shape[from]) return "the output's shape is not the permuted one";
  }
  return check_apart(in);
}

inline void run_permute(const Instruction& in, const StepContext& ctx, int64_t part,
                        int64_t parts) {
  const Operand &x = in.inputs[0], &y = in.outputs[0];
  int64_t strides[kMaxRank];
  int64_t stride = 1;
  for (int axis = x.rank - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    stride *= x.shape[axis];
  }
  Axes<1> axes;
  if (x.batched) axes.push(ctx.batch, {x.size});
  for (int axis = 0; axis < y.rank; ++axis) {
    axes.push(y.shape[axis], {strides[static_cast<int>(in.attributes[axis])]});
  }
  axes.close();

  const int64_t step = axes.stride[axes.rank - 1][0];
  const Range r = split(elements_of(y, ctx.batch), kLine, part, parts);
  Cursor<1> cursor(axes, r.begin);
  for (int64_t i = r.begin; i < r.end;) {
    const int64_t n = min_int(cursor.run_length(), r.end - i);
    const float* from = x.data + cursor.offset[0];
    float* to = y.data + i;
    if (step == 1) {
      copy(to, from, n);
    } else {
      for (int64_t j = 0; j < n; ++j) to[j] = from[j * step];
    }
    cursor.advance(n);
    i += n;
  }
}

// ---- Windows along an axis ----

// Elements of one index of the axis, and of one sample before the axis.
inline int64_t inner_size(const Operand& x, int axis) {
  int64_t n = 1;
  for (int i = axis + 1; i < x.rank; ++i) n *= x.shape[i];
  return n;
}
inline int64_t outer_size(const Operand& x, int axis, int64_t batch) {
  int64_t n = samples(x, batch);
  for (int i = 0; i < axis; ++i) n *= x.shape[i];
  return n;
}

inline bool agree_but_for(const Operand& a, const Operand& b, int axis) {
  if (a.rank != b.rank || a.batched != b.batched) return false;
  for (int i = 0; i < a.rank; ++i) {
    if (i != axis && a.shape[i] != b.shape[i]) return false;
  }
  return true;
}

inline const char* check_concatenate(const Instruction& in) {
  if (const char* wrong = check_counts(in, {1, kMaxInputs, 1, 1})) return wrong;
  const Operand& y = in.outputs[0];
  if (!whole(in.attributes[0], 0, y.rank - 1)) return "the axis is not one of the output's";
  const int axis = static_cast<int>(in.attributes[0]);
  int64_t length = 0;
  for (int i = 0; i < in.input_count; ++i) {
    if (!agree_but_for(in.inputs[i], y, axis)) return "an input differs along another axis";
    length += in.inputs[i].shape[axis];
  }
  if (length != y.shape[axis]) return "the output's axis is not as long as those of the inputs";
  return check_apart(in);
}

inline int64_t outer_parts(const Instruction& in, int64_t batch) {
  const Operand& y = in.outputs[0];
  return min_int(output_parts(in, batch), outer_size(y, static_cast<int>(in.attributes[0]), batch));
}

inline void run_concatenate(const Instruction& in, const StepContext& ctx, int64_t part,
                            int64_t parts) {
  const Operand& y = in.outputs[0];
  const int axis = static_cast<int>(in.attributes[0]);
  const int64_t inner = inner_size(y, axis), width = y.shape[axis] * inner;
  const Range r = split(outer_size(y, axis, ctx.batch), 1, part, parts);
  float* to = y.data + r.begin * width;
  for (int64_t outer = r.begin; outer < r.end; ++outer) {
    for (int i = 0; i < in.input_count; ++i) {
      const int64_t n = in.inputs[i].shape[axis] * inner;
      copy(to, in.inputs[i].data + outer * n, n);
      to += n;
    }
  }
}

// Whether `small` is a part of `large` that starts at attribute 1 along the axis, attribute 0.
inline const char* check_window(const Instruction& in, const Operand& small, const Operand& large) {
  if (!whole(in.attributes[0], 0, large.rank - 1)) return "the axis is not one of the operands'";
  const int axis = static_cast<int>(in.attributes[0]);
  if (!agree_but_for(small, large, axis)) return "the operands differ along another axis";
  if (small.shape[axis] > large.shape[axis] ||
      !whole(in.attributes[1], 0, static_cast<double>(large.shape[axis] - small.shape[axis]))) {
    return "the part lies outside the whole";
  }
  return check_apart(in);
}

inline const char* check_slice(const Instruction& in) {
  if (const char* wrong = check_counts(in, {1, 1, 1, 2})) return wrong;
  return check_window(in, in.outputs[0], in.inputs[0]);
}

inline const char* check_pad(const Instruction& in) {
  if (const char* wrong = check_counts(in, {1, 1, 1, 2})) return wrong;
  return check_window(in, in.inputs[0], in.outputs[0]);
}

// Lengths of the contiguous runs along the axis.
struct Window {
  int64_t small, large, before;
  Range outer;

  Window(const Instruction& in, const Operand& part_of, const Operand& whole_of, int64_t batch,
         int64_t part, int64_t parts) {
    const int axis = static_cast<int>(in.attributes[0]);
    const int64_t inner = inner_size(part_of, axis);
    small = part_of.shape[axis] * inner;
    large = whole_of.shape[axis] * inner;
    before = static_cast<int64_t>(in.attributes[1]) * inner;
    outer = split(outer_size(part_of, axis, batch), 1, part, parts);
  }
};

inline void run_slice(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const Operand &x = in.inputs[0], &y = in.outputs[0];
  const Window w(in, y, x, ctx.batch, part, parts);
  for (int64_t i = w.outer.begin; i < w.outer.end; ++i) {
    copy(y.data + i * w.small, x.data + i * w.large + w.before, w.small);
  }
}

inline void run_pad(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const Operand &x = in.inputs[0], &y = in.outputs[0];
  const Window w(in, x, y, ctx.batch, part, parts);
  for (int64_t i = w.outer.begin; i < w.outer.end; ++i) {
    float* to = y.data + i * w.large;
    fill(to, 0.0f, w.before);
    copy(to + w.before, x.data + i * w.small, w.small);
    fill(to + w.before + w.small, 0.0f, w.large - w.before - w.small);
  }
}

}  // namespace shape

constexpr Kernel kPermute = {"permute", nullptr,      shape::check_permute,
                             nullptr,   output_parts, shape::run_permute};
constexpr Kernel kConcatenate = {
    "concatenate",         nullptr, shape::check_concatenate, nullptr, shape::outer_parts,
    shape::run_concatenate};
constexpr Kernel kSlice = {
    "slice", nullptr, shape::check_slice, nullptr, shape::outer_parts, shape::run_slice};
constexpr Kernel kPad = {"pad",         nullptr, shape::check_pad, nullptr, shape::outer_parts,
                         shape::run_pad};

}  // namespace
}  // namespace myelin
