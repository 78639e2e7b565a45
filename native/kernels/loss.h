// Losses: the mean over samples of weight times the mean over a sample's rows of a row loss.
#pragma once
#include "row_losses.h"

namespace myelin {
namespace {
namespace loss {

// The sum of the row losses of rows that lie side by side.
using RowsValue = double (*)(const float* p, const float* t, int64_t rows, int64_t width,
                             Parameters c);
// Their gradients, times a factor.
using RowsGrad = void (*)(const float* p, const float* t, float* d, int64_t rows, int64_t width,
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
void pointwise_grad(const float* p, const float* t, float* d, int64_t rows, int64_t width,
                    float factor, Parameters c) {
  const Vec scale = broadcast(F::kMean ? factor / static_cast<float>(width) : factor);
  const int64_t n = rows * width;
  for (int64_t i = 0; i < n; i += kWidth) {
    const Vec slope = F::grad(load_lanes(p + i, n - i), load_lanes(t + i, n - i), c);
    store_lanes(d + i, slope * scale, n - i);
  }
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
void row_grad(const float* p, const float* t, float* d, int64_t rows, int64_t width, float factor,
              Parameters c) {
  const int64_t target = F::kSparse ? 1 : width;
  for (int64_t i = 0; i < rows; ++i) {
    F::grad(p + i * width, t + i * target, d + i * width, width, factor, c);
  }
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

inline const char* check_common(const Instruction& in, int inputs, int weight) {
  if (const char* wrong = check_counts(in, {inputs, inputs + 1, 1, 4})) return wrong;
  if (const char* wrong = check_function(in, Functions::kCount)) return wrong;
  const bool sparse = Functions::kSparse[function_of(in)];
  if (const char* wrong = check_pair(in.inputs[0], in.inputs[1], sparse)) return wrong;
  if (const char* wrong = check_weight(in, weight)) return wrong;
  if (!whole(in.attributes[3], 0, 1)) return "sum must be 0 or 1";
  return check_apart(in);
}

// What a call needs of its instruction.
struct Call {
  int function;
  const float* p;
  const float* t;
  int64_t size, target_size, rows, width;  // of a sample
  Parameters c;
  double share;  // of a row in the result

  Call(const Instruction& in, int64_t batch) {
    const Operand& prediction = in.inputs[0];
    function = function_of(in);
    p = prediction.data;
    t = in.inputs[1].data;
    size = prediction.size;
    target_size = in.inputs[1].size;
    width = width_of(prediction);
    rows = size / width;
    c = {attribute(in, 1), attribute(in, 2)};
    share = 1.0 / static_cast<double>(rows * (in.attributes[3] == 1 ? 1 : batch));
  }
};

// prediction, target, weight (optional) -> scalar
inline const char* check(const Instruction& in) {
  if (const char* wrong = check_common(in, 2, 2)) return wrong;
  return is_scalar(in.outputs[0]) ? nullptr : "the output must be an unbatched scalar";
}

inline void run(const Instruction& in, const StepContext& ctx, int64_t, int64_t) {
  const Call call(in, ctx.batch);
  const RowsValue value = Functions::kValue[call.function];
  double total = 0.0;
  if (in.input_count == 2) {
    total = value(call.p, call.t, call.rows * ctx.batch, call.width, call.c);
  } else {
    for (int64_t i = 0; i < ctx.batch; ++i) {
      total += static_cast<double>(in.inputs[2].data[i]) * value(call.p + i * call.size,
                                                                 call.t + i * call.target_size,
                                                                 call.rows, call.width, call.c);
    }
  }
  in.outputs[0].data[0] = static_cast<float>(total * call.share);
}

// prediction, target, dy (scalar), weight (optional) -> dprediction
inline const char* check_grad(const Instruction& in) {
  if (const char* wrong = check_common(in, 3, 3)) return wrong;
  if (!is_scalar(in.inputs[2])) return "the loss's gradient must be an unbatched scalar";
  return same_size(in.inputs[0], in.outputs[0]) ? nullptr
                                                : "the output's size is not the prediction's";
}

inline int64_t parts_grad(const Instruction& in, int64_t batch) {
  return max_int(1, min_int(batch, grains(elements_of(in.inputs[0], batch))));
}

inline void run_grad(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const Call call(in, ctx.batch);
  const RowsGrad grad = Functions::kGrad[call.function];
  const Range r = split(ctx.batch, 1, part, parts);
  const double factor = call.share * static_cast<double>(in.inputs[2].data[0]);
  const float* p = call.p + r.begin * call.size;
  const float* t = call.t + r.begin * call.target_size;
  float* d = in.outputs[0].data + r.begin * call.size;
  if (in.input_count == 3) {
    grad(p, t, d, call.rows * (r.end - r.begin), call.width, static_cast<float>(factor), call.c);
    return;
  }
  for (int64_t i = r.begin; i < r.end; ++i) {
    const double weight = static_cast<double>(in.inputs[3].data[i]);
    grad(p, t, d, call.rows, call.width, static_cast<float>(factor * weight), call.c);
    p += call.size;
    t += call.target_size;
    d += call.size;
  }
}

}  // namespace loss

constexpr Kernel kLoss = {"loss",   loss::Functions::kNames, loss::check, heavy_input_work, nullptr,
                          loss::run};
constexpr Kernel kLossGrad = {"lossGrad",       loss::Functions::kNames, loss::check_grad,
                              heavy_input_work, loss::parts_grad,        loss::run_grad};

}  // namespace
}  // namespace myelin
