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

// Tiles would go down b in columns of a part of each row, which takes longer but for one or two
// whole ones.
MYELIN_INLINE bool is_row(const Product& p) {
  constexpr int64_t kTile = kVecsAtOnce * kWidth;
  const bool few_tiles = !kSmallTiles && p.n <= 2 * kTile && p.n % kTile == 0;
  return p.m == 1 && p.n > 4 * kWidth && !few_tiles && !p.b.transposed && !p.updates();
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

// Each element is one chain along k, as in the tiles: the same bits.
inline void multiply_row(const Product& p) {
  constexpr int kRows = kRowsAtOnce;
  if (!p.continues) {
    for (int64_t j = 0; j < p.n; j += kWidth) {
      const int64_t lanes = min_int(kWidth, p.n - j);
      store_lanes(p.c + j, p.bias ? load_lanes(p.bias + j, lanes) : zero(), lanes);
    }
  }
  int64_t k = 0;
  for (; k + kRows <= p.k; k += kRows) add_rows<kRows>(p, k, p.c);
  for (; k < p.k; ++k) add_rows<1>(p, k, p.c);
  p.finish(p.c, 1, p.n);
}

}  // namespace gemm
}  // namespace
}  // namespace myelin
