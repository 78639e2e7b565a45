// The microkernel of bf16 products on vectors: dot products of pairs, or, where no instruction does
// these fast, the tiles of float32 products with rounded factors.
#pragma once
#include "pack_bf16.h"
#include "tile.h"

namespace myelin {
namespace {
namespace bf16 {

// Tiles are one or two vectors wide; this is how many rows then fit into the registers, beside two
// vectors of b and one of a.
constexpr int kVecs = 2;
constexpr int kPanel = kVecs * kWidth;
constexpr int kTileRows = kPairRows == 1 ? (kRegisters - 3) / kVecs : gemm::kTileRows[kVecs - 1];
constexpr int kStrip = (kTileRows + kWidth - 1) / kWidth * kWidth;

// Blocks: how deep, the unit of what is packed, and words of the workspace: for so many columns of
// the deepest, more of others.
constexpr int64_t kDepth = 512, kDepthUnit = 2;
constexpr int64_t kDeepestColumns = 16 * kWidth / kPairRows;
constexpr int64_t kPackedA = 128 * 1024, kPackedB = pair_words(kDeepestColumns) * kDepth / 2;

// Rows of all strips but the last one: as even as can be.
MYELIN_INLINE int64_t strip_rows(int64_t m) { return divide_up(m, divide_up(m, kTileRows)); }
// Words of a packed strip.
MYELIN_INLINE int64_t strip_words(int64_t, int64_t pairs) { return pairs * pair_words(kStrip); }

inline void pack_strips(const Side& a, const Packed& to) { pack<kStrip>(a, to); }

// Registers need nothing before and after.
MYELIN_INLINE void begin_tiles(int64_t) {}
MYELIN_INLINE void end_tiles() {}

#if defined(MYELIN_ISA_AVX512BF16)

// Each element is one chain along k, from `start` on: the same bits for any tile or block.
template <int kRows, int kColumns>
void tile(const Tile& t) {
  const int64_t last = t.columns - (kColumns - 1) * kWidth;
  Vec sum[kRows][kColumns];
  MYELIN_UNROLL
  for (int i = 0; i < kRows; ++i) {
    MYELIN_UNROLL
    for (int v = 0; v < kColumns; ++v) {
      const float* from = t.start + i * t.start_stride + v * kWidth;
      sum[i][v] = !t.start ? zero() : v == kColumns - 1 ? load_lanes(from, last) : load(from);
    }
  }
  const float *a = t.a, *b = t.b;
  for (int64_t pairs = t.pairs; pairs > 0; --pairs) {
    Int row[kColumns];
    MYELIN_UNROLL
    for (int v = 0; v < kColumns; ++v) row[v] = as_int(load(b + v * kWidth));
    MYELIN_UNROLL
    for (int i = 0; i < kRows; ++i) {
      const Int factor = as_int(broadcast(a[i]));
      MYELIN_UNROLL
      for (int v = 0; v < kColumns; ++v) sum[i][v] = dot_pairs(factor, row[v], sum[i][v]);
    }
    a += kStrip;
    b += kPanel;
  }
  float* c = t.c;
  const int64_t c_stride = t.c_stride;
  MYELIN_UNROLL
  for (int i = 0; i < kRows; ++i) {
    MYELIN_UNROLL
    for (int v = 0; v < kColumns; ++v) {
      float* to = c + i * c_stride + v * kWidth;
      if (v == kColumns - 1) {
        store_lanes(to, sum[i][v], last);
      } else {
        store(to, sum[i][v]);
      }
    }
  }
}

using TileFunction = void (*)(const Tile& t);

struct TileTable {
  TileFunction of[kVecs][kTileRows];
};
template <int... kRows>
constexpr TileTable tiles_of(gemm::RowList<kRows...>) {
  return {{{tile<kRows, 1>...}, {tile<kRows, 2>...}}};
}
constexpr TileTable kTiles = tiles_of(gemm::Count<kTileRows>::Rows());

MYELIN_INLINE void run_tile(const Tile& t) {
  kTiles.of[divide_up(t.columns, kWidth) - 1][t.rows - 1](t);
}

#else

// Each element is one chain along k, the odd number of each pair first, as dot products of pairs
// have it.
MYELIN_INLINE void run_tile(const Tile& t) {
  const int width = t.columns > kWidth;
  gemm::Tile tile = {};
  tile.k = 2 * t.pairs;
  tile.a = t.a;
  tile.a_row = 1;
  tile.a_step = kStrip;
  tile.b = t.b;
  tile.b_step = kPanel;
  tile.start = t.start;
  tile.start_row = t.start_stride;
  tile.c = t.c;
  tile.c_row = t.c_stride;
  tile.last = t.columns - width * kWidth;
  gemm::run_tile(width, t.rows, tile);
}

#endif

}  // namespace bf16
}  // namespace
}  // namespace myelin
