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
  float* y;             // this sample's output, ...
  float* slope;         // ... the activation's derivative there ...
  float* dz;            // ... and the gradient before the activation
  bool has_bias;
  double scale;   // of the learning rate, where the step descends ...
  float descent;  // ... and their product, negative
  float alpha, beta;
  R (*activate)(const Layer&, R z);
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

// y = f(z), and f'(z) beside it
template <class F, int kLanes>
Row<kLanes> activate(const Layer<kLanes>& l, Row<kLanes> z) {
  const int count = vectors<kLanes>(l.outputs);
  const unary::Parameters c = {broadcast(l.alpha), broadcast(l.beta)};
  for (int v = 0; v < count; ++v) {
    const int64_t left = l.outputs - v * kWidth;
    z.v[v] = only(left, F::value(z.v[v], c));
    store(l.slope + v * kWidth, only(left, F::grad(z.v[v], c)));
  }
  store_row(l.y, z, count);
  return z;
}

// dz = dy f'(z)
template <int kLanes>
MYELIN_INLINE Row<kLanes> derive(const Layer<kLanes>& l, Row<kLanes> dy) {
  const int count = vectors<kLanes>(l.outputs);
  for (int v = 0; v < count; ++v) dy.v[v] = dy.v[v] * load(l.slope + v * kWidth);
  if (kLanes > kWidth) store_row(l.dz, dy, count);
  return dy;
}

// Where a sample's gradients go.
struct Sink {
  int64_t now;                   // from a parameter's place to its present value,
  int64_t to_gradient, to_next;  // and from there to its gradient and its next value
  Vec taint;                     // becomes NaN in lanes of what is not finite

  MYELIN_INLINE void tell(Vec x) { taint = fma(x, zero(), taint); }
};

// The gradient of a row of parameters is factor * row, and where kAdd that of the samples before.
// Of a step's last sample come, where kDescend, the parameters' next values at once: one operation
// behind `row`, for which the next step waits.
template <bool kDescend, bool kAdd, int kLanes>
MYELIN_INLINE void sink_row(float* now, Vec factor, const Row<kLanes>& row, int count, Vec descent,
                            Sink& sink) {
  for (int v = 0; v < count; ++v) {
    float* p = now + v * kWidth;
    const Vec before = kAdd ? load(p + sink.to_gradient) : zero();
    const Vec gradient = fma(factor, row.v[v], before);
    sink.tell(gradient);
    if (kDescend) {
      const Vec start = kAdd ? fma(before, descent, load(p)) : load(p);
      store(p + sink.to_next, fma(factor * descent, row.v[v], start));
    } else {
      store(p + sink.to_gradient, gradient);
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
template <bool kDescend, bool kAdd, int kLanes>
MYELIN_INLINE void sink_gradients(const Layer<kLanes>& layer, const float* x, Row<kLanes> dz,
                                  Sink& sink) {
  const View<kLanes> l(layer);
  const Vec descent = broadcast(layer.descent);
  float* weights = l.kernel + sink.now;
  for (int64_t k = 0; k < l.inputs; ++k, weights += l.row) {
    sink_row<kDescend, kAdd>(weights, broadcast(x[k]), dz, l.count, descent, sink);
  }
  if (!l.has_bias) return;
  sink_row<kDescend, kAdd>(l.bias + sink.now, unary::one(), dz, l.count, descent, sink);
}

// The gradient of the input; that of the transposed kernel on the way.
template <bool kDescend, bool kAdd, int kLanes>
MYELIN_INLINE Row<kLanes> propagate(const Layer<kLanes>& layer, Row<kLanes> in, Row<kLanes> dz,
                                    Sink sink) {
  const View<kLanes> l(layer);
  const Vec descent = broadcast(layer.descent);
  Row<kLanes> dx;
  for (int v = 0; v < l.in_count; ++v) dx.v[v] = zero();
  float* weights = l.transposed + sink.now;
  for (int64_t n = 0; n < l.outputs; ++n, weights += l.column) {
    const Vec factor = element(dz, l.dz, n);
    for (int v = 0; v < l.in_count; ++v) {
      dx.v[v] = fma(factor, load(weights + v * kWidth), dx.v[v]);
    }
    // What is not finite the kernel tells.
    sink_row<kDescend, kAdd>(weights, factor, in, l.in_count, descent, sink);
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
  double element_share;  // 1 / width, of losses that are means
  loss::Parameters c;
  double total;
  float* p;  // rows in memory
  float* d;
};

template <class F, int kLanes>
Row<kLanes> pointwise(Loss<kLanes>& l, Row<kLanes> p, const float* t, double weight, double share) {
  const int count = vectors<kLanes>(l.width);
  const double of_sample = F::kMean ? weight * l.element_share : weight;
  const Vec scale = broadcast(static_cast<float>(of_sample * share));
  Vec sum = zero();
  Row<kLanes> d;
  for (int v = 0; v < count; ++v) {
    const int64_t left = l.width - v * kWidth;
    const Vec target = load_lanes(t + v * kWidth, left);
    d.v[v] = F::grad(p.v[v], target, l.c) * scale;
    sum = sum + only(left, F::value(p.v[v], target, l.c));
  }
  l.total += of_sample * static_cast<double>(reduce_add(sum));
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
template <int kLanes, class List>
struct Activations;
template <int kLanes, class... F>
struct Activations<kLanes, unary::List<F...>> {
  static constexpr decltype(Layer<kLanes>::activate) kActivate[] = {activate_of<F, kLanes>()...};
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
