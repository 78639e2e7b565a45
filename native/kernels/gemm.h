// Matrix products c = f(a b + bias): blocking and packing around the tiles of tile.h.
#pragma once
#include "tile.h"
#include "unary.h"

namespace myelin {
namespace {
namespace gemm {

// Element (i, j) is data[i * stride + j], or data[j * stride + i] where transposed.
struct Matrix {
  const float* data;
  int64_t stride;
  bool transposed;

  const float* at(int64_t i, int64_t j) const {
    return transposed ? data + j * stride + i : data + i * stride + j;
  }
};

// What follows a product, tile by tile while the tile is still in the nearest cache: an activation,
// or the product with an activation's gradient.
struct Epilogue {
  unary::TileFunction run;  // null: nothing
  const float* saved;       // what the gradient reads, laid out like c
  float alpha, beta;
};

struct Product {
  int64_t m, n, k;
  Matrix a, b;  // m x k, k x n
  float* c;     // m x n
  int64_t c_stride;
  const float* bias;  // null: none
  Epilogue epilogue;
  // Not null: c -= *rate * (a b), with the bits that `sgd` gives for a gradient of a b. Only where
  // b is not transposed, and without bias and epilogue.
  const float* rate;

  // Makes c begin `elements` later.
  void shift(int64_t elements) {
    c += elements;
    if (epilogue.saved) epilogue.saved += elements;
  }

  void finish(float* from, int64_t rows, int64_t columns) const {
    if (!epilogue.run) return;
    const float* saved = epilogue.saved ? epilogue.saved + (from - c) : nullptr;
    epilogue.run(from, saved, {c_stride, rows, columns}, epilogue.alpha, epilogue.beta);
  }
};

// How a product is cut: rows of a strip and vectors of a panel are those of a tile.
struct Blocking {
  int vecs;
  int64_t strip_rows;
  bool pack_a, pack_b;
  int64_t m, n, k;  // of a block; the workspace holds a packed block of a and one of b
};

constexpr int64_t kPackedDepth = 1024;
constexpr int64_t kPackedB = 160 * 1024;  // floats of the workspace
constexpr int64_t kPackedA = kWorkspaceFloats - kPackedB;

MYELIN_INLINE int64_t even_share(int64_t n, int64_t most, int64_t unit) {
  return round_up(divide_up(n, divide_up(n, most)), unit);
}

// The tile's shape, as an index into kTileRows.
inline int tile_width(int64_t m, int64_t n) {
  if (n <= kWidth) return 0;
  if (m <= kTileRows[3] && n > 4 * kWidth) return 3;
  if (m <= kTileRows[2] && n > 2 * kWidth) return 2;
  return 1;
}

inline Blocking blocking(const Product& p) {
  const int width = tile_width(p.m, p.n);
  Blocking s = {1 << width, kTileRows[width], false, p.b.transposed, p.m, p.n, p.k};
  const int64_t panel = s.vecs * kWidth;
  s.n = panel;
  if (p.rate && p.k > kPackedDepth) return s;  // sums must be whole before they meet c
  const bool large = p.m > 2 * s.strip_rows && p.k * p.n > 512 * 1024;
  s.pack_b |= large || (p.m > 2 * s.strip_rows && p.b.stride % 1024 == 0);
  s.pack_a = p.m > s.strip_rows && p.n > 2 * panel &&
             (p.a.stride % 1024 == 0 || (large && p.a.transposed && p.a.stride % 512 == 0));
  if (s.pack_a) {
    s.k = even_share(p.k, kPackedDepth, 4);
    s.m = min_int(p.m, kPackedA / s.k);
  }
  // A small panel of b after the other; a is read where it lies.
  if (s.pack_b) s.k = min_int(s.k, kPackedB / s.n);
  return s;
}

// The `index`th of `count` strips of m rows, heights within one of each other.
MYELIN_INLINE Range strip(int64_t m, int64_t count, int64_t index) {
  const int64_t height = m / count, taller = m % count;
  const int64_t begin = index * height + min_int(index, taller);
  return {begin, begin + height + (index < taller)};
}

// to[k * stride + i] = from[i * from_stride + k] for i < n, k < depth; n is at most a vector.
inline void pack_transposed(const float* from, int64_t from_stride, int64_t n, int64_t depth,
                            float* to, int64_t stride, int64_t lanes) {
  Vec rows[kWidth];
  for (int64_t k = 0; k < depth; k += kWidth) {
    const int64_t count = min_int(kWidth, depth - k);
    MYELIN_UNROLL
    for (int i = 0; i < kWidth; ++i) {
      rows[i] = i < n ? load_lanes(from + i * from_stride + k, count) : zero();
    }
    transpose(rows);
    if (count == kWidth && lanes == kWidth) {
      MYELIN_UNROLL
      for (int i = 0; i < kWidth; ++i) store(to + (k + i) * stride, rows[i]);
      continue;
    }
    alignas(64) float columns[kWidth * kWidth];
    MYELIN_UNROLL
    for (int i = 0; i < kWidth; ++i) store(columns + i * kWidth, rows[i]);
    for (int64_t i = 0; i < count; ++i) {
      store_lanes(to + (k + i) * stride, load(columns + i * kWidth), lanes);
    }
  }
}

// Panels of `panel` columns of b, each k-major and filled up with zeros.
inline void pack_panels(const Matrix& b, int64_t depth, int64_t n, int64_t panel, float* to) {
  if (b.transposed) {
    for (int64_t j = 0; j < n; j += kWidth) {
      pack_transposed(b.data + j * b.stride, b.stride, min_int(kWidth, n - j), depth,
                      to + j / panel * panel * depth + j % panel, panel, kWidth);
    }
    return;
  }
  for (int64_t k = 0; k < depth; ++k) {
    const float* row = b.data + k * b.stride;
    for (int64_t j = 0; j < n; j += kWidth) {
      store(to + j / panel * panel * depth + k * panel + j % panel, load_lanes(row + j, n - j));
    }
  }
}

// Strips of a, each k-major: a transposed matrix of as many columns as the strip has rows.
inline void pack_strips(const Matrix& a, int64_t m, int64_t depth, int64_t strips, float* to) {
  for (int64_t s = 0; s < strips; ++s) {
    const Range rows = strip(m, strips, s);
    const int64_t height = rows.end - rows.begin;
    for (int64_t i = 0; i < height; i += kWidth) {
      const int64_t lanes = min_int(kWidth, height - i);
      const float* from = a.at(rows.begin + i, 0);
      if (!a.transposed) {
        pack_transposed(from, a.stride, lanes, depth, to + i, height, lanes);
        continue;
      }
      for (int64_t k = 0; k < depth; ++k) {
        store_lanes(to + k * height + i, load_lanes(from + k * a.stride, lanes), lanes);
      }
    }
    to += height * depth;
  }
}

// One block: c[0..m, 0..n] of the product, `depth` deep.
struct Block {
  int64_t m, n, depth;
  Matrix a, b;
  const float* start;
  int64_t start_stride;
  float* c;
  bool last;  // of k: then the epilogue follows
};

// A strip of a block times all panels of b.
inline void multiply_strip(const Product& p, const Blocking& s, const Block& block, Range rows,
                           const float* a, int64_t a_stride, bool a_transposed) {
  const int64_t height = rows.end - rows.begin;
  const int64_t panel = s.vecs * kWidth;
  for (int64_t j = 0; j < block.n;) {
    const int64_t left = block.n - j;
    int vecs = s.vecs;
    while (vecs > 1 && left <= (vecs - 1) * kWidth) vecs >>= 1;
    const int64_t columns = min_int(left, vecs * kWidth);
    const int64_t last = columns - (vecs - 1) * kWidth;
    const float* b =
        s.pack_b ? block.b.data + j / panel * panel * block.depth + j % panel : block.b.data + j;
    const float* start = block.start ? block.start + rows.begin * block.start_stride + j : nullptr;
    float* c = block.c + rows.begin * p.c_stride + j;
    find_tile(vecs, a_transposed, last < kWidth, height)(
        block.depth, a, a_stride, b, s.pack_b ? panel : block.b.stride, start, block.start_stride,
        c, p.c_stride, last, p.rate);
    if (block.last) p.finish(c, height, columns);
    j += columns;
  }
}

inline void multiply_block(const Product& p, const Blocking& s, const Block& block,
                           const float* packed_a) {
  const int64_t strips = divide_up(block.m, s.strip_rows);
  for (int64_t i = 0; i < strips; ++i) {
    const Range rows = strip(block.m, strips, i);
    if (s.pack_a) {
      multiply_strip(p, s, block, rows, packed_a + rows.begin * block.depth, rows.end - rows.begin,
                     true);
    } else {
      multiply_strip(p, s, block, rows, block.a.at(rows.begin, 0), block.a.stride,
                     block.a.transposed);
    }
  }
}

// Computes the product; `workspace` is a StepContext's.
inline void multiply(const Product& p, float* workspace) {
  const Blocking s = blocking(p);
  float* packed_a = workspace;
  float* packed_b = workspace + kPackedA;
  for (int64_t k = 0; k < p.k; k += s.k) {
    Block block;
    block.depth = min_int(s.k, p.k - k);
    block.last = k + block.depth == p.k;
    for (int64_t i = 0; i < p.m; i += s.m) {
      block.m = min_int(s.m, p.m - i);
      block.a = {p.a.at(i, k), p.a.stride, p.a.transposed};
      if (s.pack_a) {
        pack_strips(block.a, block.m, block.depth, divide_up(block.m, s.strip_rows), packed_a);
      }
      for (int64_t j = 0; j < p.n; j += s.n) {
        block.n = min_int(s.n, p.n - j);
        block.b = {p.b.at(k, j), p.b.stride, p.b.transposed};
        block.c = p.c + i * p.c_stride + j;
        block.start = k > 0 ? block.c : p.bias ? p.bias + j : nullptr;
        block.start_stride = k > 0 ? p.c_stride : 0;
        if (s.pack_b) {
          pack_panels(block.b, block.depth, block.n, s.vecs * kWidth, packed_b);
          block.b.data = packed_b;
        }
        multiply_block(p, s, block, packed_a);
      }
    }
  }
}

// ---- Few rows times a transposed matrix ----

// Up to this many rows, transposing b costs more than the product.
constexpr int64_t kDotRows = 2;

// c = a b for one row of a and up to a vector of columns, which are rows of b's memory: sums along
// k lie in lanes, and are added across at the end.
MYELIN_INLINE void dot_columns(int64_t k, const float* a, const float* b, int64_t b_stride,
                               int64_t columns, float* c) {
  const float* rows[kWidth];
  Vec sum[kWidth];
  MYELIN_UNROLL
  for (int j = 0; j < kWidth; ++j) {
    rows[j] = b + min_int(j, columns - 1) * b_stride;
    sum[j] = zero();
  }
  for (int64_t i = 0; i < k; i += kWidth) {
    const Vec x = load_lanes(a + i, k - i);
    MYELIN_UNROLL
    for (int j = 0; j < kWidth; ++j) sum[j] = fma(x, load_lanes(rows[j] + i, k - i), sum[j]);
  }
  transpose(sum);
  MYELIN_UNROLL
  for (int step = kWidth / 2; step > 0; step /= 2) {
    MYELIN_UNROLL
    for (int j = 0; j < step; ++j) sum[j] = sum[j] + sum[j + step];
  }
  store_lanes(c, sum[0], columns);
}

// The product where b is transposed and a has at most kDotRows rows: no bias.
inline void multiply_dots(const Product& p) {
  for (int64_t j = 0; j < p.n; j += kWidth) {
    for (int64_t i = 0; i < p.m; ++i) {
      dot_columns(p.k, p.a.at(i, 0), p.b.at(0, j), p.b.stride, min_int(kWidth, p.n - j),
                  p.c + i * p.c_stride + j);
    }
  }
  p.finish(p.c, p.m, p.n);
}

// ---- A few numbers ----

// Up to this many rows times depth, choosing blocks costs more than the product.
constexpr int64_t kNarrowWork = 64;

// c is one narrow panel, each of its rows one chain along k as in the tiles: the same bits.
inline void multiply_narrow(const Product& p) {
  const Vec start = p.bias ? load_lanes(p.bias, p.n) : zero();
  for (int64_t i = 0; i < p.m; ++i) {
    Vec sum = start;
    for (int64_t k = 0; k < p.k; ++k) {
      sum = fma(broadcast(*p.a.at(i, k)), load_lanes(p.b.at(k, 0), p.n), sum);
    }
    float* c = p.c + i * p.c_stride;
    if (p.rate) sum = load_lanes(c, p.n) - broadcast(*p.rate) * sum;
    store_lanes(c, sum, p.n);
  }
  p.finish(p.c, p.m, p.n);
}

// ---- Division over parts ----

// The larger side of c is divided: rows one by one, columns in whole vectors.
inline int64_t parts(int64_t m, int64_t n) {
  return m >= n ? divide_up(m, 4) : divide_up(n, 2 * kWidth);
}

// The product as it stands, or that of a part of c; `dots` is decided on the whole product: a part
// must not choose another order of summation.
inline void multiply_whole(const Product& p, float* workspace, bool dots) {
  if (dots) {
    multiply_dots(p);
  } else {
    multiply(p, workspace);
  }
}

// Makes the product that of a part of c, which may be empty.
MYELIN_INLINE void take_part(Product& p, int64_t part, int64_t parts) {
  if (p.m >= p.n) {
    const Range r = split(p.m, 1, part, parts);
    p.m = r.end - r.begin;
    p.a.data = p.a.at(r.begin, 0);
    p.shift(r.begin * p.c_stride);
  } else {
    const Range r = split(p.n, kWidth, part, parts);
    p.n = r.end - r.begin;
    p.b.data = p.b.at(0, r.begin);
    p.shift(r.begin);
    if (p.bias) p.bias += r.begin;
  }
}

inline void multiply_part(const Product& whole, float* workspace, int64_t part, int64_t parts) {
  if (!whole.b.transposed && whole.n <= kWidth && whole.m * whole.k <= kNarrowWork) {
    if (part == 0) multiply_narrow(whole);
    return;
  }
  const bool dots = whole.b.transposed && whole.m <= kDotRows;
  if (parts == 1) return multiply_whole(whole, workspace, dots);
  Product p = whole;
  take_part(p, part, parts);
  if (p.m > 0 && p.n > 0) multiply_whole(p, workspace, dots);
}

}  // namespace gemm
}  // namespace
}  // namespace myelin
