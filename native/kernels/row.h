// Products of a single row, such as a sample that is predicted: bound by what b's rows take to
// come.
#pragma once
#include "product.h"
#include "tile.h"

namespace myelin {
namespace {
namespace gemm {

// How many rows of b are added to c at a time, and how many vectors of it. Where registers are few,
// the rows behind them are fetched meanwhile; a CPU with more of them does better by itself.
constexpr int kRowsAtOnce = kSmallTiles ? 4 : 8;
constexpr int kVecsAtOnce = kSmallTiles ? kLine / kWidth : 8;

MYELIN_INLINE bool is_row(const Product& p) {
  return p.m == 1 && p.n > 4 * kWidth && !p.b.transposed && !p.updates();
}

// c += the product of `kRows` elements of a, the `first`th one and on, and so many rows of b.
template <int kRows>
MYELIN_INLINE void add_rows(const Product& p, int64_t first, float* c) {
  const int64_t n = p.n, ahead = kRows * p.b.stride;
  Vec factors[kRows];
  const float* rows[kRows];
  MYELIN_UNROLL
  for (int r = 0; r < kRows; ++r) {
    factors[r] = broadcast(*p.a.at(0, first + r));
    rows[r] = p.b.at(first + r, 0);
  }
  int64_t j = 0;
  for (; j + kVecsAtOnce * kWidth <= n; j += kVecsAtOnce * kWidth) {
    Vec sum[kVecsAtOnce];
    MYELIN_UNROLL
    for (int v = 0; v < kVecsAtOnce; ++v) sum[v] = load(c + j + v * kWidth);
    MYELIN_UNROLL
    for (int r = 0; r < kRows; ++r) {
      if (kSmallTiles) prefetch(rows[r] + (j + ahead));
      MYELIN_UNROLL
      for (int v = 0; v < kVecsAtOnce; ++v) {
        sum[v] = fma(factors[r], load(rows[r] + j + v * kWidth), sum[v]);
      }
    }
    MYELIN_UNROLL
    for (int v = 0; v < kVecsAtOnce; ++v) store(c + j + v * kWidth, sum[v]);
  }
  for (; j < n; j += kWidth) {
    const int64_t lanes = min_int(kWidth, n - j);
    Vec sum = load_lanes(c + j, lanes);
    MYELIN_UNROLL
    for (int r = 0; r < kRows; ++r) sum = fma(factors[r], load_lanes(rows[r] + j, lanes), sum);
    store_lanes(c + j, sum, lanes);
  }
}

// c[j..j + kVecsAtOnce * kWidth] += the product of a and so many columns of b.
inline void add_columns(const Product& p, int64_t j) {
  constexpr int kRows = 4;
  Vec sum[kVecsAtOnce];
  MYELIN_UNROLL
  for (int v = 0; v < kVecsAtOnce; ++v) sum[v] = load(p.c + j + v * kWidth);
  const auto add = [&](int64_t k) {
    const Vec factor = broadcast(*p.a.at(0, k));
    const float* row = p.b.at(k, j);
    MYELIN_UNROLL
    for (int v = 0; v < kVecsAtOnce; ++v) sum[v] = fma(factor, load(row + v * kWidth), sum[v]);
  };
  int64_t k = 0;
  for (; k + kRows <= p.k; k += kRows) {
    MYELIN_UNROLL
    for (int r = 0; r < kRows; ++r) add(k + r);
  }
  for (; k < p.k; ++k) add(k);
  MYELIN_UNROLL
  for (int v = 0; v < kVecsAtOnce; ++v) store(p.c + j + v * kWidth, sum[v]);
}

// Each element is one chain along k, as in the tiles: the same bits. Down b's columns, parts of
// rows come one by one, which takes longer but where one or two of them are all of a row and sums
// stay in registers.
inline void multiply_row(const Product& p) {
  constexpr int kRows = kRowsAtOnce;
  if (!p.continues) {
    for (int64_t j = 0; j < p.n; j += kWidth) {
      const int64_t lanes = min_int(kWidth, p.n - j);
      store_lanes(p.c + j, p.bias ? load_lanes(p.bias + j, lanes) : zero(), lanes);
    }
  }
  constexpr int64_t kColumns = kVecsAtOnce * kWidth;
  if (!kSmallTiles && p.n <= 2 * kColumns && p.n % kColumns == 0) {
    for (int64_t j = 0; j < p.n; j += kColumns) add_columns(p, j);
  } else {
    int64_t k = 0;
    for (; k + kRows <= p.k; k += kRows) add_rows<kRows>(p, k, p.c);
    for (; k < p.k; ++k) add_rows<1>(p, k, p.c);
  }
  p.finish(p.c, 1, p.n);
}

}  // namespace gemm
}  // namespace
}  // namespace myelin
