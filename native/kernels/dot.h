// Products whose operands both run along k in memory: tiles of dot products, k in the lanes.
#pragma once
#include "pack.h"

namespace myelin {
namespace {
namespace gemm {

constexpr int kDotRows = kRegisters == 32 ? 6 : 3;
constexpr int kDotColumns = 4;
// Of a single row: more rows of b on their way, and sums enough to hide their latency.
constexpr int kDotColumnsOfOne = 8;

// A tile of c whose element (i, j) is the dot product of rows i of a and j of b: lane l sums every
// kWidth-th term from l on, then lanes are added in a fixed order. The same bits for any tile.
struct Dots {
  int64_t k;
  const float* a;
  int64_t a_row;
  const float* b;
  int64_t b_row;
  const float* bias;  // null: none
  float* c;
  int64_t c_row, c_column;  // of the bias too
};
using DotFunction = void (*)(const Dots& d);

template <int kRows, int kColumns>
MYELIN_INLINE void dot_step(Vec (&sum)[kRows][kColumns], const Vec (&a)[kRows],
                            const Vec (&b)[kColumns]) {
  MYELIN_UNROLL
  for (int i = 0; i < kRows; ++i) {
    MYELIN_UNROLL
    for (int j = 0; j < kColumns; ++j) sum[i][j] = fma(a[i], b[j], sum[i][j]);
  }
}

template <int kRows, int kColumns>
void dot_tile(const Dots& d) {
  Vec sum[kRows][kColumns];
  const float* b[kColumns];
  MYELIN_UNROLL
  for (int j = 0; j < kColumns; ++j) b[j] = d.b + j * d.b_row;
  const float* a[kRows];
  MYELIN_UNROLL
  for (int i = 0; i < kRows; ++i) {
    a[i] = d.a + i * d.a_row;
    MYELIN_UNROLL
    for (int j = 0; j < kColumns; ++j) sum[i][j] = zero();
  }
  int64_t k = 0;
  for (; k + kWidth <= d.k; k += kWidth) {
    Vec right[kColumns], left[kRows];
    MYELIN_UNROLL
    for (int j = 0; j < kColumns; ++j) right[j] = load(b[j] + k);
    MYELIN_UNROLL
    for (int i = 0; i < kRows; ++i) left[i] = load(a[i] + k);
    dot_step(sum, left, right);
  }
  if (k < d.k) {
    const int64_t rest = d.k - k;
    Vec right[kColumns], left[kRows];
    MYELIN_UNROLL
    for (int j = 0; j < kColumns; ++j) right[j] = load_partial(b[j] + k, rest);
    MYELIN_UNROLL
    for (int i = 0; i < kRows; ++i) left[i] = load_partial(a[i] + k, rest);
    dot_step(sum, left, right);
  }

  constexpr int kSums = kRows * kColumns;
  constexpr int kVecs = (kSums + kWidth - 1) / kWidth;
  Vec flat[kVecs * kWidth];
  MYELIN_UNROLL
  for (int i = 0; i < kVecs * kWidth; ++i) {
    flat[i] = i < kSums ? sum[i / kColumns % kRows][i % kColumns] : zero();
  }
  alignas(64) float sums[kVecs * kWidth];
  MYELIN_UNROLL
  for (int v = 0; v < kVecs; ++v) store(sums + v * kWidth, sum_lanes(flat + v * kWidth));
  MYELIN_UNROLL
  for (int i = 0; i < kRows; ++i) {
    MYELIN_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      const float x = sums[i * kColumns + j];
      d.c[i * d.c_row + j * d.c_column] = d.bias ? d.bias[j * d.c_column] + x : x;
    }
  }
}

// ---- A table of tiles by rows and columns ----

struct DotRow {
  DotFunction of_columns[kDotColumnsOfOne + 1];
};
template <int kRows>
constexpr DotRow dots_of() {
  constexpr int kThese = kRows <= kDotRows ? kRows : 1;  // no larger ones are made
  return {{nullptr, dot_tile<kThese, 1>, dot_tile<kThese, 2>, dot_tile<kThese, 3>,
           dot_tile<kThese, kDotColumns>}};
}
template <>
constexpr DotRow dots_of<1>() {
  return {{nullptr, dot_tile<1, 1>, dot_tile<1, 2>, dot_tile<1, 3>, dot_tile<1, 4>, dot_tile<1, 5>,
           dot_tile<1, 6>, dot_tile<1, 7>, dot_tile<1, kDotColumnsOfOne>}};
}
constexpr DotRow kDotTiles[] = {{},           dots_of<1>(), dots_of<2>(), dots_of<3>(),
                                dots_of<4>(), dots_of<5>(), dots_of<6>()};

// How far apart the rows of b are that a single row meets at a time. Where it is far, the next ones
// follow where these end, and come faster; not so a multiple of 64 KB apart, where pages seem to
// share a set of the TLB, or, with small tiles, from L2.
MYELIN_INLINE int64_t rows_apart(const Product& p, const Pieces& panels) {
  constexpr int64_t kSharing = 16 * 1024;  // floats
  const bool far = !kSmallTiles && panels.count * p.b.stride % kSharing != 0;
  return far ? panels.count : 1;
}

// c = a b where b is transposed. As many rows of b as half of L1 takes meet all rows of a before
// the next ones come: from farther away each comes once. No axis of a plan has length 0, so that k
// divides.
inline void multiply_dots(const Product& p) {
  const int columns_at_once = p.m == 1 ? kDotColumnsOfOne : kDotColumns;
  const Pieces strips(p.m, kDotRows), panels(p.n, columns_at_once);
  const int64_t apart = p.m == 1 ? rows_apart(p, panels) : 1;
  const int64_t panel_bytes = int64_t{4} * columns_at_once * p.k;
  const int64_t at_once = p.m == 1 ? panels.count : max_int(1, cache_sizes().l1 / 2 / panel_bytes);
  Dots d;
  d.k = p.k;
  d.a_row = p.a.stride;
  d.b_row = apart * p.b.stride;
  d.c_row = p.c_stride;
  d.c_column = apart;
  for (int64_t first = 0; first < panels.count; first += at_once) {
    const int64_t end = min_int(first + at_once, panels.count);
    const int64_t begin = panels[first].begin, columns = panels[end - 1].end - begin;
    for (int64_t i = 0; i < strips.count; ++i) {
      const Range rows = strips[i];
      d.a = p.a.at(rows.begin, 0);
      float* c = p.c + rows.begin * p.c_stride;
      for (int64_t j = first; j < end; ++j) {
        const Range panel = panels[j];
        const int64_t column = apart > 1 ? j : panel.begin;
        d.b = p.b.at(0, column);
        d.bias = p.bias ? p.bias + column : nullptr;
        d.c = c + column;
        kDotTiles[rows.end - rows.begin].of_columns[panel.end - panel.begin](d);
      }
      p.finish(c + begin, rows.end - rows.begin, columns);
    }
  }
}

// c = a b where b is narrow: a copy of b, transposed, fits the workspace.
inline void multiply_narrow_dots(const Product& p, float* workspace) {
  const int64_t stride = round_up(p.k, kWidth);
  for (int64_t k = 0; k < p.k; k += kWidth) {
    pack_transposed(p.b.at(k, 0), p.b.stride, min_int(kWidth, p.k - k), p.n, workspace + k, stride);
  }
  Product dots = p;
  dots.b = {workspace, stride, true};
  multiply_dots(dots);
}

}  // namespace gemm
}  // namespace
}  // namespace myelin
