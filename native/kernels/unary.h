// Functions of one value: activations and arithmetic. One struct each: `value` of x, `grad` in
// terms of what the function saves, and its name in the list at the end.
#pragma once
#include "common.h"

namespace myelin {
namespace {
namespace unary {

enum class Saves { kNone, kInput, kOutput };

// Attributes that some functions take.
struct Parameters {
  Vec alpha, beta;
};

MYELIN_INLINE Vec one() { return broadcast(1.0f); }
MYELIN_INLINE Vec where(Mask mask, float yes, float no) {
  return select(mask, broadcast(yes), broadcast(no));
}

struct Linear {
  static constexpr const char* kName = "linear";
  static constexpr Saves kSaves = Saves::kNone;
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return x; }
  MYELIN_INLINE static Vec grad(Vec, Parameters) { return one(); }
};

struct Step {
  static constexpr const char* kName = "step";
  static constexpr Saves kSaves = Saves::kNone;
  MYELIN_INLINE static Vec value(Vec x, Parameters) {
    return select(is_nan(x), x, where(less(x, zero()), 0.0f, 1.0f));
  }
  MYELIN_INLINE static Vec grad(Vec, Parameters) { return zero(); }
};

struct Sigmoid {
  static constexpr const char* kName = "sigmoid";
  static constexpr Saves kSaves = Saves::kOutput;
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return sigmoid(x); }
  MYELIN_INLINE static Vec grad(Vec y, Parameters) { return fma(-y, y, y); }
};

struct HardSigmoid {
  static constexpr const char* kName = "hardSigmoid";
  static constexpr Saves kSaves = Saves::kOutput;
  MYELIN_INLINE static Vec value(Vec x, Parameters) {
    return clamp(x * broadcast(1.0f / 6.0f) + broadcast(0.5f), 0.0f, 1.0f);
  }
  MYELIN_INLINE static Vec grad(Vec y, Parameters) {
    return where(less(zero(), y) & less(y, one()), 1.0f / 6.0f, 0.0f);
  }
};

struct Tanh {
  static constexpr const char* kName = "tanh";
  static constexpr Saves kSaves = Saves::kOutput;
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return tanh(x); }
  MYELIN_INLINE static Vec grad(Vec y, Parameters) { return fma(-y, y, one()); }
};

struct Relu {
  static constexpr const char* kName = "relu";
  static constexpr Saves kSaves = Saves::kOutput;
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return max_of(zero(), x); }
  MYELIN_INLINE static Vec grad(Vec y, Parameters) { return where(less(zero(), y), 1.0f, 0.0f); }
};

struct Relu6 {
  static constexpr const char* kName = "relu6";
  static constexpr Saves kSaves = Saves::kOutput;
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return clamp(x, 0.0f, 6.0f); }
  MYELIN_INLINE static Vec grad(Vec y, Parameters) {
    return where(less(zero(), y) & less(y, broadcast(6.0f)), 1.0f, 0.0f);
  }
};

struct LeakyRelu {
  static constexpr const char* kName = "leakyRelu";
  static constexpr Saves kSaves = Saves::kOutput;
  MYELIN_INLINE static Vec value(Vec x, Parameters p) {
    return select(less(zero(), x), x, p.alpha * x);
  }
  MYELIN_INLINE static Vec grad(Vec y, Parameters p) {
    return select(less(zero(), y), one(), p.alpha);
  }
};

struct Elu {
  static constexpr const char* kName = "elu";
  static constexpr Saves kSaves = Saves::kOutput;
  MYELIN_INLINE static Vec value(Vec x, Parameters p) {
    return select(less(zero(), x), x, p.alpha * expm1(x));
  }
  MYELIN_INLINE static Vec grad(Vec y, Parameters p) {
    return select(less(zero(), y), one(), y + p.alpha);
  }
};

// Klambauer et al. 2017, "Self-normalizing neural networks".
struct Selu {
  static constexpr const char* kName = "selu";
  static constexpr Saves kSaves = Saves::kOutput;
  static constexpr float kScale = 1.05070098735548f;
  static constexpr float kScaledAlpha = 1.75809934084738f;
  MYELIN_INLINE static Vec value(Vec x, Parameters) {
    return select(less(zero(), x), broadcast(kScale) * x, broadcast(kScaledAlpha) * expm1(x));
  }
  MYELIN_INLINE static Vec grad(Vec y, Parameters) {
    return select(less(zero(), y), broadcast(kScale), y + broadcast(kScaledAlpha));
  }
};

struct Gelu {
  static constexpr const char* kName = "gelu";
  static constexpr Saves kSaves = Saves::kInput;
  // The normal distribution function.
  MYELIN_INLINE static Vec cumulative(Vec x) {
    return broadcast(0.5f) + broadcast(0.5f) * erf(x * broadcast(0.707106781f));
  }
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return x * cumulative(x); }
  MYELIN_INLINE static Vec grad(Vec x, Parameters) {
    const Vec density = broadcast(0.398942280f) * exp(broadcast(-0.5f) * x * x);
    return fma(x, density, cumulative(x));
  }
};

struct GeluTanh {
  static constexpr const char* kName = "geluTanh";
  static constexpr Saves kSaves = Saves::kInput;
  static constexpr float kRoot = 0.797884561f;  // sqrt(2 / pi)
  static constexpr float kCubic = 0.044715f;
  MYELIN_INLINE static Vec inner(Vec x) {
    return tanh(broadcast(kRoot) * x * fma(broadcast(kCubic) * x, x, one()));
  }
  MYELIN_INLINE static Vec value(Vec x, Parameters) {
    return broadcast(0.5f) * x * (one() + inner(x));
  }
  MYELIN_INLINE static Vec grad(Vec x, Parameters) {
    const Vec t = inner(x);
    const Vec slope = broadcast(kRoot) * fma(broadcast(3.0f * kCubic) * x, x, one());
    return broadcast(0.5f) * (one() + t + x * (one() - t * t) * slope);
  }
};

struct Silu {
  static constexpr const char* kName = "silu";
  static constexpr Saves kSaves = Saves::kInput;
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return x * sigmoid(x); }
  MYELIN_INLINE static Vec grad(Vec x, Parameters) {
    const Vec s = sigmoid(x);
    return s * fma(x, one() - s, one());
  }
};

// x tanh(softplus(x)); with e = exp(x), n = e (e + 2): tanh(softplus(x)) = n / (n + 2).
struct Mish {
  static constexpr const char* kName = "mish";
  static constexpr Saves kSaves = Saves::kInput;
  MYELIN_INLINE static Vec value(Vec x, Parameters) {
    const Vec e = exp(min_of(broadcast(20.0f), x));
    const Vec n = e * (e + broadcast(2.0f));
    return x * (n / (n + broadcast(2.0f)));
  }
  MYELIN_INLINE static Vec grad(Vec x, Parameters) {
    const Vec e = exp(min_of(broadcast(20.0f), x));
    const Vec n = e * (e + broadcast(2.0f));
    const Vec m = n + broadcast(2.0f);
    const Vec slope = broadcast(4.0f) * (e / m) * ((one() + e) / m);
    return fma(x, slope, n / m);
  }
};

struct Softplus {
  static constexpr const char* kName = "softplus";
  static constexpr Saves kSaves = Saves::kOutput;
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return softplus(x); }
  MYELIN_INLINE static Vec grad(Vec y, Parameters) { return -expm1(-y); }
};

struct Softsign {
  static constexpr const char* kName = "softsign";
  static constexpr Saves kSaves = Saves::kOutput;
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return x / (one() + abs(x)); }
  MYELIN_INLINE static Vec grad(Vec y, Parameters) {
    const Vec r = one() - abs(y);
    return r * r;
  }
};

struct Exponential {
  static constexpr const char* kName = "exponential";
  static constexpr Saves kSaves = Saves::kOutput;
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return exp(x); }
  MYELIN_INLINE static Vec grad(Vec y, Parameters) { return y; }
};

struct Affine {
  static constexpr const char* kName = "affine";
  static constexpr Saves kSaves = Saves::kNone;
  MYELIN_INLINE static Vec value(Vec x, Parameters p) { return p.alpha * x + p.beta; }
  MYELIN_INLINE static Vec grad(Vec, Parameters p) { return p.alpha; }
};

struct Square {
  static constexpr const char* kName = "square";
  static constexpr Saves kSaves = Saves::kInput;
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return x * x; }
  MYELIN_INLINE static Vec grad(Vec x, Parameters) { return x + x; }
};

struct Sqrt {
  static constexpr const char* kName = "sqrt";
  static constexpr Saves kSaves = Saves::kOutput;
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return sqrt(x); }
  MYELIN_INLINE static Vec grad(Vec y, Parameters) { return broadcast(0.5f) / y; }
};

struct Rsqrt {
  static constexpr const char* kName = "rsqrt";
  static constexpr Saves kSaves = Saves::kOutput;
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return one() / sqrt(x); }
  MYELIN_INLINE static Vec grad(Vec y, Parameters) { return broadcast(-0.5f) * y * y * y; }
};

struct Reciprocal {
  static constexpr const char* kName = "reciprocal";
  static constexpr Saves kSaves = Saves::kOutput;
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return one() / x; }
  MYELIN_INLINE static Vec grad(Vec y, Parameters) { return -(y * y); }
};

struct Log {
  static constexpr const char* kName = "log";
  static constexpr Saves kSaves = Saves::kInput;
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return log(x); }
  MYELIN_INLINE static Vec grad(Vec x, Parameters) { return one() / x; }
};

MYELIN_INLINE Vec sign(Vec x) {
  const Vec magnitude = where(equal(x, zero()), 0.0f, 1.0f);
  return select(is_nan(x), x, copy_sign(magnitude, x));
}

struct Abs {
  static constexpr const char* kName = "abs";
  static constexpr Saves kSaves = Saves::kInput;
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return abs(x); }
  MYELIN_INLINE static Vec grad(Vec x, Parameters) { return sign(x); }
};

struct Sign {
  static constexpr const char* kName = "sign";
  static constexpr Saves kSaves = Saves::kNone;
  MYELIN_INLINE static Vec value(Vec x, Parameters) { return sign(x); }
  MYELIN_INLINE static Vec grad(Vec, Parameters) { return zero(); }
};

struct Clip {
  static constexpr const char* kName = "clip";
  static constexpr Saves kSaves = Saves::kInput;
  MYELIN_INLINE static Vec value(Vec x, Parameters p) { return min_of(p.beta, max_of(p.alpha, x)); }
  MYELIN_INLINE static Vec grad(Vec x, Parameters p) {
    return where(less_equal(p.alpha, x) & less_equal(x, p.beta), 1.0f, 0.0f);
  }
};

// y = f(x).
template <class F>
void forward(const float* x, float* y, int64_t n, float alpha, float beta) {
  const Parameters p = {broadcast(alpha), broadcast(beta)};
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(y + i, F::value(load(x + i), p));
  if (i < n) store_partial(y + i, F::value(load_partial(x + i, n - i), p), n - i);
}

// dx = dy f'(saved).
template <class F>
void backward(const float* dy, const float* saved, float* dx, int64_t n, float alpha, float beta) {
  const Parameters p = {broadcast(alpha), broadcast(beta)};
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    store(dx + i, load(dy + i) * F::grad(load(saved + i), p));
  }
  if (i < n) {
    const Vec slope = F::grad(load_partial(saved + i, n - i), p);
    store_partial(dx + i, load_partial(dy + i, n - i) * slope, n - i);
  }
}

// What is done to a tile of a matrix whose rows are `stride` apart, `saved` being laid out like it.
struct Tile {
  int64_t stride, rows, columns;
};

// c = f(c).
template <class F>
void tile(float* c, const float*, const Tile& t, float alpha, float beta) {
  if (t.columns == t.stride) {
    forward<F>(c, c, t.rows * t.columns, alpha, beta);
    return;
  }
  for (int64_t i = 0; i < t.rows; ++i) {
    forward<F>(c + i * t.stride, c + i * t.stride, t.columns, alpha, beta);
  }
}

// c = c f'(saved).
template <class F>
void tile_grad(float* c, const float* saved, const Tile& t, float alpha, float beta) {
  if (t.columns == t.stride) {
    backward<F>(c, saved, c, t.rows * t.columns, alpha, beta);
    return;
  }
  for (int64_t i = 0; i < t.rows; ++i) {
    const int64_t at = i * t.stride;
    backward<F>(c + at, saved + at, c + at, t.columns, alpha, beta);
  }
}

using Forward = void (*)(const float* x, float* y, int64_t n, float alpha, float beta);
using Backward = void (*)(const float* dy, const float* saved, float* dx, int64_t n, float alpha,
                          float beta);
using TileFunction = void (*)(float* c, const float* saved, const Tile& tile, float alpha,
                              float beta);

template <class... F>
struct List : FunctionList<F...> {
  static constexpr Forward kForward[] = {forward<F>...};
  static constexpr Backward kBackward[] = {backward<F>...};
  static constexpr TileFunction kTile[] = {tile<F>...};
  static constexpr TileFunction kTileGrad[] = {tile_grad<F>...};
  static constexpr Saves kSaves[] = {F::kSaves...};
};

using Functions = List<Linear, Step, Sigmoid, HardSigmoid, Tanh, Relu, Relu6, LeakyRelu, Elu, Selu,
                       Gelu, GeluTanh, Silu, Mish, Softplus, Softsign, Exponential, Affine, Square,
                       Sqrt, Rsqrt, Reciprocal, Log, Abs, Sign, Clip>;

inline const char* check(const Instruction& in) {
  if (const char* wrong = check_counts(in, {1, 1, 1, 3})) return wrong;
  if (const char* wrong = check_function(in, Functions::kCount)) return wrong;
  if (!same_size(in.inputs[0], in.outputs[0])) return "the output's size is not the input's";
  return check_apart_or_same(in);
}

inline void run(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const Range r = split(elements_of(in.outputs[0], ctx.batch), kLine, part, parts);
  Functions::kForward[function_of(in)](in.inputs[0].data + r.begin, in.outputs[0].data + r.begin,
                                       r.end - r.begin, attribute(in, 1), attribute(in, 2));
}

inline const char* check_grad(const Instruction& in) {
  if (const char* wrong = check_counts(in, {2, 2, 1, 3})) return wrong;
  if (const char* wrong = check_function(in, Functions::kCount)) return wrong;
  if (!same_size(in.inputs[0], in.inputs[1])) return "the inputs' sizes differ";
  if (!same_size(in.inputs[0], in.outputs[0])) return "the output's size is not the input's";
  return check_apart_or_same(in);
}

inline void run_grad(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const Range r = split(elements_of(in.outputs[0], ctx.batch), kLine, part, parts);
  Functions::kBackward[function_of(in)](in.inputs[0].data + r.begin, in.inputs[1].data + r.begin,
                                        in.outputs[0].data + r.begin, r.end - r.begin,
                                        attribute(in, 1), attribute(in, 2));
}

}  // namespace unary

constexpr Kernel kUnary = {
    "unary", unary::Functions::kNames, unary::check, heavy_input_work, output_parts, unary::run};
constexpr Kernel kUnaryGrad = {"unaryGrad",       unary::Functions::kNames,
                               unary::check_grad, heavy_input_work,
                               output_parts,      unary::run_grad};

}  // namespace
}  // namespace myelin
