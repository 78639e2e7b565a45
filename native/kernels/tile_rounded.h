// The microkernel of bf16 products where no instruction multiplies pairs, or only slowly: tiles of
// float32 products whose factors are rounded.
#pragma once
#include "pack_bf16.h"
#include "tile.h"

namespace myelin {
namespace {
namespace bf16 {

// Tiles are one or two vectors wide.
constexpr int kWide = 1;
constexpr int kPanel = kWidth << kWide;
constexpr int kTileRows = gemm::kTileRows[kWide];
constexpr int kStrip = (kTileRows + kWidth - 1) / kWidth * kWidth;

// Blocks: how deep, the unit of what is packed, and words of the workspace.
constexpr int64_t kDepth = 512, kDepthUnit = 2;
constexpr int64_t kBlockColumns = 8 * kWidth;
constexpr int64_t kPackedA = 128 * 1024, kPackedB = kBlockColumns * kDepth;

MYELIN_INLINE int64_t block_columns(int64_t) { return kBlockColumns; }

// Rows of all strips but the last one: as even as can be.
MYELIN_INLINE int64_t strip_rows(int64_t m) { return divide_up(m, divide_up(m, kTileRows)); }
// Words of a packed strip.
MYELIN_INLINE int64_t strip_words(int64_t, int64_t pairs) { return pairs * pair_words(kStrip); }

inline void pack_strips(const Side& a, const Packed& to) { pack<kStrip>(a, to); }

MYELIN_INLINE void begin_tiles(int64_t) {}
MYELIN_INLINE void end_tiles() {}

// Each element is one chain along k, the odd number of each pair first, as dot products of pairs
// have it.
MYELIN_INLINE void run_tile(const Tile& t) {
  const int width = t.columns > kWidth ? kWide : 0;
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

}  // namespace bf16
}  // namespace
}  // namespace myelin
