// The microkernel of bf16 products on a processor's matrix unit.
#pragma once
#include "../simd/avx512amx.h"
#include "pack_bf16.h"

namespace myelin {
namespace {
namespace bf16 {

// Sums fill two by two tiles, fewer at the edges. Sums along k are taken by 32, the even elements
// and the odd ones apart: k is cut at multiples of this only, and filled up with zeros.
constexpr int kPanel = 2 * kTileSide;
constexpr int kTileRows = 2 * kTileSide;
constexpr int64_t kDepth = 1024, kDepthUnit = 2 * kTileSide;

// Words of the workspace. A block of b stays in the second cache beside a large one of a, and is
// the wider the less deep it is: rows of c are then written in long stretches.
constexpr int64_t kPackedA = 256 * 1024, kPackedB = 32 * 1024;

// Rows of all strips but the last one, which fill one tile or two: as even as can be, since a
// product of tiles takes a cycle a row.
MYELIN_INLINE int64_t strip_rows(int64_t m) {
  return m <= kTileSide ? m : 2 * divide_up(m, 2 * divide_up(m, kTileRows));
}
MYELIN_INLINE int64_t tile_rows(int64_t strip) { return strip <= kTileSide ? strip : strip / 2; }

// Before and after the tiles of a block.
MYELIN_INLINE void begin_tiles(int64_t strip) { set_up_tiles(tile_rows(strip)); }
MYELIN_INLINE void end_tiles() { release_tiles(); }

// Words of a packed strip.
MYELIN_INLINE int64_t strip_words(int64_t strip, int64_t pairs) { return pairs * strip; }

// A strip of a: for each kWidth pairs of k, a vector of a row after the other, `step` words in all.
inline void pack_deep_strip(const Side& a, int64_t step, float* to) {
  for (int64_t i = 0; i < a.lanes; ++i) {
    const float* row = a.data + i * a.stride;
    float* at = to + i * kWidth;
    int64_t left = a.depth;
    for (; left >= 2 * kWidth; left -= 2 * kWidth) {
      store(at, load_pairs<true>(row, left));
      row += 2 * kWidth;
      at += step;
    }
    if (left > 0) store(at, load_pairs<false>(row, left));
  }
}

// Up to 2 kWidth deep, of up to kWidth lanes.
MYELIN_INLINE void pack_flat_square(const float* from, int64_t stride, int64_t lanes, int64_t depth,
                                    float* to) {
  Vec rows[kWidth];
  MYELIN_UNROLL
  for (int p = 0; p < kWidth; ++p) {
    const float* even = from + 2 * p * stride;
    const Vec x = 2 * p < depth ? load_lanes(even, lanes) : zero();
    const Vec y = 2 * p + 1 < depth ? load_lanes(even + stride, lanes) : zero();
    rows[p] = as_float(pair_lanes(x, y));
  }
  transpose(rows);
  MYELIN_UNROLL
  for (int i = 0; i < kWidth; ++i) {
    if (i < lanes) store(to + i * kWidth, rows[i]);
  }
}

inline void pack_flat_strip(const Side& a, int64_t step, float* to) {
  for (int64_t k = 0; k < a.depth; k += 2 * kWidth) {
    for (int64_t i = 0; i < a.lanes; i += kWidth) {
      pack_flat_square(a.data + k * a.stride + i, a.stride, min_int(kWidth, a.lanes - i),
                       a.depth - k, to + i * kWidth);
    }
    to += step;
  }
}

inline void pack_strips(const Side& a, const Packed& to) {
  for (int64_t i = 0; i < a.lanes; i += to.lanes) {
    const Side strip = {a.data + i * (a.deep ? a.stride : 1), a.stride, a.deep,
                        min_int(to.lanes, a.lanes - i), a.depth};
    float* at = to.data + i * to.pairs;
    (a.deep ? pack_deep_strip : pack_flat_strip)(strip, to.lanes * kWidth, at);
  }
}

// Tiles 4 and 5 become rows of a, 6 and 7 columns of b, as many as a tile of c has.
template <int kRows>
MYELIN_INLINE void load_a(const float* a, int64_t rows) {
  _tile_loadd(4, a, kTileSide * 4);
  if (kRows == 2) _tile_loadd(5, a + rows * kTileSide, kTileSide * 4);
}
template <int kColumns>
MYELIN_INLINE void load_b(const float* b) {
  _tile_loadd(6, b, kPanel * 4);
  if (kColumns == 2) _tile_loadd(7, b + kTileSide, kPanel * 4);
}
template <int kRows, int kColumns>
MYELIN_INLINE void add_products() {
  _tile_dpbf16ps(0, 4, 6);
  if (kColumns == 2) _tile_dpbf16ps(1, 4, 7);
  if (kRows == 2) _tile_dpbf16ps(2, 5, 6);
  if (kRows == 2 && kColumns == 2) _tile_dpbf16ps(3, 5, 7);
}

// A unit of depth. Beside so few products nothing is done: they would be slower by what it takes.
template <int kRows, int kColumns>
MYELIN_INLINE void add_unit(const float* a, int64_t rows, const float* b) {
  load_a<kRows>(a, rows);
  load_b<kColumns>(b);
  add_products<kRows, kColumns>();
}

// A unit of depth of operands in three terms, the largest first: the products of which the terms'
// numbers are at most 4 in sum, since smaller ones are below what a float holds. They come in an
// order that loads one operand for each.
//
// What is done beside, in so many shares, comes before products and after their loads: it stores, a
// store waits for all that comes before it, and a load for stores that differ from it in the upper
// bits only.
constexpr int kShares = 6;

template <int kRows, int kColumns>
MYELIN_INLINE void add_split_unit(const float* a, int64_t a_words, int64_t rows, const float* b,
                                  Beside* beside) {
  constexpr int64_t kWords = kTileSide * kPanel;
  load_a<kRows>(a, rows);
  load_b<kColumns>(b + 2 * kWords);
  beside->advance();
  add_products<kRows, kColumns>();
  load_b<kColumns>(b + kWords);
  beside->advance();
  add_products<kRows, kColumns>();
  load_a<kRows>(a + a_words, rows);
  beside->advance();
  add_products<kRows, kColumns>();
  load_b<kColumns>(b);
  beside->advance();
  add_products<kRows, kColumns>();
  load_a<kRows>(a + 2 * a_words, rows);
  beside->advance();
  add_products<kRows, kColumns>();
  load_a<kRows>(a, rows);
  beside->advance();
  add_products<kRows, kColumns>();
}

// To the next unit: so many words on, or in the other of two places.
MYELIN_INLINE void go_on(const float*& at, const float*& turn, int64_t words) {
  if (turn) {
    const float* before = at;
    at = turn;
    turn = before;
  } else {
    at += words;
  }
}

template <int kTerms, int kRows, int kColumns>
void whole_tile(const Tile& t) {
  const int64_t rows = tile_rows(t.strip);
  const int64_t c_bytes = t.c_stride * 4, start_bytes = t.start_stride * 4;
  order_memory(t.a);
  if (t.start) {
    const float* below = t.start + rows * t.start_stride;
    _tile_loadd(0, t.start, start_bytes);
    if (kColumns == 2) _tile_loadd(1, t.start + kTileSide, start_bytes);
    if (kRows == 2) _tile_loadd(2, below, start_bytes);
    if (kRows == 2 && kColumns == 2) _tile_loadd(3, below + kTileSide, start_bytes);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  const float *a = t.a, *b = t.b, *a_turn = t.a_turn, *b_turn = t.b_turn;
  const int64_t a_words = t.strip * kTileSide;
  for (int64_t pairs = t.pairs; pairs > 0; pairs -= kTileSide) {
    if (kTerms == 3) {
      add_split_unit<kRows, kColumns>(a, a_words, rows, b, t.beside);
    } else {
      add_unit<kRows, kColumns>(a, rows, b);
    }
    go_on(a, a_turn, kTerms * a_words);
    go_on(b, b_turn, kTerms * kTileSide * kPanel);
  }
  float* below = t.c + rows * t.c_stride;
  _tile_stored(0, t.c, c_bytes);
  if (kColumns == 2) _tile_stored(1, t.c + kTileSide, c_bytes);
  if (kRows == 2) _tile_stored(2, below, c_bytes);
  if (kRows == 2 && kColumns == 2) _tile_stored(3, below + kTileSide, c_bytes);
  order_memory(t.c);
}

// Whole tiles, whatever of them is part of c.
template <int kTerms>
MYELIN_INLINE void run_whole(const Tile& t) {
  const bool two_rows = t.rows > tile_rows(t.strip), two_columns = t.columns > kTileSide;
  if (two_rows) {
    two_columns ? whole_tile<kTerms, 2, 2>(t) : whole_tile<kTerms, 2, 1>(t);
  } else {
    two_columns ? whole_tile<kTerms, 1, 2>(t) : whole_tile<kTerms, 1, 1>(t);
  }
}

inline void copy_rows(const float* from, int64_t from_stride, float* to, int64_t to_stride,
                      int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i) copy(to + i * to_stride, from + i * from_stride, columns);
}

// At the edges of c, which tiles would cross.
template <int kTerms>
void run_edge(Tile t) {
  alignas(64) float sums[kTileRows * kPanel];
  const Tile wanted = t;
  if (t.start) copy_rows(t.start, t.start_stride, sums, kPanel, t.rows, t.columns);
  if (t.start) t.start = sums;
  t.start_stride = t.c_stride = kPanel;
  t.c = sums;
  run_whole<kTerms>(t);
  copy_rows(sums, kPanel, wanted.c, wanted.c_stride, t.rows, t.columns);
}

template <int kTerms = 1>
MYELIN_INLINE void run_tile(const Tile& t) {
  // Registers are as high as they are set up, and as wide as they can be.
  const int64_t rows = tile_rows(t.strip);
  if ((t.rows == rows || t.rows == 2 * rows) && t.columns % kTileSide == 0) {
    run_whole<kTerms>(t);
  } else {
    run_edge<kTerms>(t);
  }
}

}  // namespace bf16
}  // namespace
}  // namespace myelin
