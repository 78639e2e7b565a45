// Products in blocks: which of a and b is packed, and in what order the tiles come.
#pragma once
#include "../cache_sizes.h"
#include "pack.h"

namespace myelin {
namespace {
namespace gemm {

// How a product is cut: rows of a strip and vectors of a panel are those of a tile.
struct Blocking {
  int width;  // of a tile: 2^width vectors
  int64_t strip_rows, panel;
  bool pack_a, pack_b;
  int64_t m, n,
      k;  // of a block; the workspace holds one of a and one of b, packed, and a strip of c
};

MYELIN_INLINE int64_t even_share(int64_t n, int64_t most, int64_t unit) {
  return round_up(n <= most ? n : divide_up(n, divide_up(n, most)), unit);
}

// The most depth of a block: more would make neither packing nor passes over c much cheaper.
constexpr int64_t kDepth = 1024;
// Matrices whose rows are a multiple of this apart have their columns in a few places of the cache,
// and of twice this in one: nearest caches have 64 lines of 64 bytes to a way.
constexpr int64_t kAliasing = 512;

// A tall tile loads least; a wide one is for few rows, or where `wide` is asked for.
inline int tile_width(int64_t m, int64_t n, bool wide) {
  if (n <= kWidth) return 0;
  if (m <= kTileRows[3] && n > 4 * kWidth) return 3;
  if ((wide || m <= kTileRows[2]) && n > 2 * kWidth) return 2;
  return 1;
}

// The most elements of a transposed a that are worth reading in place, however large L2 is: each
// step of k is on other lines, and on other pages where rows are long (docs/decisions/0018).
constexpr int64_t kStays = 64 * 1024;

// Strips from which on a b whose rows are no whole lines is worth packing.
constexpr int64_t kStripsOfSplit = 6;

// Rows that b can be read for in place, at the speed at which it comes; how many pages of 4 KB
// prefetchers follow at a time, and floats of a page.
constexpr int64_t kRowsInPlace = 28;
constexpr int64_t kPagesFollowed = 32, kPage = 1024;

// Whether rows are so few that what counts is how b comes, from L3 or, after another layer's, back
// into L2.
inline bool is_bound_by_b(const Product& p, const CacheSizes& caches) {
  const int64_t bytes = 4 * p.k * p.n;
  if (p.updates() || p.b.transposed) return false;
  if (p.m <= kRowsInPlace) return bytes > caches.l2 / 2;
  return !kSmallTiles && p.m <= 3 * kTileRows[1] && bytes > caches.l2;
}

// An a that half of L2 takes (if transposed, a quarter and no more than kStays) stays there while b
// passes by, panel after panel. Otherwise, or where loops are so short that c is most of the work,
// b stays, packed, as much of it as half of L2 takes (small tiles: twice as much as L2), and strips
// of a pass by, those of a transposed a packed too and about the size of L1. Else both are read in
// place, but for a b that is transposed, or whose rows alias or split lines, or that small tiles
// read so often that even a panel of it must lie close together.
inline Blocking blocking(const Product& p, const CacheSizes& caches) {
  const int64_t l1 = caches.l1 / 4;  // in floats
  const int64_t l2 = min_int(caches.l2 / 4, kWorkspaceFloats / 2);
  const bool many = p.m > 2 * kTileRows[1];
  // A strip of a transposed a touches up to twice the lines that it fills.
  const bool a_stays =
      p.m * p.k <= (p.a.transposed ? min_int(caches.l2 / 16, kStays) : caches.l2 / 8);
  // Over fewer columns of c the time for packing does not come back.
  const bool packing_pays = p.a.transposed && !p.updates() && p.n >= 16 * kWidth;
  // Small tiles read both more often.
  const bool b_stays =
      many && !a_stays && (packing_pays || p.k * p.n > (kSmallTiles ? l2 / 2 : 2 * l2));
  // Of short loops, while L1 holds their panel, those of a wide tile follow each other best.
  const bool shallow = 4 * kWidth * p.k <= l1 / 2;
  // Small tiles come to the same columns of a more often.
  const bool a_aliases =
      kSmallTiles ? p.a.stride % (kAliasing / 2) == 0 : p.a.stride % kAliasing == 0 && !a_stays;
  const bool packs_a = p.a.transposed && many && (b_stays || a_aliases);
  // A wide tile takes fewer instructions, but more of b, which had better be near, and the columns
  // left over take longer with its few rows. Packed strips are faster with tall ones, and an
  // optimizer, which goes through strips. For few rows a transposed b is hardly worth packing, and
  // less in wide panels.
  const bool near = kReadsFactors && p.n % (4 * kWidth) == 0 && 4 * p.k * p.n <= caches.l2 / 2 &&
                    !packs_a && !p.sink && (many || !p.b.transposed);
  // A wide small tile has fewer sums, too few to hide their latency. Where rows alias, a tall tile
  // has more of them than the cache has lines.
  const bool wide =
      !kSmallTiles && !(p.updates() && p.shares_rows()) &&
      (shallow || near || (!p.a.transposed && (b_stays || p.a.stride % (2 * kAliasing) == 0)));
  const int width = tile_width(p.m, p.n, wide);
  const int64_t panel = kWidth << width;
  Blocking s = {width, kTileRows[width], panel, false, false, p.m, panel, p.k};
  if (is_bound_by_b(p, caches)) {
    // b is read in place and once, whole rows of it or a page of each, as many at a time as can be
    // foreseen; c comes back from a near cache for each of these blocks.
    s.n = even_share(p.n, kPage, panel);
    s.k = even_share(p.k, kPagesFollowed * kPage / min_int(max_int(p.b.stride, panel), kPage), 4);
    return s;
  }
  if (p.updates() && p.k > kDepth) return s;  // sums must be whole before they meet c
  // Most vectors of rows that are not whole lines are read from two of them.
  const bool b_is_split =
      kWidth == kLine && p.b.stride % kLine != 0 && p.m > kStripsOfSplit * kTileRows[1];
  const bool b_is_read_often = many && (kSmallTiles || p.b.stride % kAliasing == 0 || b_is_split);
  s.pack_b = p.b.transposed || b_stays || b_is_read_often;
  s.pack_a = packs_a && p.n > 2 * panel;
  if (!p.updates()) {
    // A packed strip stays in L1, a low one beside the panels of b.
    const int64_t strip =
        kSmallTiles ? l1 * 3 / 4 / (s.strip_rows + panel) : l1 * 5 / 8 / s.strip_rows;
    const int64_t fits = s.pack_a ? strip : s.pack_b ? l2 / 4 / panel : kDepth;
    s.k = even_share(p.k, max_int(16, min_int(fits, kDepth)), 4);
  }
  // Small tiles read a so often that b had better come from L3.
  const int64_t of_b = kSmallTiles && !s.pack_a ? min_int(2 * l2, kWorkspaceFloats / 2) : l2 / 2;
  int64_t most_n = s.pack_b && (!a_stays || shallow) ? of_b / s.k : panel;
  // An optimizer begins and ends with waiting, and fetches ahead where rows are whole.
  if (p.sink) most_n = min_int(l2 / 2 / s.k, l2 / 8 / s.strip_rows);
  // Reading along a row of c, prefetchers would run on into what another CPU writes.
  if (p.shares_rows()) most_n = panel;
  s.n = most_n <= panel ? panel : even_share(p.n, most_n, panel);
  if (s.pack_a) {
    const int64_t taken = s.n * s.k + s.strip_rows * s.n;
    const int64_t most = (kWorkspaceFloats - taken) / (s.k + kLine) - s.strip_rows;
    s.m = even_share(p.m, most, s.strip_rows);
  }
  return s;
}

// One block: c[0..m, 0..n] of the product, `depth` deep.
struct Block {
  int64_t m, n, depth;
  Matrix a, b;      // in place
  float* packed_a;  // null: not packed
  float* packed_b;  // null: not packed
  int64_t copied;   // columns of b that the first strip packs, since it reads them first
  const float* start;
  int64_t start_row;
  float* c;
  float* gradient;  // of a strip, for the sink
  bool last;        // of k: then the epilogue follows
};

// What a sink goes through after a strip lies in a far cache: each of the strip's tiles fetches its
// share of it, a line a step of k. Only where rows are whole, and it is one stretch of a matrix,
// and not where loops are so long that they would fetch it over and over.
struct Shares {
  int64_t lines = 0, all = 0;  // of one matrix, of all
  int64_t each = 0;            // of a tile; 0: nothing is fetched

  Shares(const Product& p, const Blocking& s, const Block& block, int64_t height) {
    if (!p.sink || block.n < p.c_stride) return;
    lines = height * block.n / kLine;
    all = lines * p.sink->matrix_count;
    each = divide_up(all, divide_up(block.n, s.panel));
    if (p.k > 2 * each) each = 0;
  }

  // Where the tile begins that is the `index`th of the strip at c.
  MYELIN_INLINE const float* at(int64_t index, const Product& p, const float* c) const {
    if (each == 0) return nullptr;
    const int64_t first = min_int(index * each, all - 1), matrix = first / lines;
    const int64_t offset = c - p.sink->matrices[0] + (first - matrix * lines) * kLine;
    return p.sink->matrices[matrix] + offset;
  }
};

// Rows of a block, its `index`th strip, times all panels of b.
inline void multiply_strip(const Product& p, const Blocking& s, const Block& block, Range rows,
                           int64_t index) {
  const int64_t height = rows.end - rows.begin;
  Tile t;
  t.k = block.depth;
  if (block.packed_a) {
    t.a = block.packed_a + packed_strip(rows.begin, index, block.depth);
    t.a_row = 1;
    t.a_step = height;
  } else {
    t.a = block.a.at(rows.begin, 0);
    t.a_row = block.a.row_step();
    t.a_step = block.a.column_step();
  }
  t.start_row = block.start_row;
  t.next = nullptr;
  t.step = p.step;
  float* c = block.c + rows.begin * p.c_stride;
  const float* below = block.c + rows.end * p.c_stride;
  const bool fetches = !p.sink && (p.k > s.k || p.shares_rows());
  float* to = p.sink ? block.gradient : c;
  t.c_row = p.sink ? s.n : p.c_stride;
  const Shares shares(p, s, block, height);
  for (int64_t j = 0; j < block.n;) {
    const int64_t left = block.n - j;
    int width = s.width;
    while (width > 0 && left <= ((1 << width) - 1) * kWidth) --width;
    const int64_t columns = min_int(left, kWidth << width);
    t.last = columns - ((1 << width) - 1) * kWidth;
    t.b = block.b.data + j;
    t.b_step = block.b.stride;
    t.copy = nullptr;
    if (block.packed_b) {
      float* packed = block.packed_b + j / s.panel * s.panel * block.depth + j % s.panel;
      if (index == 0 && j < block.copied) {
        t.copy = packed;
      } else {
        t.b = packed;
        t.b_step = s.panel;
      }
    }
    t.start = block.start ? block.start + rows.begin * block.start_row + j : nullptr;
    t.c = to + j;
    if (fetches) t.next = columns < left ? t.c + columns : below;
    t.ahead = shares.at(j / s.panel, p, c);
    run_tile(width, height, t);
    if (block.last) p.finish(t.c, height, columns);
    j += columns;
  }
  if (p.sink) (*p.sink)(to, t.c_row, c, {p.c_stride, height, block.n}, below);
}

// Packs a block's b, but for whole panels that the first of `strips` strips can pack.
inline void pack_b(const Blocking& s, int64_t strips, Block& block) {
  const bool copies = !block.b.transposed && s.width > 0 && strips >= kCopyingStrips;
  block.copied = copies ? block.n / s.panel * s.panel : 0;
  if (block.copied == block.n) return;
  const Matrix rest = {block.b.at(0, block.copied), block.b.stride, block.b.transposed};
  pack_panels(rest, block.depth, block.n - block.copied, s.panel,
              block.packed_b + block.copied * block.depth);
}

// Computes the product; `workspace` is a StepContext's.
inline void multiply_blocks(const Product& p, const Blocking& s, float* workspace) {
  Block block;
  block.packed_b = s.pack_b ? workspace : nullptr;
  float* behind_b = workspace + (s.pack_b ? s.n * s.k : 0);
  block.gradient = behind_b;
  block.packed_a = s.pack_a ? behind_b + (p.sink ? s.strip_rows * s.n : 0) : nullptr;
  block.copied = 0;
  for (int64_t k = 0; k < p.k; k += s.k) {
    block.depth = min_int(s.k, p.k - k);
    block.last = k + block.depth == p.k;
    for (int64_t i = 0; i < p.m; i += s.m) {
      block.m = min_int(s.m, p.m - i);
      const Pieces strips(block.m, s.strip_rows);
      block.a = {p.a.at(i, k), p.a.stride, p.a.transposed};
      if (s.pack_a) pack_strips(block.a, block.depth, strips, block.packed_a);
      for (int64_t j = 0; j < p.n; j += s.n) {
        block.n = min_int(s.n, p.n - j);
        block.b = {p.b.at(k, j), p.b.stride, p.b.transposed};
        if (s.pack_b) pack_b(s, strips.count, block);
        block.c = p.c + i * p.c_stride + j;
        const bool goes_on = k > 0 || p.continues;
        block.start = goes_on ? block.c : p.bias ? p.bias + j : nullptr;
        block.start_row = goes_on ? p.c_stride : 0;
        for (int64_t index = 0; index < strips.count; ++index) {
          multiply_strip(p, s, block, strips[index], index);
        }
      }
    }
  }
}

}  // namespace gemm
}  // namespace
}  // namespace myelin
