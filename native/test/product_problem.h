// A matrix product with operands of its own, for the tests of products that are not exact.
#pragma once
#include <algorithm>
#include <cmath>

#include "isa/product.h"
#include "support.h"

namespace myelin::test {

struct ProductSizes {
  int64_t m, n, k;
};

// c = bias + a b, with operands of its own, in rows `gap` wider than they need be.
class ProductProblem {
 public:
  ProductProblem(ProductSizes s, bool a_transposed, bool b_transposed, int64_t gap = 0)
      : s_(s),
        a_((a_transposed ? s.k : s.m) * ((a_transposed ? s.m : s.k) + gap), 3),
        b_((b_transposed ? s.n : s.k) * ((b_transposed ? s.k : s.n) + gap), 5),
        c_(s.m * (s.n + gap), 1),
        bias_(s.n, 7),
        numbers_(static_cast<uint32_t>(s.m * 10007 + s.n * 101 + s.k)) {
    call_.m = s.m;
    call_.n = s.n;
    call_.k = s.k;
    call_.a = a_.data();
    call_.a_stride = (a_transposed ? s.m : s.k) + gap;
    call_.a_transposed = a_transposed;
    call_.b = b_.data();
    call_.b_stride = (b_transposed ? s.k : s.n) + gap;
    call_.b_transposed = b_transposed;
    call_.c = c_.data();
    call_.c_stride = s.n + gap;
    call_.bias = bias_.data();
    a_.set(numbers_.list(static_cast<int64_t>(a_.count())));
    b_.set(numbers_.list(static_cast<int64_t>(b_.count())));
    bias_.set(numbers_.list(s.n));
  }

  float& a(int64_t i, int64_t k) {
    const bool turned = call_.a_transposed;
    const int64_t row = turned ? k : i, column = turned ? i : k;
    return a_.data()[place(a_rows(), call_.a_stride, call_.a_piece, row, column)];
  }
  float& b(int64_t k, int64_t j) {
    const bool turned = call_.b_transposed;
    const int64_t row = turned ? j : k, column = turned ? k : j;
    return b_.data()[place(b_rows(), call_.b_stride, call_.b_piece, row, column)];
  }

  void without_bias() { call_.bias = nullptr; }

  // Puts operands in pieces of so many columns, as column_pieces.h does; 0: it stays whole. Only
  // without gaps.
  void cut(int64_t a_piece, int64_t b_piece, int64_t c_piece = 0) {
    if (a_piece) cut(a_, a_rows(), call_.a_stride, a_piece);
    if (b_piece) cut(b_, b_rows(), call_.b_stride, b_piece);
    call_.a_piece = a_piece;
    call_.b_piece = b_piece;
    call_.c_piece = c_piece;
  }

  // c, without the gaps, which must be as they were. The workspace is of NaN where `poison`, else
  // what the product before has left.
  Values run(ProductFunction product, int64_t parts = 1, bool poison = true) {
    static std::vector<float> workspace(kWorkspaceFloats);
    if (poison) std::fill(workspace.begin(), workspace.end(), NAN);
    c_.set(Values(c_.count(), 99));
    for (int64_t part = parts - 1; part >= 0; --part) product(call_, workspace.data(), part, parts);
    CHECK(c_.intact());
    Values result;
    bool gaps = true;
    for (int64_t i = 0; i < s_.m; ++i) {
      const float* row = c_.data() + i * call_.c_stride;
      for (int64_t j = 0; j < s_.n; ++j) {
        result.push_back(c_.data()[place(s_.m, call_.c_stride, call_.c_piece, i, j)]);
      }
      if (call_.c_piece) continue;
      gaps &= std::all_of(row + s_.n, row + call_.c_stride, [](float x) { return x == 99; });
    }
    CHECK(gaps);
    return result;
  }

 private:
  int64_t a_rows() const { return call_.a_transposed ? s_.k : s_.m; }
  int64_t b_rows() const { return call_.b_transposed ? s_.n : s_.k; }

  // Where an element of a matrix lies.
  static int64_t place(int64_t rows, int64_t stride, int64_t piece, int64_t row, int64_t column) {
    if (piece == 0) return row * stride + column;
    return column / piece * piece * rows + row * piece + column % piece;
  }

  static void cut(Guarded& matrix, int64_t rows, int64_t& stride, int64_t piece) {
    Values pieces;
    for (int64_t begin = 0; begin < stride; begin += piece) {
      for (int64_t row = 0; row < rows; ++row) {
        const float* from = matrix.data() + row * stride + begin;
        pieces.insert(pieces.end(), from, from + piece);
      }
    }
    matrix.set(pieces);
    stride = piece;
  }

 protected:
  ProductSizes s_;
  Guarded a_, b_, c_, bias_;
  Numbers numbers_;
  ProductCall call_{};
};

}  // namespace myelin::test
