// Dropout and noise. Random words depend only on seed, stream, step and the element's position.
#pragma once
#include <string.h>

#include "../philox.h"
#include "common.h"

namespace myelin {
namespace {
namespace random {

constexpr int64_t kBlock = 4 * kWidth;  // elements that one call of the generator covers
constexpr float kUnit = 1.0f / 16777216.0f;

// Words of kWidth consecutive counters: words[lane].
MYELIN_INLINE void philox(Int (&words)[4], uint32_t key0, uint32_t key1) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    Int high0, low0, high1, low1;
    multiply_wide(words[0], kPhiloxMultiplier0, high0, low0);
    multiply_wide(words[2], kPhiloxMultiplier1, high1, low1);
    words[0] = high1 ^ words[1] ^ broadcast_int(static_cast<int32_t>(key0));
    words[2] = high0 ^ words[3] ^ broadcast_int(static_cast<int32_t>(key1));
    words[1] = low1;
    words[3] = low0;
    key0 += kPhiloxWeyl0;
    key1 += kPhiloxWeyl1;
  }
}

// 24-bit uniform integers for elements `element`.. + kBlock (a multiple of 4), a lane a vector.
MYELIN_INLINE void draw(const StepContext& ctx, uint32_t stream, int64_t element, Int (&words)[4]) {
  words[0] =
      lane_index() + broadcast_int(static_cast<int32_t>(static_cast<uint32_t>(element >> 2)));
  words[1] = broadcast_int(0);
  words[2] = broadcast_int(static_cast<int32_t>(stream));
  words[3] = broadcast_int(static_cast<int32_t>(static_cast<uint32_t>(ctx.step)));
  philox(words, ctx.seed[0], ctx.seed[1]);
  for (int i = 0; i < 4; ++i) words[i] = shift_right<8>(words[i]);
}

// RandomWords of kernel.h.
inline void words(const PhiloxPosition& from, uint32_t* out, int64_t blocks) {
  for (int64_t i = 0; i < blocks; i += kWidth) {
    const uint64_t counter = from.counter + static_cast<uint64_t>(i);
    Int vectors[4] = {
        lane_index() + broadcast_int(static_cast<int32_t>(static_cast<uint32_t>(counter))),
        broadcast_int(static_cast<int32_t>(static_cast<uint32_t>(counter >> 32))),
        broadcast_int(static_cast<int32_t>(from.stream)),
        broadcast_int(static_cast<int32_t>(from.step))};
    philox(vectors, from.key0, from.key1);
    interleave4(vectors);
    memcpy(out + 4 * i, vectors, sizeof vectors);
  }
}

// Keeps an element where its random integer is at least the threshold.
struct Dropout {
  Int threshold;
  Vec scale;

  explicit Dropout(const Instruction& in) {
    const double limit = in.attributes[0] * 16777216.0;
    int32_t up = static_cast<int32_t>(limit);
    if (up < limit) ++up;
    threshold = broadcast_int(up);
    scale = broadcast(static_cast<float>(1.0 / (1.0 - in.attributes[0])));
  }
  MYELIN_INLINE void prepare(Int (&words)[4]) const { interleave4(words); }
  MYELIN_INLINE Vec apply(Vec x, Int word) const {
    return select(less(word, threshold), zero(), x * scale);
  }
};

// Box & Muller 1958: two uniform numbers make two normal ones.
struct GaussianNoise {
  Vec deviation;

  explicit GaussianNoise(const Instruction& in) : deviation(broadcast(attribute(in, 0))) {}
  MYELIN_INLINE static void pair(Int& a, Int& b) {
    const Vec u = to_float(a + broadcast_int(1)) * broadcast(kUnit);
    const Vec radius = sqrt(broadcast(-2.0f) * log(u));
    Vec sine, cosine;
    sincos_turns(to_float(b) * broadcast(kUnit), sine, cosine);
    a = as_int(radius * cosine);
    b = as_int(radius * sine);
  }
  MYELIN_INLINE void prepare(Int (&words)[4]) const {
    pair(words[0], words[1]);
    pair(words[2], words[3]);
    interleave4(words);
  }
  MYELIN_INLINE Vec apply(Vec x, Int normal) const { return x + deviation * as_float(normal); }
};

inline const char* check_common(const Instruction& in) {
  if (const char* wrong = check_counts(in, {1, 1, 1, 2})) return wrong;
  if (!whole(in.attributes[1], 0, 4294967295.0)) return "stream must be a 32-bit integer";
  if (!same_size(in.inputs[0], in.outputs[0])) return "the output's size is not the input's";
  return check_apart_or_same(in);
}

inline const char* check_dropout(const Instruction& in) {
  if (const char* wrong = check_common(in)) return wrong;
  return in.attributes[0] >= 0 && in.attributes[0] < 1 ? nullptr : "rate must be in [0, 1)";
}

template <class F>
void run(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const F function(in);
  const float* x = in.inputs[0].data;
  float* y = in.outputs[0].data;
  const uint32_t stream = static_cast<uint32_t>(in.attributes[1]);
  const Range r = split(elements_of(in.inputs[0], ctx.batch), 4 * kLine, part, parts);
  for (int64_t i = r.begin; i < r.end; i += kBlock) {
    Int words[4];
    draw(ctx, stream, i, words);
    function.prepare(words);
    const int64_t left = r.end - i;
    if (left >= kBlock) {
      MYELIN_UNROLL
      for (int v = 0; v < 4; ++v) {
        const int64_t at = i + v * kWidth;
        store(y + at, function.apply(load(x + at), words[v]));
      }
      continue;
    }
    for (int v = 0; v < 4 && v * kWidth < left; ++v) {
      const int64_t at = i + v * kWidth, n = left - v * kWidth;
      store_lanes(y + at, function.apply(load_lanes(x + at, n), words[v]), n);
    }
  }
}

}  // namespace random

constexpr Kernel kDropout = {"dropout",        nullptr,      random::check_dropout,
                             heavy_input_work, output_parts, random::run<random::Dropout>};
constexpr Kernel kGaussianNoise = {"gaussianNoise",      nullptr,
                                   random::check_common, heavy_input_work,
                                   output_parts,         random::run<random::GaussianNoise>};

}  // namespace
}  // namespace myelin
