// Walking several operands of different shapes at once: broadcasting, reduction, permutation.
#pragma once
#include "common.h"

namespace myelin {
namespace {

constexpr int kMaxAxes = kMaxRank + 1;  // the batch is one more

// Axes from outermost to innermost, with each operand's stride along them (0: repeated).
// Neighbours that every operand walks as one are merged.
template <int kOperands>
struct Axes {
  int rank = 0;
  int64_t size[kMaxAxes];
  int64_t stride[kMaxAxes][kOperands];

  void push(int64_t length, const int64_t (&steps)[kOperands]) {
    if (length == 1) return;
    bool merges = rank > 0;
    for (int i = 0; merges && i < kOperands; ++i) {
      merges = stride[rank - 1][i] == steps[i] * length;
    }
    if (merges) {
      size[rank - 1] *= length;
    } else {
      size[rank++] = length;
    }
    for (int i = 0; i < kOperands; ++i) stride[rank - 1][i] = steps[i];
  }

  // A scalar is walked as one element.
  void close() {
    if (rank > 0) return;
    rank = 1;
    size[0] = 1;
    for (int i = 0; i < kOperands; ++i) stride[0][i] = 1;
  }
};

// A place on the walk: offsets of all operands, moved on by runs along the innermost axis.
template <int kOperands>
struct Cursor {
  const Axes<kOperands>& axes;
  int64_t index[kMaxAxes] = {};
  int64_t offset[kOperands] = {};

  Cursor(const Axes<kOperands>& a, int64_t position) : axes(a) {
    for (int axis = axes.rank - 1; axis >= 0; --axis) {
      index[axis] = position % axes.size[axis];
      position /= axes.size[axis];
      for (int i = 0; i < kOperands; ++i) offset[i] += index[axis] * axes.stride[axis][i];
    }
  }

  int64_t run_length() const { return axes.size[axes.rank - 1] - index[axes.rank - 1]; }

  // At most run_length() further.
  void advance(int64_t length) {
    int axis = axes.rank - 1;
    index[axis] += length;
    for (int i = 0; i < kOperands; ++i) offset[i] += length * axes.stride[axis][i];
    while (index[axis] == axes.size[axis] && axis > 0) {
      for (int i = 0; i < kOperands; ++i) {
        offset[i] += axes.stride[axis - 1][i] - index[axis] * axes.stride[axis][i];
      }
      index[axis] = 0;
      ++index[--axis];
    }
  }
};

// Strides of `x` along the axes of `shape`, aligned at the right; 0 where it is repeated.
inline void broadcast_strides(const Operand& x, int rank, int64_t* strides) {
  int64_t stride = 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    const int own = axis - rank + x.rank;
    const int64_t length = own >= 0 ? x.shape[own] : 1;
    strides[axis] = length == 1 ? 0 : stride;
    stride *= length;
  }
}

// Whether x, aligned at the right, repeats to y.
inline bool broadcasts_to(const Operand& x, const Operand& y) {
  if (x.rank > y.rank || (x.batched && !y.batched)) return false;
  for (int i = 1; i <= x.rank; ++i) {
    const int64_t length = x.shape[x.rank - i];
    if (length != 1 && length != y.shape[y.rank - i]) return false;
  }
  return true;
}

// The axes of y, batch first, with the strides of operands that repeat to it.
template <int kOperands>
inline Axes<kOperands> broadcast_axes(const Operand& y, const Operand* const (&operands)[kOperands],
                                      int64_t batch) {
  Axes<kOperands> axes;
  int64_t strides[kOperands][kMaxRank] = {};
  int64_t steps[kOperands];
  for (int i = 0; i < kOperands; ++i) {
    broadcast_strides(*operands[i], y.rank, strides[i]);
    steps[i] = operands[i]->batched ? operands[i]->size : 0;
  }
  if (y.batched) axes.push(batch, steps);
  for (int axis = 0; axis < y.rank; ++axis) {
    for (int i = 0; i < kOperands; ++i) steps[i] = strides[i][axis];
    axes.push(y.shape[axis], steps);
  }
  axes.close();
  return axes;
}

}  // namespace
}  // namespace myelin
