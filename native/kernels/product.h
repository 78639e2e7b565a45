// What a matrix product is: c = f(a b + bias), or an update of c.
#pragma once
#include "unary.h"

namespace myelin {
namespace {
namespace gemm {

// Where a column of a matrix in pieces lies.
MYELIN_INLINE int64_t place_in_pieces(int64_t column, int64_t piece, int64_t piece_step) {
  return column / piece * piece_step + column % piece;
}

// Element (i, j) is data[i * stride + j], or data[j * stride + i] where transposed.
struct Matrix {
  const float* data;
  int64_t stride;
  bool transposed;
  // Not 0: its columns (its rows, where transposed) come in pieces of so many, the next one
  // `piece_step` after the one before; column 0 is the `first` one from `data` on.
  int64_t piece = 0, piece_step = 0, first = 0;

  // Where there are no pieces.
  const float* at(int64_t i, int64_t j) const {
    return transposed ? data + j * stride + i : data + i * stride + j;
  }
  // What begins with element (i, j).
  Matrix from(int64_t i, int64_t j) const {
    Matrix rest = *this;
    rest.data = piece == 0 ? at(i, j) : transposed ? at(0, j) : at(i, 0);
    if (piece != 0) rest.first += transposed ? i : j;
    return rest;
  }
  // The same, of which only the columns of one piece are looked at.
  Matrix in_piece() const {
    return {piece ? data + place_in_pieces(first, piece, piece_step) : data, stride, transposed};
  }
  // Columns up to the end of the piece that has column j.
  int64_t left(int64_t j, int64_t columns) const {
    return piece ? min_int(columns - j, piece - (first + j) % piece) : columns - j;
  }
  // How far apart (i, j) and (i + 1, j) are, and (i, j) and (i, j + 1).
  int64_t row_step() const { return transposed ? 1 : stride; }
  int64_t column_step() const { return transposed ? stride : 1; }
};

// What follows a product, tile by tile while the tile is still in the nearest cache: an activation,
// or the product with an activation's gradient.
struct Epilogue {
  unary::TileFunction run;  // null: nothing
  const float* saved;       // what the gradient reads, laid out like c
  float alpha, beta;
};

// What uses up a gradient tile by tile, where c is a matrix of parameters: `c` is where the tile's
// parameters begin, `next` where those do that come after it.
struct GradientSink {
  void (*run)(const void* self, const float* gradient, int64_t gradient_stride, float* c,
              const unary::Tile& tile, const float* next);
  const void* self;
  // The matrices that it goes through, laid out alike: c's whole and its slots; none: c alone.
  float* const* matrices = nullptr;
  int matrix_count = 0;

  void operator()(const float* gradient, int64_t gradient_stride, float* c, const unary::Tile& tile,
                  const float* next) const {
    run(self, gradient, gradient_stride, c, tile, next);
  }
};

struct Product {
  int64_t m, n, k;
  Matrix a, b;  // m x k, k x n
  float* c;     // m x n
  int64_t c_stride;
  const float* bias = nullptr;  // null: none
  Epilogue epilogue = {};
  // Not null: c += *step * (a b), with the bits that `sgd` gives for a gradient of a b. Only where
  // b is not transposed, and without bias and epilogue.
  const float* step = nullptr;
  // Not null: a b is not stored, but a gradient that the sink uses up to change c. Only where b is
  // not transposed, and without bias and epilogue.
  const GradientSink* sink = nullptr;
  int64_t c_piece = 0;     // not 0: columns of c, and of what is laid out like it, come in pieces
  bool continues = false;  // sums go on from what is in c; only without bias

  // Whether c changes by the product, whose sums must be whole before.
  bool updates() const { return step || sink; }

  // Whether this is a part by columns: other CPUs have the rest of c's rows.
  bool shares_rows() const { return n < c_stride; }

  // Makes c begin `elements` later.
  void shift(int64_t elements) {
    c += elements;
    if (epilogue.saved) epilogue.saved += elements;
  }

  // Makes it the product of some columns of b, hence of c: of a whole piece, where they are in
  // pieces.
  void take_columns(Range r) {
    b = b.from(0, r.begin);
    if (!b.transposed) b = b.in_piece();
    shift(c_piece ? r.begin * m : r.begin);
    if (c_piece) c_stride = c_piece;
    if (bias) bias += r.begin;
    n = r.end - r.begin;
  }

  void finish(float* from, int64_t rows, int64_t columns) const {
    if (!epilogue.run) return;
    const float* saved = epilogue.saved ? epilogue.saved + (from - c) : nullptr;
    epilogue.run(from, saved, {c_stride, rows, columns}, epilogue.alpha, epilogue.beta);
  }
};

// A sink for which `self` is the step of an update.
inline void add_step(const void* self, const float* gradient, int64_t gradient_stride, float* c,
                     const unary::Tile& tile, const float*) {
  const Vec step = broadcast(*static_cast<const float*>(self));
  for (int64_t i = 0; i < tile.rows; ++i) {
    for (int64_t j = 0; j < tile.columns; j += kWidth) {
      const int64_t lanes = tile.columns - j;
      const Vec sums = load_lanes(gradient + i * gradient_stride + j, lanes);
      float* to = c + i * tile.stride + j;
      store_lanes(to, fma(step, sums, load_lanes(to, lanes)), lanes);
    }
  }
}

// An update, by what can only use sums up.
template <class Multiply>
MYELIN_INLINE void multiply_for_step(const Product& p, const Multiply& multiply) {
  const GradientSink sink = {add_step, p.step};
  Product update = p;
  update.step = nullptr;
  update.sink = &sink;
  multiply(update);
}

// 0..n in as few pieces of at most `most` as can be, lengths within one of each other.
struct Pieces {
  int64_t count, length, longer;  // the first `longer` are one more than `length` long

  MYELIN_INLINE Pieces(int64_t n, int64_t most)
      : count(divide_up(n, most)), length(n / count), longer(n % count) {}
  MYELIN_INLINE Range operator[](int64_t i) const {
    const int64_t begin = i * length + min_int(i, longer);
    return {begin, begin + length + (i < longer)};
  }
};

// Computes a product of which a, b or both are in pieces: along k, as rows of a or as columns of b.
template <class Multiply>
inline void multiply_pieces(const Product& p, const Multiply& multiply) {
  Product q = p;
  for (int64_t i = 0; i < p.m; i += q.m) {
    q.m = p.a.transposed ? p.a.left(i, p.m) : p.m;
    for (int64_t j = 0; j < p.n; j += q.n) {
      q.n = p.b.transposed ? p.n : p.b.left(j, p.n);
      q.bias = p.bias ? p.bias + j : nullptr;
      for (int64_t k = 0; k < p.k; k += q.k) {
        q.k = min_int(p.a.transposed ? p.k - k : p.a.left(k, p.k),
                      p.b.transposed ? p.b.left(k, p.k) : p.k - k);
        q.a = p.a.from(i, k).in_piece();
        q.b = p.b.from(k, j).in_piece();
        q.c = p.c;
        q.epilogue = p.epilogue;
        q.shift(i * p.c_stride + j);
        q.continues = k > 0 || p.continues;
        if (k + q.k < p.k) q.epilogue = {};
        multiply(q);
      }
    }
  }
}

// A product for a sink: gradients of as many rows as stay in the nearest cache at a time.
template <class Multiply>
MYELIN_INLINE void sink_rows(const Product& p, float* workspace, const Multiply& multiply) {
  constexpr int64_t kNear = 4096;
  const Pieces pieces(p.m, max_int(1, kNear / p.n));
  Product gradient = p;
  gradient.sink = nullptr;
  gradient.c = workspace;
  gradient.c_stride = p.n;
  for (int64_t index = 0; index < pieces.count; ++index) {
    const Range rows = pieces[index];
    gradient.m = rows.end - rows.begin;
    gradient.a = p.a.from(rows.begin, 0);
    multiply(gradient, workspace);
    float* c = p.c + rows.begin * p.c_stride;
    (*p.sink)(workspace, p.n, c, {p.c_stride, gradient.m, p.n}, c + gradient.m * p.c_stride);
  }
}

// A product for a sink, deeper than what is multiplied at a time: sums must be whole before they
// are used up. There is room for so many of them.
template <class Multiply>
MYELIN_INLINE void sink_deep(const Product& p, float* sums, int64_t room,
                             const Multiply& multiply) {
  constexpr int64_t kColumns = 256;
  Product piece = p;
  piece.sink = nullptr;
  piece.c = sums;
  piece.c_stride = kColumns;
  for (int64_t j = 0; j < p.n; j += kColumns) {
    piece.n = min_int(kColumns, p.n - j);
    piece.b = p.b.from(0, j);
    for (int64_t i = 0; i < p.m; i += piece.m) {
      piece.m = min_int(room / kColumns, p.m - i);
      piece.a = p.a.from(i, 0);
      multiply(piece);
      float* c = p.c + i * p.c_stride + j;
      (*p.sink)(sums, kColumns, c, {p.c_stride, piece.m, piece.n}, c + piece.m * p.c_stride);
    }
  }
}

}  // namespace gemm
}  // namespace
}  // namespace myelin
