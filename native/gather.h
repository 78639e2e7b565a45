// Reads rows of the caller's columns into the input region.
#pragma once
#include <cstdint>

#include "kernel.h"

namespace myelin {

enum class ElementType {
  kFloat32,
  kFloat64,
  kInt8,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
};

// The caller's array for one input of a plan. An element counts as data * scale + offset: in float
// for types whose values float holds exactly (float32, 8 and 16 bit), product and sum rounded each;
// in double, rounded once at the end, for the others.
struct Column {
  const void* data;
  int64_t length;  // elements
  ElementType type;
  double scale;
  double offset;
  double largest = kUnknownLargest;  // no element was of larger magnitude when it was looked at
};

// No value is of larger magnitude, as far as is known of the elements or of integers of their type.
double bound_of(const Column& column);

// Whether elements count as they are, as floats.
inline bool is_plain(const Column& column) {
  return column.type == ElementType::kFloat32 && column.scale == 1 && column.offset == 0;
}

// The row that `rows` names first, or the last one where it is past that: the array of rows is
// checked before a run, but the caller may write to it during one. Read once, so that the row that
// is checked is the row that is used.
inline int64_t checked_row(const uint32_t* rows, int64_t last) {
  int64_t row = *static_cast<const volatile uint32_t*>(rows);
  return row < last ? row : last;
}

// Writes `count` rows of `row_size` elements to `out`: those that `rows` names, or those from
// `first` on where it is null.
void gather(const Column& column, int64_t row_size, const uint32_t* rows, int64_t first,
            int64_t count, float* out);

}  // namespace myelin
