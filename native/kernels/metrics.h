// Statistics of predictions, from which metrics are computed.
#pragma once
#include "loss.h"

namespace myelin {
namespace {
namespace metrics {

// Predictions and targets row by row, with the weight of each row's sample.
struct Rows {
  const float* p;
  const float* t;
  const float* weights;  // null: all 1
  int64_t count, width, target_width, per_sample;

  Rows(const Instruction& in, int64_t batch, int weight) {
    const Operand &prediction = in.inputs[0], &target = in.inputs[1];
    p = prediction.data;
    t = target.data;
    weights = in.input_count > weight ? in.inputs[weight].data : nullptr;
    width = width_of(prediction);
    per_sample = sample_rows(prediction);
    target_width = target.size / per_sample;
    count = per_sample * batch;
  }
  const float* prediction(int64_t row) const { return p + row * width; }
  const float* target(int64_t row) const { return t + row * target_width; }
  double weight(int64_t row) const { return weights ? weights[row / per_sample] : 1.0; }
};

// The first maximum.
inline int64_t argmax(const float* x, int64_t n) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; ++i) {
    if (x[i] > x[best]) best = i;
  }
  return best;
}

// A class index, or -1 where the value is none.
inline int64_t class_of(float label, int64_t classes) {
  if (!(label >= 0.0f && label < static_cast<float>(classes))) return -1;
  const int64_t index = static_cast<int64_t>(label);
  return static_cast<float>(index) == label ? index : -1;
}

struct Options {
  float threshold;
  double k;
};

// How right a row is, from 0 to 1.
struct Binary {
  static constexpr const char* kName = "binary";
  static constexpr bool kSparse = false;
  static double correct(const float* p, const float* t, int64_t n, Options o) {
    int64_t hits = 0;
    for (int64_t i = 0; i < n; ++i) hits += (p[i] > o.threshold) == (t[i] > 0.5f);
    return static_cast<double>(hits) / static_cast<double>(n);
  }
};
struct Categorical {
  static constexpr const char* kName = "categorical";
  static constexpr bool kSparse = false;
  static double correct(const float* p, const float* t, int64_t n, Options) {
    return argmax(p, n) == argmax(t, n);
  }
};
struct Sparse {
  static constexpr const char* kName = "sparse";
  static constexpr bool kSparse = true;
  static double correct(const float* p, const float* t, int64_t n, Options) {
    return argmax(p, n) == class_of(*t, n);
  }
};
// Whether fewer than k predictions are larger than the true class's.
inline double among_top(const float* p, int64_t n, int64_t index, double k) {
  if (index < 0) return 0.0;
  int64_t larger = 0;
  for (int64_t i = 0; i < n; ++i) larger += p[i] > p[index];
  return static_cast<double>(larger) < k;
}
struct TopK {
  static constexpr const char* kName = "topK";
  static constexpr bool kSparse = false;
  static double correct(const float* p, const float* t, int64_t n, Options o) {
    return among_top(p, n, argmax(t, n), o.k);
  }
};
struct SparseTopK {
  static constexpr const char* kName = "sparseTopK";
  static constexpr bool kSparse = true;
  static double correct(const float* p, const float* t, int64_t n, Options o) {
    return among_top(p, n, class_of(*t, n), o.k);
  }
};

using Correct = double (*)(const float* p, const float* t, int64_t n, Options options);

template <class... F>
struct List : FunctionList<F...> {
  static constexpr bool kSparse[] = {F::kSparse...};
  static constexpr Correct kCorrect[] = {F::correct...};
};
using Functions = List<Binary, Categorical, Sparse, TopK, SparseTopK>;

inline const char* check_accuracy(const Instruction& in) {
  if (const char* wrong = check_counts(in, {2, 3, 1, 3})) return wrong;
  if (const char* wrong = check_function(in, Functions::kCount)) return wrong;
  const bool sparse = Functions::kSparse[function_of(in)];
  if (const char* wrong = loss::check_pair(in.inputs[0], in.inputs[1], sparse)) return wrong;
  if (const char* wrong = loss::check_weight(in, 2)) return wrong;
  if (!is_vector(in.outputs[0], 2)) return "the output must have 2 elements";
  return check_apart(in);
}

inline void run_accuracy(const Instruction& in, const StepContext& ctx, int64_t, int64_t) {
  const Rows rows(in, ctx.batch, 2);
  const Correct correct = Functions::kCorrect[function_of(in)];
  const Options options = {attribute(in, 1), in.attributes[2]};
  double hits = 0.0, total = 0.0;
  for (int64_t i = 0; i < rows.count; ++i) {
    const double weight = rows.weight(i);
    hits += weight * correct(rows.prediction(i), rows.target(i), rows.width, options);
    total += weight;
  }
  in.outputs[0].data[0] = static_cast<float>(hits);
  in.outputs[0].data[1] = static_cast<float>(total);
}

// ---- confusion: counts[true class][predicted class] ----

constexpr const char* kConfusionNames[] = {"categorical", "sparse", "binary", nullptr};
enum Confusion { kCategorical, kSparse, kBinary };

inline const char* check_confusion(const Instruction& in) {
  if (const char* wrong = check_counts(in, {2, 2, 1, 2})) return wrong;
  if (const char* wrong = check_function(in, 3)) return wrong;
  const Operand &p = in.inputs[0], &counts = in.outputs[0];
  const bool sparse = function_of(in) == kSparse, binary = function_of(in) == kBinary;
  if (const char* wrong = loss::check_pair(p, in.inputs[1], sparse)) return wrong;
  if (binary && width_of(p) != 1) return "binary predictions must be one wide";
  const int64_t classes = binary ? 2 : width_of(p);
  if (counts.batched || counts.rank != 2 || counts.shape[0] != classes ||
      counts.shape[1] != classes) {
    return "the output must be a square of as many rows as there are classes";
  }
  return check_apart(in);
}

inline void run_confusion(const Instruction& in, const StepContext& ctx, int64_t, int64_t) {
  const Rows rows(in, ctx.batch, 2);
  const Operand& counts = in.outputs[0];
  const int64_t classes = counts.shape[0];
  const float threshold = attribute(in, 1);
  fill(counts.data, 0.0f, counts.size);
  for (int64_t i = 0; i < rows.count; ++i) {
    const float *p = rows.prediction(i), *t = rows.target(i);
    int64_t actual, guess;
    if (function_of(in) == kBinary) {
      actual = *t > 0.5f;
      guess = *p > threshold;
    } else {
      actual = function_of(in) == kSparse ? class_of(*t, classes) : argmax(t, classes);
      guess = argmax(p, classes);
    }
    if (actual >= 0) counts.data[actual * classes + guess] += 1.0f;
  }
}

// ---- thresholdCounts: true and false positives, true and false negatives [4, T] ----

inline const char* check_threshold_counts(const Instruction& in) {
  if (const char* wrong = check_counts(in, {3, 4, 1, 0})) return wrong;
  if (const char* wrong = loss::check_pair(in.inputs[0], in.inputs[1], false)) return wrong;
  const Operand &thresholds = in.inputs[2], &y = in.outputs[0];
  if (thresholds.batched || thresholds.rank != 1) return "thresholds must be an unbatched list";
  if (const char* wrong = loss::check_weight(in, 3)) return wrong;
  if (!is_vector(y, 4 * thresholds.size)) return "the output must have 4 elements a threshold";
  return check_apart(in);
}

inline int64_t work_threshold_counts(const Instruction& in, int64_t batch) {
  return elements_of(in.inputs[0], batch) * in.inputs[2].size / 4;
}
inline int64_t parts_threshold_counts(const Instruction& in, int64_t) {
  return divide_up(in.inputs[2].size, kLine);
}

inline void run_threshold_counts(const Instruction& in, const StepContext& ctx, int64_t part,
                                 int64_t parts) {
  const Operand &p = in.inputs[0], &thresholds = in.inputs[2];
  const float* t = in.inputs[1].data;
  const float* weights = in.input_count > 3 ? in.inputs[3].data : nullptr;
  const int64_t count = thresholds.size;
  const Range r = split(count, kLine, part, parts);
  for (int64_t j = r.begin; j < r.end; j += kWidth) {
    const int64_t lanes = r.end - j;
    const Vec limit = load_lanes(thresholds.data + j, lanes);
    Vec positive[2] = {zero(), zero()};  // guessed so, by the target's side
    Vec negative[2] = {zero(), zero()};
    for (int64_t i = 0; i < ctx.batch; ++i) {
      const Vec weight = broadcast(weights ? weights[i] : 1.0f);
      for (int64_t e = i * p.size; e < (i + 1) * p.size; ++e) {
        const Mask guess = less(limit, broadcast(p.data[e]));
        const int side = t[e] > 0.5f;
        positive[side] = positive[side] + select(guess, weight, zero());
        negative[side] = negative[side] + select(guess, zero(), weight);
      }
    }
    float* y = in.outputs[0].data + j;
    store_lanes(y, positive[1], lanes);
    store_lanes(y + count, positive[0], lanes);
    store_lanes(y + 2 * count, negative[0], lanes);
    store_lanes(y + 3 * count, negative[1], lanes);
  }
}

// ---- regressionSums: sums of w |e|, w e^2, w t, w t^2, w ----

inline const char* check_regression_sums(const Instruction& in) {
  if (const char* wrong = check_counts(in, {2, 3, 1, 0})) return wrong;
  if (const char* wrong = loss::check_pair(in.inputs[0], in.inputs[1], false)) return wrong;
  if (const char* wrong = loss::check_weight(in, 2)) return wrong;
  if (!is_vector(in.outputs[0], 5)) return "the output must have 5 elements";
  return check_apart(in);
}

inline void run_regression_sums(const Instruction& in, const StepContext& ctx, int64_t, int64_t) {
  const int64_t size = in.inputs[0].size;
  const float *p = in.inputs[0].data, *t = in.inputs[1].data;
  double sums[5] = {};
  for (int64_t i = 0; i < ctx.batch; ++i) {
    const double w = in.input_count > 2 ? in.inputs[2].data[i] : 1.0;
    for (int64_t j = i * size; j < (i + 1) * size; ++j) {
      const double target = t[j], error = p[j] - target;
      sums[0] += w * (error < 0.0 ? -error : error);
      sums[1] += w * error * error;
      sums[2] += w * target;
      sums[3] += w * target * target;
      sums[4] += w;
    }
  }
  for (int i = 0; i < 5; ++i) in.outputs[0].data[i] = static_cast<float>(sums[i]);
}

}  // namespace metrics

constexpr Kernel kAccuracy = {
    "accuracy", metrics::Functions::kNames, metrics::check_accuracy, input_work,
    nullptr,    metrics::run_accuracy};
constexpr Kernel kConfusion = {
    "confusion", metrics::kConfusionNames, metrics::check_confusion, input_work,
    nullptr,     metrics::run_confusion};
constexpr Kernel kThresholdCounts = {"thresholdCounts",
                                     nullptr,
                                     metrics::check_threshold_counts,
                                     metrics::work_threshold_counts,
                                     metrics::parts_threshold_counts,
                                     metrics::run_threshold_counts};
constexpr Kernel kRegressionSums = {"regressionSums", nullptr, metrics::check_regression_sums,
                                    input_work,       nullptr, metrics::run_regression_sums};

}  // namespace
}  // namespace myelin
