// Functions of two values, with broadcasting.
#pragma once
#include "strided.h"

namespace myelin {
namespace {
namespace binary {

MYELIN_INLINE Vec truth(Mask mask) { return select(mask, broadcast(1.0f), zero()); }

struct Add {
  static constexpr const char* kName = "add";
  MYELIN_INLINE static Vec value(Vec a, Vec b) { return a + b; }
};
struct Subtract {
  static constexpr const char* kName = "subtract";
  MYELIN_INLINE static Vec value(Vec a, Vec b) { return a - b; }
};
struct Multiply {
  static constexpr const char* kName = "multiply";
  MYELIN_INLINE static Vec value(Vec a, Vec b) { return a * b; }
};
struct Divide {
  static constexpr const char* kName = "divide";
  MYELIN_INLINE static Vec value(Vec a, Vec b) { return a / b; }
};
struct Maximum {
  static constexpr const char* kName = "maximum";
  MYELIN_INLINE static Vec value(Vec a, Vec b) { return max(a, b); }
};
struct Minimum {
  static constexpr const char* kName = "minimum";
  MYELIN_INLINE static Vec value(Vec a, Vec b) { return min(a, b); }
};
struct Equal {
  static constexpr const char* kName = "equal";
  MYELIN_INLINE static Vec value(Vec a, Vec b) { return truth(equal(a, b)); }
};
struct Greater {
  static constexpr const char* kName = "greater";
  MYELIN_INLINE static Vec value(Vec a, Vec b) { return truth(less(b, a)); }
};
struct GreaterEqual {
  static constexpr const char* kName = "greaterEqual";
  MYELIN_INLINE static Vec value(Vec a, Vec b) { return truth(less_equal(b, a)); }
};

// n elements of an operand that is either walked or one repeated element.
template <bool kRepeated>
MYELIN_INLINE Vec read(const float* p, int64_t i, int64_t n) {
  return kRepeated ? broadcast(*p) : load_lanes(p + i, n);
}

template <class F, bool kRepeatA, bool kRepeatB>
MYELIN_INLINE void apply(const float* a, const float* b, float* y, int64_t n) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    store(y + i, F::value(read<kRepeatA>(a, i, kWidth), read<kRepeatB>(b, i, kWidth)));
  }
  if (i < n) {
    store_partial(y + i, F::value(read<kRepeatA>(a, i, n - i), read<kRepeatB>(b, i, n - i)), n - i);
  }
}

// A run of n elements along which each operand has stride 1 or 0.
template <class F>
void run_of(const float* a, int64_t a_stride, const float* b, int64_t b_stride, float* y,
            int64_t n) {
  if (a_stride && b_stride) {
    apply<F, false, false>(a, b, y, n);
  } else if (a_stride) {
    apply<F, false, true>(a, b, y, n);
  } else if (b_stride) {
    apply<F, true, false>(a, b, y, n);
  } else {
    apply<F, true, true>(a, b, y, n);
  }
}

using Run = void (*)(const float* a, int64_t a_stride, const float* b, int64_t b_stride, float* y,
                     int64_t n);

template <class... F>
struct List : FunctionList<F...> {
  static constexpr Run kRun[] = {run_of<F>...};
};

using Functions =
    List<Add, Subtract, Multiply, Divide, Maximum, Minimum, Equal, Greater, GreaterEqual>;

inline const char* check(const Instruction& in) {
  if (const char* wrong = check_counts(in, {2, 2, 1, 1})) return wrong;
  if (const char* wrong = check_function(in, Functions::kCount)) return wrong;
  const Operand& y = in.outputs[0];
  for (int i = 0; i < 2; ++i) {
    if (!broadcasts_to(in.inputs[i], y)) return "an input does not broadcast to the output";
  }
  return check_apart_or_same(in);
}

inline void run(const Instruction& in, const StepContext& ctx, int64_t part, int64_t parts) {
  const Operand &a = in.inputs[0], &b = in.inputs[1], &y = in.outputs[0];
  const Run function = Functions::kRun[function_of(in)];
  const Range r = split(elements_of(y, ctx.batch), kLine, part, parts);
  if (same_size(a, y) && same_size(b, y)) {
    function(a.data + r.begin, 1, b.data + r.begin, 1, y.data + r.begin, r.end - r.begin);
    return;
  }
  const Axes<2> axes = broadcast_axes<2>(y, {&a, &b}, ctx.batch);
  const int64_t* stride = axes.stride[axes.rank - 1];
  Cursor<2> cursor(axes, r.begin);
  for (int64_t i = r.begin; i < r.end;) {
    const int64_t n = min_int(cursor.run_length(), r.end - i);
    function(a.data + cursor.offset[0], stride[0], b.data + cursor.offset[1], stride[1], y.data + i,
             n);
    cursor.advance(n);
    i += n;
  }
}

}  // namespace binary

constexpr Kernel kBinary = {
    "binary", binary::Functions::kNames, binary::check, nullptr, output_parts, binary::run};

}  // namespace
}  // namespace myelin
