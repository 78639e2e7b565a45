// Products in single precision on a matrix unit for bf16 numbers: each operand is the sum of three,
// and of the nine products of these the six are summed that a float's 24 bits can hold
// (docs/decisions/0019-bf16x3.md).
#pragma once
#include "blocks.h"
#include "pack_bf16x3.h"

namespace myelin {
namespace {
namespace bf16x3 {

using namespace bf16;
using gemm::Product;

// How deep a block is, and words of the workspace for the side of it that stays in the second
// cache, two groups of the other side that pass by, and sums for a sink: a strip, or what is
// computed at a time where the product is deeper than a block. What is left is for numbers that
// have no three terms.
constexpr int64_t kDepth = 512, kStays = 256 * 1024;
constexpr int64_t kPasses =
    2 * max_int(Groups::words(kTileRows, kDepth), Groups::words(kPanel, kDepth));
constexpr int64_t kSums = 64 * 1024;
constexpr int64_t kSumsBegin = kStays + kPasses, kRestBegin = kSumsBegin + kSums;
static_assert(kRestBegin + kPanel * kDepth <= kWorkspaceFloats);
// Whether lanes that stay are one group: of what passes by it, two units of depth have a place, so
// that a block may be deeper.
constexpr bool is_thin(int64_t lanes) { return lanes <= kTileRows; }
constexpr int64_t kThinDepth = kDepth * 8;
static_assert(Groups::words(kPanel, kThinDepth) <= kStays);
static_assert(kRestBegin + kPanel * kThinDepth <= kWorkspaceFloats);

// A part of a product: c[i..i + m, j..j + n], the sums of `depth` elements from k on.
struct Block {
  int64_t i, j, k, m, n, depth;
};

inline Product part_of(const Product& p, const Block& block) {
  Product part = p;
  part.m = block.m;
  part.n = block.n;
  part.k = block.depth;
  part.a = p.a.from(block.i, block.k);
  part.b = p.b.from(block.k, block.j);
  part.shift(block.i * p.c_stride + block.j);
  part.continues = block.k > 0 || p.continues;
  part.bias = p.bias && !part.continues ? p.bias + block.j : nullptr;
  if (block.k + block.depth < p.k) part.epilogue = {};
  return part;
}

// As vectors do it: numbers that are too large, or none.
inline void multiply_on_vectors(const Product& p, float* workspace) {
  if (p.a.piece != 0 || p.b.piece != 0) {
    return gemm::multiply_pieces(
        p, [=](const Product& q) { bf16x3::multiply_on_vectors(q, workspace); });
  }
  const gemm::Blocking narrow = {1,  gemm::kTileRows[1], kPanel, false, p.b.transposed, p.m, kPanel,
                                 p.k};
  gemm::multiply_blocks(p, narrow, workspace);
}

// A block, no deeper than can be. Of one side all groups stay in the second cache; those of the
// other pass by, each packed while the one before is multiplied, or unit by unit where only one
// stays. Only that is done beside tiles: packing what stays gains nothing by it, and an optimizer
// takes longer than it does alone.
class BlockProduct {
 public:
  BlockProduct(const Product& p, bool rows_pass, float* workspace)
      : p_(p),
        rows_pass_(rows_pass),
        workspace_(workspace),
        a_(true, side(p.a, !p.a.transposed, p.m, p.k), strip_rows(p.m),
           rows_pass ? passing_places(p.n) : p.m, workspace + (rows_pass ? kStays : 0)),
        b_(false, side(p.b, p.b.transposed, p.n, p.k), kPanel,
           rows_pass ? p.n : passing_places(p.m), workspace + (rows_pass ? 0 : kStays)) {
    tile_.beside = &beside_;
    tile_.pairs = round_up(p.k, kDepthUnit) / 2;
    tile_.strip = strip_rows(p.m);
    tile_.start_stride = p.continues ? p.c_stride : 0;
  }

  void run() {
    Groups &passing = rows_pass_ ? a_ : b_, &staying = rows_pass_ ? b_ : a_;
    const int64_t passes = passing.count(), stays = staying.count();
    const int64_t shares = stays * tile_.pairs / (kDepthUnit / 2) * kShares;
    staying.pack_all();
    passing.pack_first();
    begin_tiles(tile_.strip);
    for (int64_t pass = 0; pass < passes; ++pass) {
      beside_ = passing.packing_beside(pass, shares);
      for (int64_t index = 0; index < stays; ++index) {
        rows_pass_ ? multiply_tile(pass, index) : multiply_tile(index, pass);
      }
      beside_.finish();
      if (p_.sink) use_up(pass);
    }
    end_tiles();
  }

 private:
  static Side side(const gemm::Matrix& x, bool deep, int64_t lanes, int64_t depth) {
    return {x.data, x.stride, deep, lanes, depth, x.piece, x.piece_step, x.first};
  }
  // Groups that have a place while they pass by a side of so many lanes.
  static int64_t passing_places(int64_t lanes) { return is_thin(lanes) ? 0 : 2; }

  void multiply_tile(int64_t strip, int64_t panel) {
    const int64_t i = strip * tile_.strip, j = panel * kPanel;
    tile_.a = a_.at(strip);
    tile_.a_turn = a_.turn_of(strip);
    tile_.b = b_.at(panel);
    tile_.b_turn = b_.turn_of(panel);
    tile_.rows = a_.lanes(strip);
    tile_.columns = b_.lanes(panel);
    float* c = p_.c + i * p_.c_stride + j;
    tile_.start = p_.continues ? c : p_.bias ? p_.bias + j : nullptr;
    float* to = p_.sink ? workspace_ + kSumsBegin + j : c;
    const int64_t to_stride = p_.sink ? p_.n : p_.c_stride;
    const bool by_units = tile_.a_turn || tile_.b_turn, aside = by_units && p_.continues;
    tile_.c = aside ? sums_ : to;
    tile_.c_stride = aside ? kPanel : to_stride;
    // A tile's own units are looked at while it is computed, the next group's too.
    bool done = by_units || is_small();
    if (done) run_tile<3>(tile_);
    if (by_units) done = is_small();
    if (done) {
      if (aside) copy_rows(sums_, kPanel, to, to_stride, tile_.rows, tile_.columns);
      p_.finish(to, tile_.rows, tile_.columns);
    } else {
      Product part = part_of(p_, {i, j, 0, tile_.rows, tile_.columns, p_.k});
      part.sink = nullptr;
      part.c = to;
      part.c_stride = to_stride;
      multiply_on_vectors(part, workspace_ + kRestBegin);
    }
  }

  bool is_small() const { return a_.small() && b_.small(); }

  void use_up(int64_t strip) {
    float* c = p_.c + strip * tile_.strip * p_.c_stride;
    (*p_.sink)(workspace_ + kSumsBegin, p_.n, c, {p_.c_stride, a_.lanes(strip), p_.n},
               c + p_.c_stride);
  }

  const Product& p_;
  const bool rows_pass_;
  float* workspace_;
  Groups a_, b_;
  Beside beside_;
  Tile tile_;
  alignas(64) float sums_[kTileRows * kPanel];
};

// Computes the product; `workspace` is a StepContext's. Pieces of operands are whole units of
// depth, strips and panels: none of these is cut.
inline void multiply(const Product& p, float* workspace) {
  const auto again = [=](const Product& q) { bf16x3::multiply(q, workspace); };
  if (p.step) return gemm::multiply_for_step(p, again);
  if (p.sink && p.k > kDepth) return gemm::sink_deep(p, workspace + kSumsBegin, kSums, again);
  // What an optimizer goes through is one stretch where rows pass. Else the longer side passes; of
  // two that are as long the one that is packed along k, which is faster.
  const bool rows_pass = p.sink || p.m > p.n || (p.m == p.n && !p.a.transposed);
  const int64_t deepest = is_thin(rows_pass ? p.n : p.m) ? kThinDepth : kDepth;
  const int64_t depth = gemm::even_share(p.k, deepest, kDepthUnit);
  const int64_t strips = kStays / Groups::words(kTileRows, depth);
  const int64_t panels = min_int(kStays / Groups::words(kPanel, depth), kSums / kTileRows / kPanel);
  const int64_t rows = rows_pass ? p.m : gemm::even_share(p.m, strips * kTileRows, kTileRows);
  const int64_t columns = rows_pass ? panels * kPanel : p.n;
  for (int64_t k = 0; k < p.k; k += depth) {
    for (int64_t i = 0; i < p.m; i += rows) {
      for (int64_t j = 0; j < p.n; j += columns) {
        const Product block = part_of(p, {i, j, k, min_int(rows, p.m - i),
                                          min_int(columns, p.n - j), min_int(depth, p.k - k)});
        BlockProduct(block, rows_pass, workspace).run();
      }
    }
  }
}

// Whether it takes less time than on vectors: what packing takes, for each multiplication that an
// element is for, is no more than what multiplying saves; less where units are packed one by one.
// Less deep than a unit, sums are mostly of zeros; and a gradient of so few samples is used up no
// faster.
MYELIN_INLINE bool worth_splitting(const gemm::Product& p) {
  const bool deep = p.k >= (p.a.transposed ? 2 * kDepthUnit : kDepthUnit);
  const int64_t cost = is_thin(min_int(p.m, p.n)) ? 26 : 32;
  return deep && p.m * p.n > cost * (p.m + p.n);
}

}  // namespace bf16x3
}  // namespace
}  // namespace myelin
