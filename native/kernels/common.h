// What every kernel needs: dividing work over parts and checking operands.
#pragma once
#include <cstdint>

#include "../kernel.h"
#include "../simd/math.h"

namespace myelin {
namespace {

MYELIN_INLINE constexpr int64_t min_int(int64_t a, int64_t b) { return a < b ? a : b; }
MYELIN_INLINE constexpr int64_t max_int(int64_t a, int64_t b) { return a > b ? a : b; }
MYELIN_INLINE constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
MYELIN_INLINE constexpr int64_t round_up(int64_t a, int64_t b) { return divide_up(a, b) * b; }

// ---- Sizes: what Operand's members give, without a symbol that units could share ----

MYELIN_INLINE int64_t elements_of(const Operand& x, int64_t batch) {
  return x.batched ? x.size * batch : x.size;
}
// Elements of a row: the last axis.
MYELIN_INLINE int64_t width_of(const Operand& x) { return x.rank ? x.shape[x.rank - 1] : 1; }
MYELIN_INLINE int64_t rows_of(const Operand& x, int64_t batch) {
  return elements_of(x, batch) / width_of(x);
}

// ---- Division over parts ----

struct Range {
  int64_t begin;
  int64_t end;
};

// Part `part` of `parts` of 0..n, in whole units (the last one may be short).
MYELIN_INLINE Range split(int64_t n, int64_t unit, int64_t part, int64_t parts) {
  if (parts == 1) return {0, n};  // without divisions, which take longer than a few numbers
  const int64_t units = divide_up(n, unit);
  return {min_int(n, units * part / parts * unit), min_int(n, units * (part + 1) / parts * unit)};
}

// Elementwise work is divided in cache lines, into parts of at least kGrain elements.
constexpr int64_t kLine = 16;
constexpr int64_t kGrain = 2048;

MYELIN_INLINE int64_t grains(int64_t elements) { return max_int(1, elements / kGrain); }

// Whether a matrix of parameters, and all that is laid out like it, is divided by columns.
MYELIN_INLINE bool owns_columns(int64_t columns) { return columns >= 64; }
MYELIN_INLINE bool owns_columns(const Operand& x) {
  return !x.batched && x.rank == 2 && owns_columns(x.shape[1]);
}

// Calls work.run(begin, end) for the stretches of elements that are a part of x. Those of columns
// go down the rows in narrow strips: along a row, a CPU's prefetchers run on into the next part's
// lines and take them from the CPU that writes them. What caches do not hold comes faster from
// memory in wider ones.
template <class Work>
MYELIN_INLINE void each_stretch(const Operand& x, int64_t batch, int64_t part, int64_t parts,
                                Work& work) {
  if (parts == 1 || !owns_columns(x)) {
    const Range r = split(elements_of(x, batch), kLine, part, parts);
    work.run(r.begin, r.end);
    return;
  }
  constexpr int64_t kCached = 512 * 1024;
  const int64_t strip = x.size > kCached ? 8 * kLine : 2 * kLine;
  const Range r = split(x.shape[1], kLine, part, parts);
  for (int64_t j = r.begin; j < r.end; j += strip) {
    const int64_t end = min_int(j + strip, r.end);
    for (int64_t row = 0; row < x.size; row += x.shape[1]) work.run(row + j, row + end);
  }
}

inline int64_t output_parts(const Instruction& in, int64_t batch) {
  return grains(elements_of(in.outputs[0], batch));
}
inline int64_t input_parts(const Instruction& in, int64_t batch) {
  return grains(elements_of(in.inputs[0], batch));
}
// Rows are divided whole.
inline int64_t row_parts(const Instruction& in, int64_t batch) {
  const Operand& x = in.inputs[0];
  return max_int(1, min_int(rows_of(x, batch), grains(elements_of(x, batch))));
}
inline int64_t input_work(const Instruction& in, int64_t batch) {
  return elements_of(in.inputs[0], batch);
}
// Of functions that cost about eight times a copy (exp and the like).
inline int64_t heavy_input_work(const Instruction& in, int64_t batch) {
  return 8 * elements_of(in.inputs[0], batch);
}

// The samples that an operand has.
MYELIN_INLINE int64_t samples(const Operand& x, int64_t batch) { return x.batched ? batch : 1; }
// Elements of one sample before its last axis.
MYELIN_INLINE int64_t sample_rows(const Operand& x) { return x.size / width_of(x); }

MYELIN_INLINE float attribute(const Instruction& in, int i) {
  return static_cast<float>(in.attributes[i]);
}

// ---- Checks: null, or what is wrong ----

inline bool valid(const Operand& x) {
  return x.data != nullptr && x.size > 0 && x.rank >= 0 && x.rank <= kMaxRank;
}
inline bool same_shape(const Operand& a, const Operand& b) {
  if (a.rank != b.rank) return false;
  for (int i = 0; i < a.rank; ++i) {
    if (a.shape[i] != b.shape[i]) return false;
  }
  return true;
}
// The same number of elements at every batch.
inline bool same_size(const Operand& a, const Operand& b) {
  return a.size == b.size && a.batched == b.batched;
}
inline bool same_type(const Operand& a, const Operand& b) {
  return a.batched == b.batched && same_shape(a, b);
}
inline bool is_vector(const Operand& x, int64_t n) { return !x.batched && x.size == n; }
inline bool is_scalar(const Operand& x) { return is_vector(x, 1); }

struct Counts {
  int inputs_min, inputs_max, outputs, attributes;
};

// The counts, and that no operand is empty and no attribute NaN.
inline const char* check_counts(const Instruction& in, Counts want) {
  if (in.input_count < want.inputs_min || in.input_count > want.inputs_max) {
    return "wrong number of inputs";
  }
  if (in.output_count != want.outputs) return "wrong number of outputs";
  if (in.attribute_count != want.attributes) return "wrong number of attributes";
  for (int i = 0; i < in.input_count; ++i) {
    if (!valid(in.inputs[i])) return "an input is empty";
  }
  for (int i = 0; i < in.output_count; ++i) {
    if (!valid(in.outputs[i])) return "an output is empty";
  }
  for (int i = 0; i < in.attribute_count; ++i) {
    if (in.attributes[i] != in.attributes[i]) return "an attribute is NaN";
  }
  return nullptr;
}

// A whole number in [low, high].
inline bool whole(double x, double low, double high) {
  return x >= low && x <= high && x == static_cast<double>(static_cast<int64_t>(x));
}

// The function that the first attribute names.
MYELIN_INLINE int function_of(const Instruction& in) { return static_cast<int>(in.attributes[0]); }

inline const char* check_function(const Instruction& in, int count) {
  return whole(in.attributes[0], 0, count - 1) ? nullptr : "unknown function";
}

inline bool overlap(const Operand& a, const Operand& b) {
  return a.data < b.data + b.size && b.data < a.data + a.size;
}

// Outputs apart from the inputs and from each other.
inline const char* check_apart(const Instruction& in) {
  for (int i = 0; i < in.output_count; ++i) {
    for (int j = 0; j < in.input_count; ++j) {
      if (overlap(in.outputs[i], in.inputs[j])) return "an output overlaps an input";
    }
    for (int j = 0; j < i; ++j) {
      if (overlap(in.outputs[i], in.outputs[j])) return "two outputs overlap";
    }
  }
  return nullptr;
}

// Elementwise kernels may write onto an input of the output's own size, element by element.
inline const char* check_apart_or_same(const Instruction& in) {
  const Operand& y = in.outputs[0];
  for (int j = 0; j < in.input_count; ++j) {
    const Operand& x = in.inputs[j];
    if (x.data == y.data && same_size(x, y)) continue;
    if (overlap(y, x)) return "the output overlaps an input";
  }
  return nullptr;
}

inline bool in_place(const Operand& x, const Operand& y) {
  return x.data == y.data && same_size(x, y);
}

// ---- Lists of functions: a type each, with kName ----

template <class... F>
struct FunctionList {
  static constexpr int kCount = sizeof...(F);
  static constexpr const char* kNames[] = {F::kName..., nullptr};
};

// ---- Loops ----

MYELIN_INLINE void copy(float* to, const float* from, int64_t n) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(to + i, load(from + i));
  if (i < n) store_partial(to + i, load_partial(from + i, n - i), n - i);
}
MYELIN_INLINE void fill(float* to, float value, int64_t n) {
  const Vec v = broadcast(value);
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(to + i, v);
  if (i < n) store_partial(to + i, v, n - i);
}
// All of a vector, or its first n lanes at the end of an array.
MYELIN_INLINE Vec load_lanes(const float* p, int64_t n) {
  return n >= kWidth ? load(p) : load_partial(p, n);
}
MYELIN_INLINE void store_lanes(float* p, Vec a, int64_t n) {
  if (n >= kWidth) {
    store(p, a);
  } else {
    store_partial(p, a, n);
  }
}

}  // namespace
}  // namespace myelin
