// Packing of operands in pairs of bf16 numbers that follow each other along k: a word each, or,
// where no instruction multiplies those, two floats.
#pragma once
#include "../simd/bf16.h"
#include "beside.h"
#include "product.h"

namespace myelin {
namespace {
namespace bf16 {

// One of a product's sides: `lanes` rows or columns, `depth` deep. Element (i, k) is
// data[k * stride + i], or data[i * stride + k] where `deep`; of three terms, rows may be in
// pieces, as in gemm::Matrix.
struct Side {
  const float* data;
  int64_t stride;
  bool deep;
  int64_t lanes, depth;
  int64_t piece = 0, piece_step = 0, first = 0;

  // Where an element of a row lies.
  MYELIN_INLINE int64_t place(int64_t i) const {
    return piece ? gemm::place_in_pieces(first + i, piece, piece_step) : i;
  }
  // Some of its lanes: of one piece, where these are in pieces.
  Side part(int64_t lane, int64_t count) const {
    Side some = *this;
    some.lanes = count;
    some.data += deep ? lane * stride : place(lane);
    if (!deep) some.piece = 0;
    return some;
  }
  // What is no deeper than `most`, from k on: of one piece, where rows are in pieces.
  Side below(int64_t k, int64_t most) const {
    Side some = *this;
    some.data += deep ? place(k) : k * stride;
    some.depth = min_int(most, depth - k);
    if (deep) some.piece = 0;
    return some;
  }
};

// Where it is packed: groups of `lanes` (the last may be short), each k-major in kPairRows rows of
// kWords, whole vectors. Lanes beyond a group's are undefined, `pairs` beyond the depth zeros.
struct Packed {
  float* data;
  int64_t lanes, pairs;
};

// What a row of pairs takes that is `lanes` wide.
MYELIN_INLINE constexpr int64_t pair_words(int64_t lanes) { return kPairRows * lanes; }

// A row of a group from two rows of k, of which the second, or both, may be missing at the end.
template <int kWords>
MYELIN_INLINE void pack_row(const float* even, const float* odd, int64_t left, float* to) {
  if (odd && left >= kWords) {
    MYELIN_UNROLL
    for (int i = 0; i < kWords; i += kWidth) {
      store_pairs(to + i, kWords, pair_lanes(load(even + i), load(odd + i)));
    }
    return;
  }
  for (int i = 0; i < kWords && i < left; i += kWidth) {
    const Vec x = even ? load_lanes(even + i, left - i) : zero();
    const Vec y = odd ? load_lanes(odd + i, left - i) : zero();
    store_pairs(to + i, kWords, pair_lanes(x, y));
  }
}

template <int kWords>
MYELIN_INLINE void pack_flat(const Side& from, const Packed& to) {
  for (int64_t p = 0; p < to.pairs; ++p) {
    const float* even = from.data + 2 * p * from.stride;
    const float* odd = even + from.stride;
    const bool has_even = 2 * p < from.depth, has_odd = 2 * p + 1 < from.depth;
    float* row = to.data + p * pair_words(kWords);
    for (int64_t group = 0; group < from.lanes; group += to.lanes) {
      pack_row<kWords>(has_even ? even + group : nullptr, has_odd ? odd + group : nullptr,
                       from.lanes - group, row);
      row += to.pairs * pair_words(kWords);
    }
  }
}

// Element k and those that follow it, up to 2 kWidth: `left` of them exist.
template <bool kWhole>
MYELIN_INLINE Vec load_pairs(const float* row, int64_t left) {
  if (kWhole) return as_float(pair_neighbours(load(row), load(row + kWidth)));
  return as_float(pair_neighbours(
      load_lanes(row, left), left > kWidth ? load_lanes(row + kWidth, left - kWidth) : zero()));
}

// Up to 2 kWidth elements of kWidth rows.
template <int kWords, bool kWhole>
MYELIN_INLINE void pack_square(const float* const* rows, int64_t k, int64_t left, int64_t to_pairs,
                               float* to) {
  Vec pairs[kWidth];
  MYELIN_UNROLL
  for (int r = 0; r < kWidth; ++r) pairs[r] = load_pairs<kWhole>(rows[r] + k, left);
  transpose(pairs);
  MYELIN_UNROLL
  for (int p = 0; p < kWidth; ++p) {
    if (kWhole || p < to_pairs) {
      store_pairs(to + p * pair_words(kWords), kWords, as_int(pairs[p]));
    }
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
        pack_square<kWords, true>(rows, k, 2 * kWidth, kWidth, at + k / 2 * pair_words(kWords) + i);
      }
      if (k < from.depth) {
        pack_square<kWords, false>(rows, k, from.depth - k, to.pairs - k / 2,
                                   at + k / 2 * pair_words(kWords) + i);
      }
    }
    at += to.pairs * pair_words(kWords);
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

// A tile of c = start + a b, of operands that are packed; a's strips are `strip` rows high.
struct Tile {
  int64_t pairs, strip;
  const float *a, *b;
  // Not null: units of depth lie at a (or b) and here in turn.
  const float *a_turn = nullptr, *b_turn = nullptr;
  const float* start;    // null: zeros
  int64_t start_stride;  // 0: one row for all, a bias
  float* c;
  int64_t c_stride;
  int64_t rows, columns;
  Beside* beside;  // of products of three terms
};

}  // namespace bf16
}  // namespace
}  // namespace myelin
