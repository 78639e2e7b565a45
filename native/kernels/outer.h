// Products of depth one, such as the gradient of a single sample: each row of c is b times a
// number.
#pragma once
#include "product.h"

namespace myelin {
namespace {
namespace gemm {

// A tile would be all beginning and end.
MYELIN_INLINE bool is_outer(const Product& p) {
  return p.k == 1 && !p.b.transposed && (!p.sink || p.n <= kWorkspaceFloats);
}

// The bits are those of a tile; `from` is where the sums begin, null: at zero.
template <bool kUpdates>
MYELIN_INLINE void outer_row(float number, const float* b, int64_t n, const float* from, Vec step,
                             float* c) {
  const Vec factor = broadcast(number);
  const auto sum = [&](Vec row, Vec start, Vec before) {
    const Vec product = fma(factor, row, start);
    return kUpdates ? fma(step, product, before) : product;
  };
  int64_t j = 0;
  MYELIN_UNROLL_TWICE
  for (; j + kWidth <= n; j += kWidth) {
    const Vec start = from ? load(from + j) : zero();
    store(c + j, sum(load(b + j), start, kUpdates ? load(c + j) : zero()));
  }
  if (j == n) return;
  const Vec start = from ? load_partial(from + j, n - j) : zero();
  const Vec before = kUpdates ? load_partial(c + j, n - j) : zero();
  store_partial(c + j, sum(load_partial(b + j, n - j), start, before), n - j);
}

inline void multiply_outer(const Product& p, float* workspace) {
  if (p.sink) return sink_rows(p, workspace, multiply_outer);
  const Vec step = broadcast(p.step ? *p.step : 0);
  for (int64_t i = 0; i < p.m; ++i) {
    const float number = *p.a.at(i, 0);
    float* c = p.c + i * p.c_stride;
    if (p.step) {
      outer_row<true>(number, p.b.data, p.n, nullptr, step, c);
    } else {
      outer_row<false>(number, p.b.data, p.n, p.continues ? c : p.bias, step, c);
      p.finish(c, 1, p.n);
    }
  }
}

}  // namespace gemm
}  // namespace
}  // namespace myelin
