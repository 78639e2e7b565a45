// Fully connected layers of a few numbers, one sample at a time: the sample's row of a layer passes
// from function to function in registers where it fits. See small_step.h.
#pragma once
#include "loss.h"

namespace myelin {
namespace {
namespace small {

// Up to kLanes numbers of one sample, and zeros behind them.
template <int kLanes>
struct Row {
  static constexpr int kVecs = kLanes / kWidth;
  Vec v[kVecs];
};

// Vectors of a row that hold n numbers.
template <int kLanes>
MYELIN_INLINE int vectors(int64_t n) {
  return kLanes == kWidth ? 1 : static_cast<int>(divide_up(n, kWidth));
}

// Parameters are the step's own copies, in rows of whole vectors with zeros behind the numbers.
template <int kLanes>
struct Layer {
  using R = Row<kLanes>;
  int64_t inputs, outputs;
  int64_t row, column;  // floats from row to row of `kernel` and of `transposed`
  float* kernel;        // [inputs][row]
  float* transposed;    // [outputs][column]; null in the first layer, whose input has no gradient
  float* bias;          // [row]; zeros, and zeros they stay, where the layer has none
  float* y;             // this sample's output ...
  float* dz;            // ... and the gradient before the activation
  bool has_bias;
  double scale;  // of the learning rate, where the step descends
  float alpha, beta;
  R (*activate)(const Layer&, R z);
  R (*derive)(const Layer&, R dy, R y);
};

// Number k of a row: out of the register, which is sooner there than memory that was just written.
template <int kLanes>
MYELIN_INLINE Vec element(const Row<kLanes>& row, const float* memory, int64_t k) {
  return kLanes == kWidth ? broadcast_lane(row.v[0], k) : broadcast(memory[k]);
}

template <int kLanes>
MYELIN_INLINE Row<kLanes> load_row(const float* from, int count) {
  Row<kLanes> row;
  for (int v = 0; v < count; ++v) row.v[v] = load(from + v * kWidth);
  return row;
}

template <int kLanes>
MYELIN_INLINE void store_row(float* to, const Row<kLanes>& row, int count) {
  for (int v = 0; v < count; ++v) store(to + v * kWidth, row.v[v]);
}

// The first n lanes, and zeros.
MYELIN_INLINE Vec only(int64_t n, Vec x) {
  return n >= kWidth ? x : select(first_lanes(n), x, zero());
}

// How far from a parameter's place its present value lies, its gradient, and its next value.
struct Offsets {
  int64_t now, gradient, next;
};

// x kernel + bias. The first layer reads its input from memory.
template <int kLanes>
MYELIN_INLINE Row<kLanes> multiply(const Layer<kLanes>& l, const float* x, Row<kLanes> in,
                                   int64_t now) {
  const int count = vectors<kLanes>(l.outputs);
  const bool first = !l.transposed;
  Row<kLanes> z = load_row<kLanes>(l.bias + now, count);
  const float* weights = l.kernel + now;
  for (int64_t k = 0; k < l.inputs; ++k, weights += l.row) {
    const Vec factor = first ? broadcast(x[k]) : element(in, x, k);
    for (int v = 0; v < count; ++v) z.v[v] = fma(factor, load(weights + v * kWidth), z.v[v]);
  }
  return z;
}

// y = f(z)
template <class F, int kLanes>
Row<kLanes> activate(const Layer<kLanes>& l, Row<kLanes> z) {
  const int count = vectors<kLanes>(l.outputs);
  const unary::Parameters c = {broadcast(l.alpha), broadcast(l.beta)};
  for (int v = 0; v < count; ++v) z.v[v] = only(l.outputs - v * kWidth, F::value(z.v[v], c));
  store_row(l.y, z, count);
  return z;
}

// dz = dy f'(y)
template <class F, int kLanes>
Row<kLanes> derive(const Layer<kLanes>& l, Row<kLanes> dy, Row<kLanes> y) {
  const int count = vectors<kLanes>(l.outputs);
  const unary::Parameters c = {broadcast(l.alpha), broadcast(l.beta)};
  for (int v = 0; v < count; ++v) {
    dy.v[v] = only(l.outputs - v * kWidth, dy.v[v] * F::grad(y.v[v], c));
  }
  if (kLanes > kWidth) store_row(l.dz, dy, count);
  return dy;
}

// What becomes of a sample's gradients.
struct Sink {
  Offsets at;
  bool add;  // to those of the samples before
  Vec rate;  // of a descent
};

// The gradient of a row of parameters: factor * row, and those before. Of a step's last sample it
// makes at once, where kDescend, the parameters' next values. `taint` becomes NaN in lanes of what
// is not finite.
template <bool kDescend, int kLanes>
MYELIN_INLINE void sink_row(float* parameters, Vec factor, const Row<kLanes>& row, int count,
                            const Sink& sink, Vec& taint) {
  for (int v = 0; v < count; ++v) {
    float* p = parameters + v * kWidth;
    const Vec before = sink.add ? load(p + sink.at.gradient) : zero();
    const Vec gradient = fma(factor, row.v[v], before);
    taint = fma(gradient, zero(), taint);
    if (kDescend) {
      store(p + sink.at.next, load(p + sink.at.now) - sink.rate * gradient);
    } else {
      store(p + sink.at.gradient, gradient);
    }
  }
}

// What the loops below read of a layer: a copy, which the numbers they write cannot change.
template <int kLanes>
struct View {
  int64_t inputs, outputs, row, column;
  float *kernel, *transposed, *bias, *dz;
  bool has_bias;
  int in_count, count;

  explicit View(const Layer<kLanes>& l)
      : inputs(l.inputs),
        outputs(l.outputs),
        row(l.row),
        column(l.column),
        kernel(l.kernel),
        transposed(l.transposed),
        bias(l.bias),
        dz(l.dz),
        has_bias(l.has_bias),
        in_count(vectors<kLanes>(l.inputs)),
        count(vectors<kLanes>(l.outputs)) {}
};

// The gradients of kernel and bias.
template <bool kDescend, int kLanes>
MYELIN_INLINE void sink_gradients(const Layer<kLanes>& layer, const float* x, Row<kLanes> dz,
                                  const Sink& sink, Vec& taint) {
  const View<kLanes> l(layer);
  float* weights = l.kernel;
  for (int64_t k = 0; k < l.inputs; ++k, weights += l.row) {
    sink_row<kDescend>(weights, broadcast(x[k]), dz, l.count, sink, taint);
  }
  if (l.has_bias) sink_row<kDescend>(l.bias, unary::one(), dz, l.count, sink, taint);
}

// The gradient of the input; that of the transposed kernel on the way.
template <bool kDescend, int kLanes>
MYELIN_INLINE Row<kLanes> propagate(const Layer<kLanes>& layer, Row<kLanes> in, Row<kLanes> dz,
                                    const Sink& sink) {
  const View<kLanes> l(layer);
  Vec untold = zero();  // the gradients of the kernel tell
  Row<kLanes> dx;
  for (int v = 0; v < l.in_count; ++v) dx.v[v] = zero();
  float* weights = l.transposed;
  for (int64_t n = 0; n < l.outputs; ++n, weights += l.column) {
    const Vec factor = element(dz, l.dz, n);
    for (int v = 0; v < l.in_count; ++v) {
      dx.v[v] = fma(factor, load(weights + sink.at.now + v * kWidth), dx.v[v]);
    }
    sink_row<kDescend>(weights, factor, in, l.in_count, sink, untold);
  }
  return dx;
}

// ---- The loss of one sample ----

template <int kLanes>
struct Loss {
  using R = Row<kLanes>;
  // Adds to `total` and returns the gradient, times the factor.
  R (*run)(Loss&, R p, const float* t, double weight, double share);
  loss::RowsGrad row;  // of losses that need the whole row in memory
  int64_t width;
  loss::Parameters c;
  double total;
  float* p;  // rows in memory
  float* d;
};

template <class F, int kLanes>
Row<kLanes> pointwise(Loss<kLanes>& l, Row<kLanes> p, const float* t, double weight, double share) {
  const int count = vectors<kLanes>(l.width);
  const float width = static_cast<float>(l.width), factor = static_cast<float>(weight * share);
  const Vec scale = broadcast(F::kMean ? factor / width : factor);
  Vec sum = zero();
  Row<kLanes> d;
  for (int v = 0; v < count; ++v) {
    const int64_t left = l.width - v * kWidth;
    const Vec target = load_lanes(t + v * kWidth, left);
    d.v[v] = F::grad(p.v[v], target, l.c) * scale;
    sum = sum + only(left, F::value(p.v[v], target, l.c));
  }
  const double value = static_cast<double>(reduce_add(sum));
  l.total += weight * (F::kMean ? value / static_cast<double>(l.width) : value);
  return d;
}

template <int kLanes>
Row<kLanes> whole_row(Loss<kLanes>& l, Row<kLanes> p, const float* t, double weight, double share) {
  const int count = vectors<kLanes>(l.width);
  store_row(l.p, p, count);
  l.total += weight * l.row(l.p, t, l.d, 1, l.width, static_cast<float>(weight * share), l.c);
  Row<kLanes> d;
  for (int v = 0; v < count; ++v) d.v[v] = load_lanes(l.d + v * kWidth, l.width - v * kWidth);
  return d;
}

// ---- Tables: a function for each activation and each loss ----

// `linear` has no functions whose gradient needs their input.
template <class F, int kLanes>
constexpr auto activate_of() -> decltype(Layer<kLanes>::activate) {
  if constexpr (F::kSaves != unary::Saves::kInput) return activate<F, kLanes>;
  return nullptr;
}
template <class F, int kLanes>
constexpr auto derive_of() -> decltype(Layer<kLanes>::derive) {
  if constexpr (F::kSaves != unary::Saves::kInput) return derive<F, kLanes>;
  return nullptr;
}

template <int kLanes, class List>
struct Activations;
template <int kLanes, class... F>
struct Activations<kLanes, unary::List<F...>> {
  static constexpr decltype(Layer<kLanes>::activate) kActivate[] = {activate_of<F, kLanes>()...};
  static constexpr decltype(Layer<kLanes>::derive) kDerive[] = {derive_of<F, kLanes>()...};
};

template <int kLanes, class F>
struct LossOf {
  static constexpr auto kRun = whole_row<kLanes>;
};
template <int kLanes, class F>
struct LossOf<kLanes, loss::Pointwise<F>> {
  static constexpr auto kRun = pointwise<F, kLanes>;
};
template <int kLanes, class List>
struct Losses;
template <int kLanes, class... F>
struct Losses<kLanes, loss::List<F...>> {
  static constexpr decltype(Loss<kLanes>::run) kRun[] = {LossOf<kLanes, F>::kRun...};
};

}  // namespace small
}  // namespace
}  // namespace myelin
