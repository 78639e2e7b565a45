// Matrix products of operands rounded to bf16; sums, bias and epilogue stay in single precision.
#pragma once
#include "../simd/bf16.h"
#include "gemm.h"

namespace myelin {
namespace {
namespace bf16 {

using gemm::Matrix;
using gemm::Product;

// Tiles are one or two vectors wide; this is how many rows then fit into the registers.
constexpr int kVecs = 2;
constexpr int kPanel = kVecs * kWidth;
constexpr int kTileRows = (kRegisters - kPairRegisters) / kVecs;
constexpr int kStrip = (kTileRows + kWidth - 1) / kWidth * kWidth;

// Both operands are packed, in words of two elements that follow each other along k. Blocks of k
// are whole pairs; the last pair is filled up with zeros.
constexpr int64_t kDepth = 512;  // of a block
constexpr int64_t kBlockColumns = 16 * kWidth;
constexpr int64_t kPackedA = 128 * 1024;  // words of the workspace
static_assert(kPackedA + kBlockColumns * kDepth / 2 <= kWorkspaceFloats);

// ---- Packing ----

// One of a product's sides: `lanes` rows or columns, `depth` deep. Element (i, k) is
// data[k * stride + i], or data[i * stride + k] where `deep`.
struct Side {
  const float* data;
  int64_t stride;
  bool deep;
  int64_t lanes, depth;
};

// Where it is packed: groups of `lanes` (the last may be short), each k-major in rows of kWords,
// whole vectors. Words beyond a group's lanes are undefined.
struct Packed {
  float* data;
  int64_t lanes;
};

// A row of a group from two rows of k, of which the second is missing at an odd end.
template <int kWords>
MYELIN_INLINE void pack_row(const float* even, const float* odd, int64_t left, float* to) {
  if (odd && left >= kWords) {
    MYELIN_UNROLL
    for (int i = 0; i < kWords; i += kWidth) {
      store(to + i, as_float(pair_lanes(load(even + i), load(odd + i))));
    }
    return;
  }
  for (int i = 0; i < kWords && i < left; i += kWidth) {
    const Vec x = load_lanes(even + i, left - i);
    const Vec y = odd ? load_lanes(odd + i, left - i) : zero();
    store(to + i, as_float(pair_lanes(x, y)));
  }
}

template <int kWords>
MYELIN_INLINE void pack_flat(const Side& from, const Packed& to) {
  const int64_t pairs = divide_up(from.depth, 2);
  for (int64_t p = 0; p < pairs; ++p) {
    const float* even = from.data + 2 * p * from.stride;
    const float* odd = 2 * p + 1 < from.depth ? even + from.stride : nullptr;
    float* row = to.data + p * kWords;
    for (int64_t group = 0; group < from.lanes; group += to.lanes) {
      pack_row<kWords>(even + group, odd ? odd + group : nullptr, from.lanes - group, row);
      row += pairs * kWords;
    }
  }
}

// Up to 2 kWidth elements of kWidth rows.
template <int kWords, bool kWhole>
MYELIN_INLINE void pack_square(const float* const* rows, int64_t k, int64_t left, float* to) {
  Vec pairs[kWidth];
  MYELIN_UNROLL
  for (int r = 0; r < kWidth; ++r) {
    const float* low = rows[r] + k;
    const float* high = low + kWidth;
    if (kWhole) {
      pairs[r] = as_float(pair_neighbours(load(low), load(high)));
    } else {
      pairs[r] = as_float(pair_neighbours(
          load_lanes(low, left), left > kWidth ? load_lanes(high, left - kWidth) : zero()));
    }
  }
  transpose(pairs);
  MYELIN_UNROLL
  for (int p = 0; p < kWidth; ++p) {
    if (kWhole || 2 * p < left) store(to + p * kWords, pairs[p]);
  }
}

template <int kWords>
MYELIN_INLINE void pack_deep(const Side& from, const Packed& to) {
  float* at = to.data;
  for (int64_t group = 0; group < from.lanes; group += to.lanes) {
    const int64_t lanes = min_int(to.lanes, from.lanes - group);
    for (int64_t i = 0; i < lanes; i += kWidth) {
      const float* rows[kWidth];
      for (int r = 0; r < kWidth; ++r) {
        rows[r] = from.data + (group + min_int(i + r, lanes - 1)) * from.stride;
      }
      int64_t k = 0;
      for (; k + 2 * kWidth <= from.depth; k += 2 * kWidth) {
        pack_square<kWords, true>(rows, k, 2 * kWidth, at + k / 2 * kWords + i);
      }
      if (k < from.depth) {
        pack_square<kWords, false>(rows, k, from.depth - k, at + k / 2 * kWords + i);
      }
    }
    at += divide_up(from.depth, 2) * kWords;
  }
}

template <int kWords>
void pack(const Side& from, const Packed& to) {
  if (from.deep) {
    pack_deep<kWords>(from, to);
  } else {
    pack_flat<kWords>(from, to);
  }
}

// ---- Tiles ----

// c = start + a b for kRows x kColumns vectors of c; `start` is null for zeros, its rows are
// start_stride apart (0: one row for all, a bias). Only the first `last` lanes of the last vector
// exist. Each element is one chain along k, from `start` on: the same bits for any tile or block.
template <int kRows, int kColumns>
void tile(int64_t pairs, const float* a, const float* b, const float* start, int64_t start_stride,
          float* c, int64_t c_stride, int64_t last) {
  Vec sum[kRows][kColumns];
  MYELIN_UNROLL
  for (int i = 0; i < kRows; ++i) {
    MYELIN_UNROLL
    for (int v = 0; v < kColumns; ++v) {
      const float* from = start + i * start_stride + v * kWidth;
      sum[i][v] = !start ? zero() : v == kColumns - 1 ? load_lanes(from, last) : load(from);
    }
  }
  for (; pairs > 0; --pairs) {
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

using TileFunction = void (*)(int64_t pairs, const float* a, const float* b, const float* start,
                              int64_t start_stride, float* c, int64_t c_stride, int64_t last);

struct TileTable {
  TileFunction of[kVecs][kTileRows];
};
template <int... kRows>
constexpr TileTable tiles_of(gemm::RowList<kRows...>) {
  return {{{tile<kRows, 1>...}, {tile<kRows, 2>...}}};
}
constexpr TileTable kTiles = tiles_of(gemm::Count<kTileRows>::Rows());

// ---- Blocks ----

// c[0..m, 0..n] of the product, `depth` deep, of operands that are packed.
struct Block {
  int64_t m, n, depth;
  const float *a, *b;
  const float* start;
  int64_t start_stride;
  float* c;
  bool last;  // of k: then the epilogue follows
};

// Rows of all strips but the last one: as even as can be.
MYELIN_INLINE int64_t strip_rows(int64_t m) { return divide_up(m, divide_up(m, kTileRows)); }

inline void multiply_block(const Product& p, const Block& block) {
  const int64_t pairs = divide_up(block.depth, 2);
  const int64_t rows = strip_rows(block.m);
  const float* a = block.a;
  for (int64_t i = 0; i < block.m; i += rows) {
    const int64_t height = min_int(rows, block.m - i);
    const float* b = block.b;
    for (int64_t j = 0; j < block.n; j += kPanel) {
      const int64_t columns = min_int(kPanel, block.n - j);
      const int64_t vecs = divide_up(columns, kWidth);
      const float* start = block.start ? block.start + i * block.start_stride + j : nullptr;
      float* c = block.c + i * p.c_stride + j;
      kTiles.of[vecs - 1][height - 1](pairs, a, b, start, block.start_stride, c, p.c_stride,
                                      columns - (vecs - 1) * kWidth);
      if (block.last) p.finish(c, height, columns);
      b += pairs * kPanel;
    }
    a += pairs * kStrip;
  }
}

// Computes the product; `workspace` is a StepContext's.
inline void multiply(const Product& p, float* workspace) {
  float* packed_a = workspace;
  float* packed_b = workspace + kPackedA;
  const int64_t depth = gemm::even_share(p.k, kDepth, 2);
  const int64_t rows = gemm::even_share(p.m, kPackedA / (depth / 2) / kStrip * kTileRows, 1);
  Block block;
  for (int64_t k = 0; k < p.k; k += depth) {
    block.depth = min_int(depth, p.k - k);
    block.last = k + block.depth == p.k;
    block.start_stride = k > 0 ? p.c_stride : 0;
    for (int64_t i = 0; i < p.m; i += rows) {
      block.m = min_int(rows, p.m - i);
      block.a = packed_a;
      pack<kStrip>({p.a.at(i, k), p.a.stride, !p.a.transposed, block.m, block.depth},
                   {packed_a, strip_rows(block.m)});
      for (int64_t j = 0; j < p.n; j += kBlockColumns) {
        block.n = min_int(kBlockColumns, p.n - j);
        block.b = packed_b;
        pack<kPanel>({p.b.at(k, j), p.b.stride, p.b.transposed, block.n, block.depth},
                     {packed_b, kPanel});
        block.c = p.c + i * p.c_stride + j;
        block.start = k > 0 ? block.c : p.bias ? p.bias + j : nullptr;
        multiply_block(p, block);
      }
    }
  }
}

inline void multiply_part(const Product& whole, float* workspace, int64_t part, int64_t parts) {
  if (parts == 1) return bf16::multiply(whole, workspace);
  Product p = whole;
  gemm::take_part(p, part, parts);
  if (p.m > 0 && p.n > 0) bf16::multiply(p, workspace);
}

}  // namespace bf16
}  // namespace
}  // namespace myelin
