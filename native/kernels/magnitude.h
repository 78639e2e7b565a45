// The largest magnitude of many numbers.
#pragma once
#include "common.h"

namespace myelin {
namespace {

// The largest magnitude of what it sees. Without their signs floats are in the order of their bits,
// with infinity and then NaN as the largest.
class LargestMagnitude {
 public:
  MYELIN_INLINE void see(const float* x, int64_t n) {
    int64_t i = 0;
    for (; i + kChains * kWidth <= n; i += kChains * kWidth) {
      MYELIN_UNROLL
      for (int v = 0; v < kChains; ++v) top_[v] = max(top_[v], magnitude(load(x + i + v * kWidth)));
    }
    for (; i < n; i += kWidth) top_[0] = max(top_[0], magnitude(load_lanes(x + i, n - i)));
  }

  // NaN where an element is NaN or infinite.
  float value() const {
    Int top = top_[0];
    MYELIN_UNROLL
    for (int v = 1; v < kChains; ++v) top = max(top, top_[v]);
    constexpr int32_t kLargestFinite = 0x7f7fffff;
    if (any(less(broadcast_int(kLargestFinite), top))) return kNaN;
    return reduce_max(as_float(top));
  }

 private:
  static constexpr int kChains = 4;

  static MYELIN_INLINE Int magnitude(Vec x) { return as_int(abs(x)); }

  Int top_[kChains] = {broadcast_int(0), broadcast_int(0), broadcast_int(0), broadcast_int(0)};
};

inline float largest_of(const float* x, int64_t n) {
  LargestMagnitude seen;
  seen.see(x, n);
  return seen.value();
}

}  // namespace
}  // namespace myelin
