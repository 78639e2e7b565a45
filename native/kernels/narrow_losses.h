// Losses of logits in rows of few classes: as many rows at a time as a vector has lanes, and a
// vector for each class, so that no lanes are idle and nothing is added up across them.
#pragma once
#include "row_losses.h"

namespace myelin {
namespace {
namespace loss {

// Fewer rows cost less one by one.
constexpr int64_t kFewRows = 4;

MYELIN_INLINE bool is_narrow(int64_t rows, int64_t classes) {
  return kWidth > 1 && classes <= kWidth && rows >= kFewRows;
}

// Column j of up to kWidth rows of n <= kWidth elements becomes vector j.
MYELIN_INLINE void load_columns(const float* p, int64_t rows, int64_t n, Vec* columns) {
  for (int64_t r = 0; r < kWidth; ++r) columns[r] = r < rows ? load_lanes(p + r * n, n) : zero();
  transpose(columns);
}

// Overwrites the columns.
MYELIN_INLINE void store_columns(Vec* columns, int64_t rows, int64_t n, float* p) {
  for (int64_t j = n; j < kWidth; ++j) columns[j] = zero();
  transpose(columns);
  for (int64_t r = 0; r < rows; ++r) store_lanes(p + r * n, columns[r], n);
}

// The targets of up to kWidth rows, class by class.
template <class Target>
class TargetColumns {
 public:
  MYELIN_INLINE TargetColumns(const float* t, int64_t rows, int64_t n) {
    if (Target::kSparse) {
      columns_[0] = load_lanes(t, rows);
    } else {
      load_columns(t, rows, n, columns_);
    }
  }
  MYELIN_INLINE Vec at(int64_t j, int64_t n, Parameters c) const {
    return Target::of(columns_[Target::kSparse ? 0 : j], broadcast(static_cast<float>(j)), n, c);
  }

 private:
  Vec columns_[kWidth];
};

// As FromLogits::grad does to each row; returns the sum of the losses.
template <class Term, class Target>
float grad_of_columns(const float* z, const float* t, float* d, int64_t rows, int64_t n,
                      float factor, Parameters c) {
  Vec x[kWidth], e[kWidth];
  load_columns(z, rows, n, x);
  const TargetColumns<Target> targets(t, rows, n);
  Vec top = x[0];
  for (int64_t j = 1; j < n; ++j) top = max(top, x[j]);
  Vec total = zero();
  for (int64_t j = 0; j < n; ++j) {
    x[j] = x[j] - top;
    e[j] = exp(x[j]);
    total = total + e[j];
  }
  const Vec log_sum = log(total);
  Vec loss = zero(), slopes = zero();
  for (int64_t j = 0; j < n; ++j) {
    const Vec log_p = x[j] - log_sum, target = targets.at(j, n, c);
    loss = loss + weigh(target, Term::value(log_p, c), kWidth);
    x[j] = weigh(target, Term::slope(log_p, c), kWidth);
    slopes = slopes + x[j];
  }
  const Vec share = slopes / total, outer = broadcast(factor);
  for (int64_t j = 0; j < n; ++j) x[j] = (x[j] - e[j] * share) * outer;
  store_columns(x, rows, n, d);
  return reduce_add(select(first_lanes(rows), loss, zero()));
}

template <class Term, class Target>
double grad_by_columns(const float* z, const float* t, float* d, int64_t rows, int64_t n,
                       float factor, Parameters c) {
  const int64_t target = Target::kSparse ? 1 : n;
  double total = 0.0;
  for (int64_t i = 0; i < rows; i += kWidth) {
    total += static_cast<double>(grad_of_columns<Term, Target>(
        z + i * n, t + i * target, d + i * n, min_int(kWidth, rows - i), n, factor, c));
  }
  return total;
}

}  // namespace loss
}  // namespace
}  // namespace myelin
