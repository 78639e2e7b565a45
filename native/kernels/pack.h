// Packing: blocks of matrices laid out in the order in which tiles read them.
#pragma once
#include "product.h"
#include "tile.h"

namespace myelin {
namespace {
namespace gemm {

MYELIN_INLINE void fetch_row(const float* from, int64_t n) {
  for (int64_t i = 0; i < n; i += kLine) prefetch(from + i);
}

// to[k * stride + i] = from[i * from_stride + k] for i < n, k < depth; n is at most a vector.
// Stores a whole vector for each k, the last lanes being copies where n is less.
inline void pack_transposed(const float* from, int64_t from_stride, int64_t n, int64_t depth,
                            float* to, int64_t stride) {
  const float* rows[kWidth];
  MYELIN_UNROLL
  for (int i = 0; i < kWidth; ++i) rows[i] = from + min_int(i, n - 1) * from_stride;
  Vec block[kWidth];
  int64_t k = 0;
  for (; k + kWidth <= depth; k += kWidth) {
    MYELIN_UNROLL
    for (int i = 0; i < kWidth; ++i) block[i] = load(rows[i] + k);
    transpose(block);
    MYELIN_UNROLL
    for (int i = 0; i < kWidth; ++i) store(to + (k + i) * stride, block[i]);
  }
  if (k == depth) return;
  MYELIN_UNROLL
  for (int i = 0; i < kWidth; ++i) block[i] = load_partial(rows[i] + k, depth - k);
  transpose(block);
  MYELIN_UNROLL
  for (int i = 0; i < kWidth; ++i) {
    if (k + i < depth) store(to + (k + i) * stride, block[i]);
  }
}

// Panels of `panel` columns of b, each k-major; what is missing of the last vector is arbitrary.
inline void pack_panels(const Matrix& b, int64_t depth, int64_t n, int64_t panel, float* to) {
  if (b.transposed) {
    for (int64_t j = 0; j < n; j += kWidth) {
      pack_transposed(b.at(0, j), b.stride, min_int(kWidth, n - j), depth,
                      to + j / panel * panel * depth + j % panel, panel);
    }
    return;
  }
  for (int64_t k = 0; k < depth; ++k) {
    const float* row = b.at(k, 0);
    if (k + kRowsAhead < depth) fetch_row(row + kRowsAhead * b.stride, n);
    float* out = to + k * panel;
    for (int64_t j = 0; j < n; j += panel) {
      const int64_t columns = min_int(panel, n - j);
      for (int64_t i = 0; i < columns; i += kWidth) {
        store(out + i, load_lanes(row + j + i, columns - i));
      }
      out += panel * depth;
    }
  }
}

// Where a packed strip begins: a line later than need be after every strip, since strips a power of
// two apart would compete for the same places in the cache.
MYELIN_INLINE int64_t packed_strip(int64_t first_row, int64_t index, int64_t depth) {
  return first_row * depth + index * kLine;
}

// Strips of rows of a transposed a, each k-major. Some k at a time: each of them is on other pages,
// and so is each strip.
inline void pack_strips(const Matrix& a, int64_t depth, const Pieces& strips, float* to) {
  constexpr int64_t kTogether = kSmallTiles ? 32 : 16;
  for (int64_t first = 0; first < depth; first += kTogether) {
    const int64_t end = min_int(depth, first + kTogether);
    const float* column = a.at(0, first);
    float* strip = to;
    for (int64_t s = 0; s < strips.count; ++s) {
      const int64_t height = strips.length + (s < strips.longer);
      const float* from = column;
      for (int64_t k = first; k < end; ++k) {
        for (int64_t i = 0; i < height; i += kWidth) {
          const int64_t n = min_int(kWidth, height - i);
          // A whole vector is the fastest to store where the next k overwrites the surplus.
          store_lanes(strip + k * height + i, load_lanes(from + i, n),
                      height <= kWidth ? kWidth : n);
        }
        from += a.stride;
      }
      column += height;
      strip += height * depth + kLine;
    }
  }
}

}  // namespace gemm
}  // namespace
}  // namespace myelin
