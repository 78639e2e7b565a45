// Matrix products: how each is computed, and its division over parts.
#pragma once
#include "blocks.h"
#include "dot.h"
#include "narrow.h"
#include "outer.h"
#include "row.h"
#if defined(MYELIN_ISA_AVX512AMX)
#include "gemm_bf16x3.h"
#endif

namespace myelin {
namespace {
namespace gemm {

// Ways that differ in the order of summation, hence in the bits.
enum class Order { kChains, kDots, kNarrowDots, kSplit };

// What a product costs beside its multiply-adds, in cycles or so: the lanes of a tile's last vector
// that are idle, against adding up the lanes of a dot product and transposing b.
MYELIN_INLINE bool worth_dots(int64_t n, int64_t k) {
  const int64_t idle = round_up(n, kWidth) - n;
  return n <= kWidth && k > kFewNumbers && k * idle > 4 * kWidth * n;
}

// Decided on the whole product, since all parts must agree, and where b is not transposed by its
// size alone, since a sample's result must not depend on the batch that it is in; but for a matrix
// unit, too slow for a few samples.
inline Order order_of(const Product& p) {
#if defined(MYELIN_ISA_AVX512AMX)
  if (bf16x3::worth_splitting(p)) return Order::kSplit;
#endif
  if (p.updates() || p.a.transposed) return Order::kChains;
  const bool narrow = worth_dots(p.n, p.k);
  if (!p.b.transposed) {
    const bool fits = p.n * round_up(p.k, kWidth) <= kWorkspaceFloats;
    return narrow && fits ? Order::kNarrowDots : Order::kChains;
  }
  // Above, transposing b for tiles costs less than adding up lanes.
  constexpr int64_t kFewRows = kSmallTiles ? 12 : 64;
  const bool few_rows = p.m <= 2 || (p.m <= kFewRows && 10 * p.m <= p.k);
  return narrow || few_rows ? Order::kDots : Order::kChains;
}

// Whether columns of c are divided, not rows. A kernel is divided by columns wherever it has enough
// of them: forwards, for its gradient and by the optimizer, so that each column is written and read
// by one CPU. Lines that another one has written come at a third of the speed.
MYELIN_INLINE bool divides_columns(int64_t m, int64_t n, bool a_transposed) {
  return a_transposed ? n > m || owns_columns(n) : n > m || (owns_columns(n) && 2 * n > m);
}
MYELIN_INLINE bool divides_columns(const Product& p) {
  return divides_columns(p.m, p.n, p.a.transposed);
}

// Makes the product that of a part of c, which may be empty: rows one by one or columns in whole
// vectors.
MYELIN_INLINE void take_part(Product& p, int64_t part, int64_t parts) {
  if (!divides_columns(p)) {
    const Range r = split(p.m, 1, part, parts);
    p.m = r.end - r.begin;
    p.a = p.a.from(r.begin, 0);
    p.shift(r.begin * p.c_stride);
  } else {
    p.take_columns(split(p.n, kWidth, part, parts));
  }
}

// The most parts that a product of m x n can be divided into.
inline int64_t parts(int64_t m, int64_t n, bool a_transposed) {
  return divides_columns(m, n, a_transposed) ? divide_up(n, 2 * kWidth) : divide_up(m, 4);
}

// Computes a product, which may be empty, in the order that was chosen for it or its whole.
inline void multiply_in(Order order, const Product& p, float* workspace) {
  if (p.m == 0 || p.n == 0) return;
#if defined(MYELIN_ISA_AVX512AMX)
  if (order == Order::kSplit) return bf16x3::multiply(p, workspace);
#endif
  if (p.a.piece != 0 || p.b.piece != 0) {
    return multiply_pieces(p, [=](const Product& q) { multiply_in(order, q, workspace); });
  }
  if (order == Order::kDots) return multiply_dots(p);
  if (order == Order::kNarrowDots) return multiply_narrow_dots(p, workspace);
  if (is_outer(p)) return multiply_outer(p, workspace);
  if (is_row(p)) return multiply_row(p);
  if (is_narrow_transposed(p)) return multiply_narrow_transposed(p, workspace);
  multiply_blocks(p, blocking(p, cache_sizes()), workspace);
}

// Computes a part; `workspace` is a StepContext's.
inline void multiply_part(const Product& whole, float* workspace, int64_t part, int64_t parts) {
  if (is_few(whole)) {
    if (part == 0) multiply_few(whole, workspace);
    return;
  }
  const Order order = order_of(whole);
  // A copy of what was just written would wait for it.
  if (parts == 1) return multiply_in(order, whole, workspace);
  Product p = whole;
  take_part(p, part, parts);
  multiply_in(order, p, workspace);
}

}  // namespace gemm
}  // namespace
}  // namespace myelin
