// The microkernel of matrix products: a tile of C held in registers while k runs.
#pragma once
#include "common.h"

namespace myelin {
namespace {
namespace gemm {

// Tiles are 1, 2, 4 or 8 vectors wide; this is how many rows they have at most. Wide tiles of few
// rows fill the registers, a narrow one only ends a row of wider ones.
constexpr int kWidths = 4;
constexpr bool kSmallTiles = kRegisters < 32;
constexpr int kTileRows[kWidths] = {kSmallTiles ? 6 : 14, kSmallTiles ? 6 : 14, kSmallTiles ? 2 : 6,
                                    kSmallTiles ? 1 : 3};
// A tile of c = start + a b, whose element (i, k) of a is a[i * a_row + k * a_step] and (k, j) of b
// is b[k * b_step + j].
//
// Each element is one chain of fused multiply-adds in the order of k, from `start` on: the same
// bits for any tile, blocking of k (with c as start) or partition.
struct Tile {
  int64_t k;
  const float* a;
  int64_t a_row, a_step;
  const float* b;
  int64_t b_step;
  const float* start;  // null: zeros
  int64_t start_row;   // 0: one row for all, a bias
  float* c;
  int64_t c_row;
  const float* next;   // not null: c of the tile after this one, to be fetched meanwhile
  int64_t last;        // lanes of the last vector that exist
  const float* step;   // not null: c += *step * (a b), rounded as in `sgd`
  float* copy;         // not null: where the panel of b that is read is left packed
  const float* ahead;  // not null: what is read after the tiles, fetched a line a step of k
};
using TileFunction = void (*)(const Tile& t);

template <bool kPartial, int kVecs>
MYELIN_INLINE Vec load_column(const float* p, int v, int64_t last) {
  return kPartial && v == kVecs - 1 ? load_partial(p + v * kWidth, last) : load(p + v * kWidth);
}

// Rows to be copied lie far apart, so they are fetched this many early.
constexpr int64_t kRowsAhead = 16;
// c of the next tile is fetched at the start, from wherever it is, and in long loops once more so
// many steps before the end: in the meantime a and b have pushed it out of L1.
constexpr int64_t kLastSteps = 32;

// What a tile does beside its sums. No loop pays for what it does not do.
enum class Beside { kNothing, kCopy, kFetchAgain, kFetchAhead };

template <int kRows, int kVecs>
MYELIN_INLINE void fetch_tile(const float* c, int64_t c_row) {
  for (int i = 0; i < kRows; ++i) {
    MYELIN_UNROLL
    for (int v = 0; v < kVecs * kWidth; v += kLine) prefetch_to_write(c + v);
    c += c_row;
  }
}

#ifdef MYELIN_STEPS_IN_ASSEMBLY
template <int kRows, int kVecs, bool kPartial, Beside kBeside>
constexpr bool kInAssembly = kVecs == 2 && kRows >= 4 && !kPartial && kBeside != Beside::kCopy;

// As many of the tile's steps as assembly does. Moves a and b, and returns how many are left.
template <int kRows, Beside kBeside>
MYELIN_INLINE int64_t assembled_steps(const Tile& t, Vec (&sum)[kRows][2], const float*& a,
                                      const float*& b) {
  constexpr bool kAhead = kBeside == Beside::kFetchAhead;
  constexpr int64_t kBytes = sizeof(float);
  const bool side_by_side = t.a_row == 1;
  Factors factors = {a, kBytes * (side_by_side ? t.a_step : t.a_row), b, kBytes * t.b_step,
                     t.ahead};
  int64_t left = t.k;
  if (kBeside == Beside::kFetchAgain) {
    add_steps<kRows, kAhead>(sum, (left - kLastSteps) / 4, side_by_side, factors);
    fetch_tile<kRows, 2>(t.next, t.c_row);
    left = kLastSteps + left % 4;
  }
  if (left >= 4) add_steps<kRows, kAhead>(sum, left / 4, side_by_side, factors);
  a = factors.a;
  b = factors.b;
  return left % 4;
}
#endif

// Whether the factor of a row is read by each of its multiply-adds, not once, into a register:
// fewer instructions and registers, of which two threads of a core get half each, and more reads,
// which the core must be able to do (docs/decisions/0022-shared-cores.md).
template <int kRows, int kVecs, bool kPacked>
constexpr bool reads_factor(int row) {
  return kReadsFactors && kVecs == 2 && kRows >= kTileRows[1] / 2 &&
         (kPacked ? row % 4 != 0 : row % 3 == 0);
}

// `steps` of a tile's sums, from these places on. Rows of a are side by side where it is packed,
// else addressed in threes from one pointer: base, base + row and base + 2 row are one
// instruction's addressing modes, and pointers are scarce.
template <int kRows, int kVecs, bool kPartial, Beside kBeside, bool kPacked>
MYELIN_INLINE void add_products(const Tile& t, int64_t steps, const float* first, const float* b,
                                const float* ahead, Vec (&sum)[kRows][kVecs]) {
  constexpr int kPointers = kPacked ? 1 : (kRows + 2) / 3;
  const int64_t a_row = t.a_row, a_step = t.a_step, b_step = t.b_step, last = t.last;
  const float* a[kPointers];
  MYELIN_UNROLL
  for (int i = 0; i < kPointers; ++i) a[i] = first + 3 * i * a_row;
  float* copy = t.copy;
  MYELIN_UNROLL_TWICE
  for (int64_t k = steps; k > 0; --k) {
    if (kBeside == Beside::kFetchAhead) {
      prefetch_to_write(ahead);
      ahead += kLine;
    }
    if (kBeside == Beside::kFetchAgain && k == kLastSteps) {
      fetch_tile<kRows, kVecs>(t.next, t.c_row);
    }
    Vec row[kVecs];
    MYELIN_UNROLL
    for (int v = 0; v < kVecs; ++v) row[v] = load_column<kPartial, kVecs>(b, v, last);
    if (kBeside == Beside::kCopy) {
      const float* far_row = b + kRowsAhead * b_step;
      MYELIN_UNROLL
      for (int v = 0; v < kVecs * kWidth; v += kLine) prefetch(far_row + v);
      MYELIN_UNROLL
      for (int v = 0; v < kVecs; ++v) store(copy + v * kWidth, row[v]);
      copy += kVecs * kWidth;
    }
    MYELIN_UNROLL
    for (int i = 0; i < kRows; ++i) {
      const float* at = kPacked ? a[0] + i : a[i / 3] + i % 3 * a_row;
      if (reads_factor<kRows, kVecs, kPacked>(i)) {
        MYELIN_UNROLL
        for (int v = 0; v < kVecs; ++v) sum[i][v] = fma_read(at, row[v], sum[i][v]);
      } else {
        const Vec factor = broadcast(*at);
        MYELIN_UNROLL
        for (int v = 0; v < kVecs; ++v) sum[i][v] = fma(factor, row[v], sum[i][v]);
      }
    }
    b += b_step;
    MYELIN_UNROLL
    for (int i = 0; i < kPointers; ++i) a[i] += kPacked ? kRows : a_step;
  }
}

template <int kRows, int kVecs, bool kPartial, Beside kBeside>
void tile(const Tile& t) {
  const int64_t last = t.last;
  Vec sum[kRows][kVecs];
  MYELIN_UNROLL
  for (int i = 0; i < kRows; ++i) {
    MYELIN_UNROLL
    for (int v = 0; v < kVecs; ++v) {
      sum[i][v] =
          t.start ? load_column<kPartial, kVecs>(t.start + i * t.start_row, v, last) : zero();
    }
  }

  if (t.next) fetch_tile<kRows, kVecs>(t.next, t.c_row);
  const float *a = t.a, *b = t.b, *ahead = t.ahead;
  int64_t steps = t.k;
#ifdef MYELIN_STEPS_IN_ASSEMBLY
  if constexpr (kInAssembly<kRows, kVecs, kPartial, kBeside>) {
    steps = assembled_steps<kRows, kBeside>(t, sum, a, b);
    if (kBeside == Beside::kFetchAhead) ahead += (t.k - steps) * kLine;
  }
#endif
  constexpr bool kReadsPacked = reads_factor<kRows, kVecs, true>(1);
  if (kReadsPacked && t.a_row == 1 && t.a_step == kRows) {
    add_products<kRows, kVecs, kPartial, kBeside, kReadsPacked>(t, steps, a, b, ahead, sum);
  } else {
    add_products<kRows, kVecs, kPartial, kBeside, false>(t, steps, a, b, ahead, sum);
  }

  if (t.step) {
    const Vec step = broadcast(*t.step);
    MYELIN_UNROLL
    for (int i = 0; i < kRows; ++i) {
      MYELIN_UNROLL
      for (int v = 0; v < kVecs; ++v) {
        const Vec before = load_column<kPartial, kVecs>(t.c + i * t.c_row, v, last);
        sum[i][v] = fma(step, sum[i][v], before);
      }
    }
  }
  float* c = t.c;
  MYELIN_UNROLL
  for (int i = 0; i < kRows; ++i) {
    MYELIN_UNROLL
    for (int v = 0; v < kVecs; ++v) {
      if (kPartial && v == kVecs - 1) {
        store_lanes(c + v * kWidth, sum[i][v], last);
      } else {
        store(c + v * kWidth, sum[i][v]);
      }
    }
    c += t.c_row;
  }
}

// ---- Tables of tiles by width, partial last vector and rows ----

template <int... kRows>
struct RowList {};
template <int kCount, int... kRows>
struct Count : Count<kCount - 1, kCount, kRows...> {};
template <int... kRows>
struct Count<0, kRows...> {
  using Rows = RowList<kRows...>;
};

struct TileRow {
  TileFunction of_rows[15];
};

template <int kVecs, bool kPartial, Beside kBeside, int... kRows>
constexpr TileRow tiles_of(RowList<kRows...>) {
  return {{nullptr, tile<kRows, kVecs, kPartial, kBeside>...}};
}
template <int kIndex, bool kPartial, Beside kBeside = Beside::kNothing>
constexpr TileRow kTiles = tiles_of<1 << kIndex, kPartial && (kWidth > 1), kBeside>(
    typename Count<kTileRows[kIndex]>::Rows());

constexpr const TileRow* kTilesOf[2][kWidths] = {
    {&kTiles<0, false>, &kTiles<1, false>, &kTiles<2, false>, &kTiles<3, false>},
    {&kTiles<0, true>, &kTiles<1, true>, &kTiles<2, true>, &kTiles<3, true>}};

// Tiles that copy are made for a first strip of so many even ones: then it has more than two thirds
// of the most rows.
constexpr int64_t kCopyingStrips = 3;
template <int kIndex, int... kRows>
constexpr TileRow copying_tiles_of(RowList<kRows...>) {
  constexpr int kMost = kTileRows[kIndex];
  return {{nullptr,
           tile<(3 * kRows > 2 * kMost ? kRows : kMost), 1 << kIndex, false, Beside::kCopy>...}};
}
template <int kIndex>
constexpr TileRow kCopyingTiles =
    copying_tiles_of<kIndex>(typename Count<kTileRows[kIndex]>::Rows());

constexpr const TileRow* kCopyingTilesOf[] = {nullptr, &kCopyingTiles<1>, &kCopyingTiles<2>};

template <Beside kBeside>
constexpr const TileRow* kTilesBeside[kWidths] = {&kTiles<0, false>, &kTiles<1, false, kBeside>,
                                                  &kTiles<2, false, kBeside>, &kTiles<3, false>};

// A tile 2^index vectors wide.
MYELIN_INLINE void run_tile(int index, int64_t rows, const Tile& t) {
  const bool whole = t.last == kWidth, again = t.next && t.k > 2 * kLastSteps;
  const TileRow* tiles = t.copy             ? kCopyingTilesOf[index]
                         : whole && t.ahead ? kTilesBeside<Beside::kFetchAhead>[index]
                         : whole && again   ? kTilesBeside<Beside::kFetchAgain>[index]
                                            : kTilesOf[!whole][index];
  tiles->of_rows[rows](t);
}

}  // namespace gemm
}  // namespace
}  // namespace myelin
