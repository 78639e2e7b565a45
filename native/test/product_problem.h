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
    return a_.data()[call_.a_transposed ? k * call_.a_stride + i : i * call_.a_stride + k];
  }
  float& b(int64_t k, int64_t j) {
    const int64_t piece = call_.b_piece;
    if (piece) return b_.data()[k / piece * piece * s_.n + j * piece + k % piece];
    return b_.data()[call_.b_transposed ? j * call_.b_stride + k : k * call_.b_stride + j];
  }

  void without_bias() { call_.bias = nullptr; }

  // Puts the rows of a transposed b in pieces, as column_pieces.h does. Only without a gap.
  void cut(int64_t piece) {
    Values pieces;
    for (int64_t k = 0; k < s_.k; k += piece) {
      for (int64_t j = 0; j < s_.n; ++j) {
        const float* from = b_.data() + j * s_.k + k;
        pieces.insert(pieces.end(), from, from + piece);
      }
    }
    b_.set(pieces);
    call_.b_piece = call_.b_stride = piece;
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
      result.insert(result.end(), row, row + s_.n);
      gaps &= std::all_of(row + s_.n, row + call_.c_stride, [](float x) { return x == 99; });
    }
    CHECK(gaps);
    return result;
  }

 protected:
  ProductSizes s_;
  Guarded a_, b_, c_, bias_;
  Numbers numbers_;
  ProductCall call_{};
};

}  // namespace myelin::test
