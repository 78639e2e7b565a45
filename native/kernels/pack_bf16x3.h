// Packing of operands in three bf16 terms: of each number those of 8 significant bits whose sum it
// is.
#pragma once
#include "tile_amx.h"

namespace myelin {
namespace {
namespace bf16x3 {

using namespace bf16;

// Of pairs of numbers, as words.
struct Terms {
  Int of[3];
};

// The largest magnitude of a pair's first terms, as bits. Of some that are none the first term is
// zero, but the last one is none either.
struct Largest {
  Int bits = broadcast_int(0);

  MYELIN_INLINE void see(Int pairs) { bits = max_halves(bits, pairs & broadcast_int(0x7fff7fff)); }
  // Whether no number is infinite, of which the remainder would be none, and no sum of products
  // overflows, in whatever order.
  bool is_small() const {
    constexpr int32_t kMost = 0x5780;  // 2^48
    return !any(less(broadcast_int(kMost), bits & broadcast_int(0xffff)) |
                less(broadcast_int(kMost), shift_right<16>(bits)));
  }
};

MYELIN_INLINE Vec upper_bits(Int x) { return as_float(x & broadcast_int(-0x10000)); }

// The first terms are the nearest bf16 numbers, of those as near the larger, so that remainders of
// both signs are left, of 15 bits or one: exact, and so are the parts into which these are cut.
MYELIN_INLINE Terms split_pairs(Vec even, Vec odd) {
  const Int even1 = as_int(even) + broadcast_int(0x8000);
  const Int odd1 = as_int(odd) + broadcast_int(0x8000);
  const Int even2 = as_int(even - upper_bits(even1)), odd2 = as_int(odd - upper_bits(odd1));
  const Vec even3 = as_float(even2) - upper_bits(even2), odd3 = as_float(odd2) - upper_bits(odd2);
  return {
      {pair_upper(even1, odd1), pair_upper(even2, odd2), pair_upper(as_int(even3), as_int(odd3))}};
}

// kWidth numbers of each of kWidth rows; those beyond `rows` and `lanes` are zeros.
struct Square {
  const float* data;
  int64_t stride, rows, lanes;

  template <bool kWhole>
  MYELIN_INLINE Vec row(int64_t i) const {
    if (kWhole) return load(data + i * stride);
    return i < rows ? load_lanes(data + i * stride, lanes) : zero();
  }
};

// Rows become lanes, in `scratch`.
template <bool kWhole>
MYELIN_INLINE void turn(const Square& square, float* scratch) {
  Vec rows[kWidth];
  MYELIN_UNROLL
  for (int i = 0; i < kWidth; ++i) rows[i] = square.row<kWhole>(i);
  transpose(rows);
  MYELIN_UNROLL
  for (int i = 0; i < kWidth; ++i) store(scratch + i * kWidth, rows[i]);
}

// Where words go: rows `row_step` apart, a term's `term_step` from those of the one before; if not
// 0, lines so far ahead are fetched, to be written next.
struct Words {
  float* data;
  int64_t row_step, term_step, ahead;
};

// Word j of row i is the pair of lane j of both squares' rows i.
template <bool kWhole>
MYELIN_INLINE void split_rows(const Square& even, const Square& odd, Range rows, const Words& to,
                              Largest& largest) {
  float* at = to.data + rows.begin * to.row_step;
  MYELIN_UNROLL_TWICE
  for (int64_t i = rows.begin; i < rows.end; ++i) {
    const Terms terms = split_pairs(even.row<kWhole>(i), odd.row<kWhole>(i));
    largest.see(terms.of[0]);
    MYELIN_UNROLL
    for (int term = 0; term < 3; ++term) {
      float* words = at + term * to.term_step;
      store(words, as_float(terms.of[term]));
      if (to.ahead) prefetch_to_write(words + to.ahead);
    }
    at += to.row_step;
  }
}

// Squares that lie on their side are turned when the first of their rows are wanted.
template <bool kTurn, bool kWhole>
MYELIN_INLINE void split_squares(const Square& even, const Square& odd, Range rows, const Words& to,
                                 float* scratch, Largest& largest) {
  if (!kTurn) return split_rows<kWhole>(even, odd, rows, to, largest);
  constexpr int64_t kSize = kWidth * kWidth;
  if (rows.begin == 0) {
    turn<kWhole>(even, scratch);
    turn<kWhole>(odd, scratch + kSize);
  }
  split_rows<true>({scratch, kWidth, kWidth, kWidth}, {scratch + kSize, kWidth, kWidth, kWidth},
                   rows, to, largest);
}

// A group of lanes is packed by units of depth, in which the terms follow each other, each as it
// would be alone; these by kWidth lanes, and these in steps of some rows of words: lanes where
// `kByLane`, else pairs along k.
constexpr int64_t kRowsOfStep = 4, kStepsOfSquare = kWidth / kRowsOfStep;

inline int64_t steps_of(const Side& group) {
  return divide_up(group.depth, kDepthUnit) * divide_up(group.lanes, kWidth) * kStepsOfSquare;
}

// `alone`: not beside tiles, whose loads would wait for lines that are fetched to be written.
template <bool kDeep, bool kByLane>
bool split_steps(const Side& side, const Packed& to, Range steps, bool alone, float* scratch) {
  Largest largest;
  // One square wide or two: no division, of which there would be one for every four rows.
  const int wide = side.lanes > kWidth;
  const int64_t term_words = (kByLane ? to.lanes : kPanel) * kTileSide;
  for (int64_t step = steps.begin; step < steps.end; ++step) {
    const int64_t square = step / kStepsOfSquare, unit = square >> wide, k = unit * kDepthUnit;
    const int64_t lane = (square & wide) * kWidth;
    const int64_t row = step % kStepsOfSquare * kRowsOfStep;
    const int64_t lanes = min_int(kWidth, side.lanes - lane);
    const int64_t left = side.depth - k, second = max_int(0, left - kWidth);
    const float* data =
        side.data + (kDeep ? lane * side.stride + side.place(k) : lane + k * side.stride);
    const float* below = data + kWidth * (kDeep ? 1 : side.stride);
    const Square even = {data, side.stride, kDeep ? lanes : left, kDeep ? left : lanes};
    const Square odd = {below, side.stride, kDeep ? lanes : second, kDeep ? second : lanes};
    const Range rows = {row, kByLane ? min_int(row + kRowsOfStep, lanes) : row + kRowsOfStep};
    float* at = to.data + unit * 3 * term_words + lane * (kByLane ? kTileSide : 1);
    const Words words = {at, kByLane ? kTileSide : kPanel, term_words, alone ? 3 * term_words : 0};
    if (lanes == kWidth && second >= kWidth) {
      split_squares<kDeep != kByLane, true>(even, odd, rows, words, scratch, largest);
    } else {
      split_squares<kDeep != kByLane, false>(even, odd, rows, words, scratch, largest);
    }
  }
  return largest.is_small();
}

// One side of a block. A group of lanes makes a strip or a panel of tiles; each has a place, or all
// take so many in turn. Without any, units of depth take turns in two: of groups that are
// multiplied only once, each packed just before, so that it is still in L1.
class Groups {
 public:
  Groups(bool of_a, const Side& side, int64_t lanes, int64_t places, float* to)
      : side_(side),
        lanes_(lanes),
        count_(divide_up(side.lanes, lanes)),
        places_(places),
        to_(to),
        split_(of_a ? (side.deep ? split_steps<true, true> : split_steps<false, true>)
                    : (side.deep ? split_steps<true, false> : split_steps<false, false>)) {}

  // Words of a group, with all of its lanes.
  static constexpr int64_t words(int64_t lanes, int64_t depth) {
    return 3 * lanes * round_up(depth, kDepthUnit) / 2;
  }

  int64_t count() const { return count_; }
  int64_t lanes(int64_t group) const { return min_int(lanes_, side_.lanes - group * lanes_); }
  // Where a group, or its first unit, is, and, if units take turns, where its second one.
  float* at(int64_t group) const {
    return places_ ? to_ + group % places_ * words(lanes_, side_.depth) : turn(group * units());
  }
  float* turn_of(int64_t group) const { return places_ ? nullptr : turn(group * units() + 1); }
  // Whether all that was packed is of numbers small enough to be multiplied.
  bool small() const { return small_; }

  void pack_all() {
    for (int64_t group = 0; group < count_; ++group) pack_whole(group);
  }
  // What must be packed before the first group is multiplied, and, in so many shares, beside each.
  void pack_first() {
    if (places_) return pack_whole(0);
    pack_units(this, 0, kStepsOfUnit);
  }
  Beside packing_beside(int64_t group, int64_t shares) {
    if (places_) return packing(group + 1, shares);
    return {pack_units, this, units() * kStepsOfUnit, shares};
  }

 private:
  static constexpr int64_t kStepsOfUnit = 2 * kStepsOfSquare;

  int64_t units() const { return divide_up(side_.depth, kDepthUnit); }
  float* turn(int64_t unit) const { return to_ + unit % 2 * words(lanes_, kDepthUnit); }

  void begin(int64_t group) {
    piece_ = side_.part(group * lanes_, lanes(group));
    packed_ = {at(group), lanes_, units() * kDepthUnit / 2};
  }
  void pack(int64_t begin, int64_t end, bool alone) {
    small_ &= split_(piece_, packed_, {begin, end}, alone, scratch_);
  }
  void pack_whole(int64_t group) {
    begin(group);
    pack(0, steps_of(piece_), true);
  }

  Beside packing(int64_t group, int64_t shares) {
    if (group >= count_) return {};
    begin(group);
    return {pack_group, this, steps_of(piece_), shares};
  }
  static void pack_group(void* self, int64_t begin, int64_t end) {
    static_cast<Groups*>(self)->pack(begin, end, false);
  }

  // As many steps for each unit, whatever a group's lanes, so that none is packed before its turn.
  static void pack_units(void* self, int64_t begin, int64_t end) {
    Groups& groups = *static_cast<Groups*>(self);
    for (int64_t left = end - begin; left > 0;) {
      if (groups.step_ == kStepsOfUnit && !groups.next_unit()) return;
      const int64_t step = groups.step_, next = min_int(step + left, kStepsOfUnit);
      const int half = groups.piece_.lanes <= kWidth;
      groups.pack(step >> half, next >> half, false);
      groups.step_ = next;
      left -= next - step;
    }
  }

  // Whether there is one.
  bool next_unit() {
    if (next_ == count_) return false;
    piece_ = side_.part(next_ * lanes_, lanes(next_)).below(next_depth_, kDepthUnit);
    packed_ = {turn(unit_++), lanes_, kDepthUnit / 2};
    step_ = 0;
    next_depth_ += kDepthUnit;
    if (next_depth_ >= side_.depth) next_depth_ = 0, ++next_;
    return true;
  }

  Side side_;
  int64_t lanes_, count_, places_;
  float* to_;
  bool (*split_)(const Side& side, const Packed& to, Range steps, bool alone, float* scratch);
  bool small_ = true;
  // What is being packed: a group, or a unit, of which so many steps are done.
  Side piece_;
  Packed packed_;
  int64_t step_ = kStepsOfUnit;
  // The next unit: of which group, how deep, and how many came before it.
  int64_t next_ = 0, next_depth_ = 0, unit_ = 0;
  alignas(64) float scratch_[2 * kWidth * kWidth];
};

}  // namespace bf16x3
}  // namespace
}  // namespace myelin
