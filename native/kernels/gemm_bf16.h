// Matrix products of operands rounded to bf16; sums, bias and epilogue stay in single precision.
#pragma once
#include "gemm.h"
#if defined(MYELIN_ISA_AVX512AMX)
#include "tile_amx.h"
#else
#include "tile_bf16.h"
#endif

namespace myelin {
namespace {
namespace bf16 {

using gemm::Product;

// Both operands are packed, in blocks of k that are whole units of depth; the last one is filled up
// with zeros. A block of b is whole panels, of a whole strips.
//
// For a sink there is room for a strip of a block, or for what is computed at a time where the
// product is deeper than a block.
constexpr int64_t kGradient = 64 * 1024;
static_assert(kPackedA + kPackedB + kGradient <= kWorkspaceFloats);

// c[0..m, 0..n] of the product, of operands that are packed.
struct Block {
  int64_t m, n, pairs;
  const float *a, *b;
  const float* start;
  int64_t start_stride;
  float* c;
  float* gradient;  // of a strip, for the sink
  bool last;        // of k: then the epilogue follows
};

inline void multiply_block(const Product& p, const Block& block) {
  Tile t;
  t.pairs = block.pairs;
  t.strip = strip_rows(block.m);
  t.a = block.a;
  t.start_stride = block.start_stride;
  t.c_stride = p.sink ? block.n : p.c_stride;
  begin_tiles(t.strip);
  for (int64_t i = 0; i < block.m; i += t.strip) {
    t.rows = min_int(t.strip, block.m - i);
    t.b = block.b;
    float* c = block.c + i * p.c_stride;
    float* to = p.sink ? block.gradient : c;
    for (int64_t j = 0; j < block.n; j += kPanel) {
      t.columns = min_int(kPanel, block.n - j);
      t.start = block.start ? block.start + i * block.start_stride + j : nullptr;
      t.c = to + j;
      run_tile(t);
      if (block.last) p.finish(t.c, t.rows, t.columns);
      t.b += block.pairs * pair_words(kPanel);
    }
    t.a += strip_words(t.strip, block.pairs);
    if (p.sink) {
      const unary::Tile tile = {p.c_stride, t.rows, block.n};
      (*p.sink)(to, t.c_stride, c, tile, c + t.rows * p.c_stride);
    }
  }
  end_tiles();
}

// Computes the product; `workspace` is a StepContext's.
inline void multiply(const Product& p, float* workspace) {
  const auto again = [=](const Product& q) { bf16::multiply(q, workspace); };
  if (p.step) return gemm::multiply_for_step(p, again);
  if (p.sink && p.k > kDepth) {
    return gemm::sink_deep(p, workspace + kPackedA + kPackedB, kGradient, again);
  }
  float* packed_a = workspace;
  float* packed_b = workspace + kPackedA;
  const int64_t depth = gemm::even_share(p.k, kDepth, kDepthUnit);
  const int64_t rows =
      gemm::even_share(p.m, kPackedA / strip_words(kTileRows, depth / 2) * kTileRows, 1);
  // Whole rows, where they fit: what an optimizer reads after a strip is then one stretch.
  const int64_t columns =
      min_int(kPackedB / pair_words(depth / 2), kGradient / kTileRows) / kPanel * kPanel;
  Block block;
  block.gradient = packed_b + kPackedB;
  for (int64_t k = 0; k < p.k; k += depth) {
    const int64_t deep = min_int(depth, p.k - k);
    block.pairs = round_up(deep, kDepthUnit) / 2;
    block.last = k + deep == p.k;
    const bool goes_on = k > 0 || p.continues;
    block.start_stride = goes_on ? p.c_stride : 0;
    for (int64_t i = 0; i < p.m; i += rows) {
      block.m = min_int(rows, p.m - i);
      block.a = packed_a;
      pack_strips({p.a.at(i, k), p.a.stride, !p.a.transposed, block.m, deep},
                  {packed_a, strip_rows(block.m), block.pairs});
      for (int64_t j = 0; j < p.n; j += columns) {
        block.n = min_int(columns, p.n - j);
        block.b = packed_b;
        pack<kPanel>({p.b.at(k, j), p.b.stride, p.b.transposed, block.n, deep},
                     {packed_b, kPanel, block.pairs});
        block.c = p.c + i * p.c_stride + j;
        block.start = goes_on ? block.c : p.bias ? p.bias + j : nullptr;
        multiply_block(p, block);
      }
    }
  }
}

inline void multiply_part(const Product& whole, float* workspace, int64_t part, int64_t parts) {
  Product p = whole;
  if (parts > 1) gemm::take_part(p, part, parts);
  if (p.m == 0 || p.n == 0) return;
  if (p.a.piece == 0 && p.b.piece == 0) return bf16::multiply(p, workspace);
  gemm::multiply_pieces(p, [=](const Product& q) { bf16::multiply(q, workspace); });
}

}  // namespace bf16
}  // namespace
}  // namespace myelin
