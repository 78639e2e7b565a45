// What happens to gradients before the update: the guard against NaN and infinity, and clipping.
#pragma once
#include "common.h"

namespace myelin {
namespace {
namespace gradient {

// Inputs of any size; no output.
inline const char* check_guard(const Instruction& in) {
  return check_counts(in, {1, kMaxInputs, 0, 0});
}
inline int64_t guard_elements(const Instruction& in, int64_t batch) {
  int64_t most = 0;
  for (int i = 0; i < in.input_count; ++i) most = max_int(most, elements_of(in.inputs[i], batch));
  return most;
}
inline int64_t guard_parts(const Instruction& in, int64_t batch) {
  return grains(guard_elements(in, batch));
}

// NaN in a lane where one of the elements so far was NaN or infinite.
struct Taint {
  static constexpr int kChains = 4;
  const float* data;
  Vec taint[kChains];

  explicit Taint(const float* x) : data(x) {
    MYELIN_UNROLL
    for (int v = 0; v < kChains; ++v) taint[v] = zero();
  }

  MYELIN_INLINE void run(int64_t begin, int64_t end) {
    int64_t i = begin;
    for (; i + kChains * kWidth <= end; i += kChains * kWidth) {
      MYELIN_UNROLL
      for (int v = 0; v < kChains; ++v) {
        taint[v] = fma(load(data + i + v * kWidth), zero(), taint[v]);
      }
    }
    for (; i < end; i += kWidth) taint[0] = fma(load_lanes(data + i, end - i), zero(), taint[0]);
  }

  bool is_finite() const { return !any(is_nan((taint[0] + taint[1]) + (taint[2] + taint[3]))); }
};

inline void run_guard(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  for (int i = 0; i < in.input_count; ++i) {
    const Operand& x = in.inputs[i];
    Taint taint(x.data);
    each_stretch(x, ctx.batch, part, parts, taint);
    if (!taint.is_finite()) raise_flag(ctx.failed);
  }
}

inline const char* check_clip(const Instruction& in) {
  if (const char* wrong = check_counts(in, {1, 1, 1, 1})) return wrong;
  if (!(in.attributes[0] > 0)) return "the limit must be positive";
  return in_place(in.inputs[0], in.outputs[0]) ? nullptr : "the output must be the input itself";
}

inline void run_clip_value(const Instruction& in, const StepContext& ctx, int64_t part,
                           int64_t parts) {
  float* g = in.outputs[0].data;
  const float limit = attribute(in, 0);
  const Range r = split(elements_of(in.outputs[0], ctx.batch), kLine, part, parts);
  for (int64_t i = r.begin; i < r.end; i += kWidth) {
    store_lanes(g + i, clamp(load_lanes(g + i, r.end - i), -limit, limit), r.end - i);
  }
}

inline double sum_squares(const float* x, int64_t n) {
  constexpr int64_t kBlock = 4096;  // longer sums go on in double
  double total = 0.0;
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t end = min_int(n, begin + kBlock);
    Vec sum[4] = {zero(), zero(), zero(), zero()};
    int64_t i = begin;
    for (; i + 4 * kWidth <= end; i += 4 * kWidth) {
      MYELIN_UNROLL
      for (int v = 0; v < 4; ++v) {
        const Vec g = load(x + i + v * kWidth);
        sum[v] = fma(g, g, sum[v]);
      }
    }
    for (; i < end; i += kWidth) {
      const Vec g = load_lanes(x + i, end - i);
      sum[0] = fma(g, g, sum[0]);
    }
    total += static_cast<double>(reduce_add((sum[0] + sum[1]) + (sum[2] + sum[3])));
  }
  return total;
}

inline void run_clip_norm(const Instruction& in, const StepContext& ctx, int64_t, int64_t) {
  float* g = in.outputs[0].data;
  const int64_t n = elements_of(in.outputs[0], ctx.batch);
  const double norm = ::sqrt(sum_squares(g, n)), limit = in.attributes[0];
  if (norm <= limit) return;
  const Vec factor = broadcast(static_cast<float>(limit / norm));
  for (int64_t i = 0; i < n; i += kWidth) {
    store_lanes(g + i, load_lanes(g + i, n - i) * factor, n - i);
  }
}

}  // namespace gradient

constexpr Kernel kGuard = {"guard",
                           nullptr,
                           gradient::check_guard,
                           gradient::guard_elements,
                           gradient::guard_parts,
                           gradient::run_guard};
constexpr Kernel kClipValue = {"clipValue", nullptr,      gradient::check_clip,
                               nullptr,     output_parts, gradient::run_clip_value};
constexpr Kernel kClipNorm = {"clipNorm", nullptr, gradient::check_clip,
                              nullptr,    nullptr, gradient::run_clip_norm};

}  // namespace
}  // namespace myelin
