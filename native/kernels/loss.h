// Losses: the mean over samples of weight times the mean over a sample's rows of a row loss.
#pragma once
#include "narrow_losses.h"

namespace myelin {
namespace {
namespace loss {

// The sum of the row losses of rows that lie side by side.
using RowsValue = double (*)(const float* p, const float* t, int64_t rows, int64_t width,
                             Parameters c);
// The same, and their gradients times a factor.
using RowsGrad = double (*)(const float* p, const float* t, float* d, int64_t rows, int64_t width,
                            float factor, Parameters c);

template <class F>
double pointwise_value(const float* p, const float* t, int64_t rows, int64_t width, Parameters c) {
  constexpr int64_t kBlock = 1024;  // longer sums go on in double
  double total = 0.0;
  const int64_t n = rows * width;
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t end = min_int(n, begin + kBlock);
    Vec sum = zero();
    int64_t i = begin;
    for (; i + kWidth <= end; i += kWidth) sum = sum + F::value(load(p + i), load(t + i), c);
    if (i < end) {
      const int64_t lanes = end - i;
      const Vec v = F::value(load_partial(p + i, lanes), load_partial(t + i, lanes), c);
      sum = sum + select(first_lanes(lanes), v, zero());
    }
    total += static_cast<double>(reduce_add(sum));
  }
  return F::kMean ? total / static_cast<double>(width) : total;
}

template <class F>
double pointwise_grad(const float* p, const float* t, float* d, int64_t rows, int64_t width,
                      float factor, Parameters c) {
  const Vec scale = broadcast(F::kMean ? factor / static_cast<float>(width) : factor);
  const int64_t n = rows * width;
  for (int64_t i = 0; i < n; i += kWidth) {
    const Vec slope = F::grad(load_lanes(p + i, n - i), load_lanes(t + i, n - i), c);
    store_lanes(d + i, slope * scale, n - i);
  }
  return pointwise_value<F>(p, t, rows, width, c);
}

template <class F>
double row_value(const float* p, const float* t, int64_t rows, int64_t width, Parameters c) {
  const int64_t target = F::kSparse ? 1 : width;
  double total = 0.0;
  for (int64_t i = 0; i < rows; ++i) {
    total += static_cast<double>(F::value(p + i * width, t + i * target, width, c));
  }
  return total;
}

template <class F>
double row_grad(const float* p, const float* t, float* d, int64_t rows, int64_t width, float factor,
                Parameters c) {
  if constexpr (requires { typename F::LogitTerm; }) {
    using Term = typename F::LogitTerm;
    using Target = typename F::LogitTarget;
    if (is_narrow(rows, width)) {
      return grad_by_columns<Term, Target>(p, t, d, rows, width, factor, c);
    }
  }
  const int64_t target = F::kSparse ? 1 : width;
  double total = 0.0;
  for (int64_t i = 0; i < rows; ++i) {
    total += static_cast<double>(
        F::grad(p + i * width, t + i * target, d + i * width, width, factor, c));
  }
  return total;
}

template <class F>
struct Pointwise {
  static constexpr const char* kName = F::kName;
  static constexpr bool kSparse = false;
  static constexpr RowsValue kValue = pointwise_value<F>;
  static constexpr RowsGrad kGrad = pointwise_grad<F>;
};
template <class F>
struct Row {
  static constexpr const char* kName = F::kName;
  static constexpr bool kSparse = F::kSparse;
  static constexpr RowsValue kValue = row_value<F>;
  static constexpr RowsGrad kGrad = row_grad<F>;
};

template <class... F>
struct List : FunctionList<F...> {
  static constexpr bool kSparse[] = {F::kSparse...};
  static constexpr RowsValue kValue[] = {F::kValue...};
  static constexpr RowsGrad kGrad[] = {F::kGrad...};
};

using Functions =
    List<Pointwise<MeanSquaredError>, Pointwise<MeanAbsoluteError>,
         Pointwise<MeanAbsolutePercentageError>, Pointwise<MeanSquaredLogarithmicError>,
         Pointwise<Huber>, Pointwise<LogCosh>, Pointwise<Hinge>, Pointwise<SquaredHinge>,
         Row<CategoricalHinge>, Pointwise<KlDivergence>, Pointwise<Poisson>, Row<CosineSimilarity>,
         Row<CategoricalCrossentropy>, Row<SparseCategoricalCrossentropy>,
         Pointwise<BinaryCrossentropy>, Row<CategoricalCrossentropyFromLogits>,
         Row<SparseCategoricalCrossentropyFromLogits>, Pointwise<BinaryCrossentropyFromLogits>,
         Pointwise<BinaryFocal>, Pointwise<BinaryFocalFromLogits>, Row<CategoricalFocal>,
         Row<CategoricalFocalFromLogits>, Row<NegativeLogLikelihood>>;

// Prediction and target of the same samples, one class index a row for sparse targets; a weight
// a sample.
inline const char* check_pair(const Operand& p, const Operand& t, bool sparse) {
  if (!p.batched || !t.batched) return "prediction and target must be batched";
  if (t.size != (sparse ? sample_rows(p) : p.size)) {
    return "the target's size does not fit the prediction's";
  }
  return nullptr;
}
inline const char* check_weight(const Instruction& in, int index) {
  if (in.input_count <= index) return nullptr;
  const Operand& w = in.inputs[index];
  return w.batched && w.size == 1 ? nullptr : "weights must be one number a sample";
}

// prediction, target, weight (optional) -> scalar and, where the last attribute is 1, dprediction
inline const char* check(const Instruction& in) {
  const bool gradient = in.output_count == 2;
  if (const char* wrong = check_counts(in, {2, 3, gradient ? 2 : 1, 5})) return wrong;
  if (const char* wrong = check_function(in, Functions::kCount)) return wrong;
  const bool sparse = Functions::kSparse[function_of(in)];
  if (const char* wrong = check_pair(in.inputs[0], in.inputs[1], sparse)) return wrong;
  if (const char* wrong = check_weight(in, 2)) return wrong;
  if (!whole(in.attributes[3], 0, 1)) return "sum must be 0 or 1";
  if (in.attributes[4] != (gradient ? 1 : 0)) {
    return "gradient must be 1 where there are two outputs";
  }
  if (!is_scalar(in.outputs[0])) return "the loss must be an unbatched scalar";
  if (gradient && !same_size(in.inputs[0], in.outputs[1])) {
    return "the gradient's size is not the prediction's";
  }
  return check_apart(in);
}

// What a call needs of its instruction.
struct Call {
  const float* p;
  const float* t;
  float* d;                                // null: no gradient
  int64_t size, target_size, rows, width;  // of a sample
  Parameters c;
  double share;  // of a row in the result

  Call(const Instruction& in, int64_t batch) {
    const Operand& prediction = in.inputs[0];
    p = prediction.data;
    t = in.inputs[1].data;
    d = in.output_count == 2 ? in.outputs[1].data : nullptr;
    size = prediction.size;
    target_size = in.inputs[1].size;
    width = width_of(prediction);
    rows = size / width;
    c = {attribute(in, 1), attribute(in, 2)};
    share = 1.0 / static_cast<double>(rows * (in.attributes[3] == 1 ? 1 : batch));
  }

  // The losses of `count` samples from `first` on, of which each counts `weight`.
  double add(int function, int64_t first, int64_t count, double weight) const {
    const float* from = p + first * size;
    const float* target = t + first * target_size;
    if (!d) return weight * Functions::kValue[function](from, target, rows * count, width, c);
    return weight * Functions::kGrad[function](from, target, d + first * size, rows * count, width,
                                               static_cast<float>(weight * share), c);
  }
};

inline void run(const Instruction& in, const StepContext& ctx, int64_t, int64_t) {
  const Call call(in, ctx.batch);
  const int function = function_of(in);
  double total = 0.0;
  if (in.input_count == 2) {
    total = call.add(function, 0, ctx.batch, 1.0);
  } else {
    const float* weights = in.inputs[2].data;
    for (int64_t i = 0; i < ctx.batch; ++i) {
      total += call.add(function, i, 1, static_cast<double>(weights[i]));
    }
  }
  in.outputs[0].data[0] = static_cast<float>(total * call.share);
}

}  // namespace loss

constexpr Kernel kLoss = {"loss",   loss::Functions::kNames, loss::check, heavy_input_work, nullptr,
                          loss::run};

}  // namespace
}  // namespace myelin
