// Products with a narrow result: at most a vector of columns.
#pragma once
#include "product.h"
#include "tile.h"

namespace myelin {
namespace {
namespace gemm {

// Up to this many rows times depth, choosing a method costs more than the product.
constexpr int64_t kFewNumbers = 64;

MYELIN_INLINE bool is_few(const Product& p) {
  return !p.b.transposed && p.n <= kWidth && p.m * p.k <= kFewNumbers;
}

// c is one narrow panel, each of its rows one chain along k as in the tiles: the same bits.
inline void multiply_few(const Product& p, float* workspace) {
  if (p.sink) return sink_rows(p, workspace, multiply_few);
  const Vec start = p.bias ? load_lanes(p.bias, p.n) : zero();
  for (int64_t i = 0; i < p.m; ++i) {
    Vec sum = start;
    for (int64_t k = 0; k < p.k; ++k) {
      sum = fma(broadcast(*p.a.at(i, k)), load_lanes(p.b.at(k, 0), p.n), sum);
    }
    float* c = p.c + i * p.c_stride;
    if (p.step) sum = fma(broadcast(*p.step), sum, load_lanes(c, p.n));
    store_lanes(c, sum, p.n);
  }
  p.finish(p.c, p.m, p.n);
}

// Whether transposing c costs less than the lanes that narrow rows of it would leave idle.
MYELIN_INLINE bool is_narrow_transposed(const Product& p) {
  return p.a.transposed && !p.b.transposed && !p.bias && p.n <= kTileRows[1] && p.m > kWidth &&
         p.k * (kWidth - p.n) > 12 * kWidth;
}

// A transposed a times a narrow b: c's columns become rows of a tile, whose vectors run along m.
inline void multiply_narrow_transposed(const Product& p, float* workspace) {
  if (p.sink) return sink_rows(p, workspace, multiply_narrow_transposed);
  alignas(64) float columns[max_int(kTileRows[1], kWidth) * 2 * kWidth];
  Tile t;
  t.k = p.k;
  t.a = p.b.data;
  t.a_row = 1;
  t.a_step = p.b.stride;
  t.b_step = p.a.stride;
  t.start = nullptr;
  t.start_row = 0;
  t.c = columns;
  t.c_row = 2 * kWidth;
  t.next = nullptr;
  t.step = nullptr;
  t.copy = nullptr;
  t.ahead = nullptr;
  for (int64_t i = 0; i < p.m; i += 2 * kWidth) {
    const int64_t rows = min_int(2 * kWidth, p.m - i);
    t.b = p.a.at(i, 0);
    const int width = rows > kWidth;
    t.last = rows - width * kWidth;
    run_tile(width, p.n, t);
    for (int64_t v = 0; v < rows; v += kWidth) {
      Vec block[kWidth];
      MYELIN_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        block[j] = j < p.n ? load(columns + j * 2 * kWidth + v) : zero();
      }
      transpose(block);
      MYELIN_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        if (v + j >= rows) continue;
        float* c = p.c + (i + v + j) * p.c_stride;
        if (p.step) block[j] = fma(broadcast(*p.step), block[j], load_partial(c, p.n));
        store_partial(c, block[j], p.n);
      }
    }
  }
  p.finish(p.c, p.m, p.n);
}

}  // namespace gemm
}  // namespace
}  // namespace myelin
