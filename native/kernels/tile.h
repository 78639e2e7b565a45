// The microkernel of matrix products: a tile of C held in registers while k runs.
#pragma once
#include "common.h"

namespace myelin {
namespace {
namespace gemm {

// Tiles are 1, 2, 4 or 8 vectors wide; this is how many rows then fit into the registers.
constexpr int kWidths = 4;
constexpr int kTileRows[kWidths] = {kRegisters == 32 ? 28 : 12, kRegisters == 32 ? 14 : 6,
                                    kRegisters == 32 ? 6 : 2, kRegisters == 32 ? 3 : 1};

// c = start + a b for `rows` x `columns` of c, where element (i, k) of a is a[i * a_stride + k]
// (or a[k * a_stride + i] where a is transposed), (k, j) of b is b[k * b_stride + j]. `start` is
// null for zeros; its rows are start_stride apart (0: one row for all, a bias). Only the first
// `last` lanes of the last vector exist.
//
// Each element is one chain of fused multiply-adds in the order of k, from `start` on: the same
// bits for any tile, blocking of k (with c as start) or partition.
//
// Where `rate` is not null, c -= *rate * (a b) instead, product and difference rounded as in `sgd`.
using TileFunction = void (*)(int64_t k, const float* a, int64_t a_stride, const float* b,
                              int64_t b_stride, const float* start, int64_t start_stride, float* c,
                              int64_t c_stride, int64_t last, const float* rate);

template <bool kPartial, int kVecs>
MYELIN_INLINE Vec load_column(const float* p, int v, int64_t last) {
  if (kPartial && v == kVecs - 1) return load_partial(p + v * kWidth, last);
  return load(p + v * kWidth);
}

// One k of the tile. Rows of a are addressed in threes from one pointer: base, base + stride and
// base + 2 stride are one instruction's addressing modes, and pointers are scarce.
template <int kRows, int kVecs, bool kTransposed, bool kPartial>
MYELIN_INLINE void step(Vec (&sum)[kRows][kVecs], const float* const* a, int64_t a_stride,
                        const float* b, int64_t last) {
  Vec row[kVecs];
  MYELIN_UNROLL
  for (int v = 0; v < kVecs; ++v) row[v] = load_column<kPartial, kVecs>(b, v, last);
  MYELIN_UNROLL
  for (int i = 0; i < kRows; ++i) {
    const float scalar = kTransposed ? a[0][i] : a[i / 3][i % 3 * a_stride];
    const Vec factor = broadcast(scalar);
    MYELIN_UNROLL
    for (int v = 0; v < kVecs; ++v) sum[i][v] = fma(factor, row[v], sum[i][v]);
  }
}

template <int kRows, int kVecs, bool kTransposed, bool kPartial>
void tile(int64_t k, const float* a, int64_t a_stride, const float* b, int64_t b_stride,
          const float* start, int64_t start_stride, float* c, int64_t c_stride, int64_t last,
          const float* rate) {
  Vec sum[kRows][kVecs];
  MYELIN_UNROLL
  for (int i = 0; i < kRows; ++i) {
    MYELIN_UNROLL
    for (int v = 0; v < kVecs; ++v) {
      sum[i][v] = start ? load_column<kPartial, kVecs>(start + i * start_stride, v, last) : zero();
    }
  }

  constexpr int kPointers = kTransposed ? 1 : (kRows + 2) / 3;
  const float* pointers[kPointers];
  MYELIN_UNROLL
  for (int i = 0; i < kPointers; ++i) pointers[i] = a + 3 * i * a_stride;
  for (; k > 0; --k) {
    step<kRows, kVecs, kTransposed, kPartial>(sum, pointers, a_stride, b, last);
    b += b_stride;
    MYELIN_UNROLL
    for (int i = 0; i < kPointers; ++i) pointers[i] += kTransposed ? a_stride : 1;
  }

  if (rate) {
    const Vec step = broadcast(*rate);
    MYELIN_UNROLL
    for (int i = 0; i < kRows; ++i) {
      MYELIN_UNROLL
      for (int v = 0; v < kVecs; ++v) {
        sum[i][v] = load_column<kPartial, kVecs>(c + i * c_stride, v, last) - step * sum[i][v];
      }
    }
  }
  MYELIN_UNROLL
  for (int i = 0; i < kRows; ++i) {
    MYELIN_UNROLL
    for (int v = 0; v < kVecs; ++v) {
      float* to = c + i * c_stride + v * kWidth;
      if (kPartial && v == kVecs - 1) {
        store_partial(to, sum[i][v], last);
      } else {
        store(to, sum[i][v]);
      }
    }
  }
}

// ---- Tables of tiles by width, transposition, partial last vector and rows ----

template <int... kRows>
struct RowList {};
template <int kCount, int... kRows>
struct Count : Count<kCount - 1, kCount, kRows...> {};
template <int... kRows>
struct Count<0, kRows...> {
  using Rows = RowList<kRows...>;
};

struct TileRow {
  TileFunction of_rows[29];
};

template <int kVecs, bool kTransposed, bool kPartial, int... kRows>
constexpr TileRow tiles_of(RowList<kRows...>) {
  return {{nullptr, tile<kRows, kVecs, kTransposed, kPartial>...}};
}

template <int kIndex>
struct TileSet {
  using Rows = typename Count<kTileRows[kIndex]>::Rows;
  static constexpr int kVecs = 1 << kIndex;
  TileRow rows[2][2] = {
      {tiles_of<kVecs, false, false>(Rows()), tiles_of<kVecs, false, true>(Rows())},
      {tiles_of<kVecs, true, false>(Rows()), tiles_of<kVecs, true, true>(Rows())}};
};

struct TileTable {
  TileSet<0> one;
  TileSet<1> two;
  TileSet<2> four;
  TileSet<3> eight;
};
constexpr TileTable kTiles;

MYELIN_INLINE TileFunction find_tile(int vecs, bool transposed, bool partial, int64_t rows) {
  switch (vecs) {
    case 1:
      return kTiles.one.rows[transposed][partial].of_rows[rows];
    case 2:
      return kTiles.two.rows[transposed][partial].of_rows[rows];
    case 4:
      return kTiles.four.rows[transposed][partial].of_rows[rows];
    default:
      return kTiles.eight.rows[transposed][partial].of_rows[rows];
  }
}

}  // namespace gemm
}  // namespace
}  // namespace myelin
