#include "gather.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

namespace myelin {
namespace {

// The type of arithmetic: see `Column`.
template <typename T>
using Wide = std::conditional_t<std::is_same_v<T, float> || sizeof(T) <= 2, float, double>;

template <typename T>
struct Affine {
  Wide<T> scale;
  Wide<T> offset;

  void operator()(const T* from, int64_t count, float* to) const {
    for (int64_t i = 0; i < count; i++) {
      to[i] = static_cast<float>(static_cast<Wide<T>>(from[i]) * scale + offset);
    }
  }
};

struct Copy {
  void operator()(const float* from, int64_t count, float* to) const {
    // A few elements cost less than memcpy, or the loop over vectors that a compiler makes of a
    // count that it does not know.
    constexpr int64_t kFew = 16;
    if (count > kFew) {
      std::memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
      return;
    }
    for (int64_t i = 0; i < kFew; i++) {
      if (i == count) return;
      to[i] = from[i];
    }
  }
};

// The start of a row that is read soon: the CPU foresees what follows it, but not where rows begin.
void prefetch_row([[maybe_unused]] const void* row, [[maybe_unused]] int64_t bytes) {
#if defined(__GNUC__)
  constexpr int64_t kMost = 4096, kLine = 64;
  const char* address = static_cast<const char*>(row);
  for (int64_t i = 0; i < std::min(bytes, kMost); i += kLine) __builtin_prefetch(address + i);
#endif
}

template <typename T, typename Convert>
void gather_rows(const Column& column, int64_t row_size, const uint32_t* rows, int64_t first,
                 int64_t count, float* out, Convert convert) {
  const T* data = static_cast<const T*>(column.data);
  if (!rows) {
    convert(data + first * row_size, count * row_size, out);
    return;
  }
  const int64_t last = column.length / row_size - 1;
  const auto row_at = [&](int64_t i) { return data + checked_row(rows + i, last) * row_size; };
  // Rows far apart come from memory, which takes as long as converting a few hundred bytes.
  const int64_t row_bytes = row_size * static_cast<int64_t>(sizeof(T));
  const int64_t ahead = std::clamp(4096 / row_bytes, int64_t{5}, int64_t{16});
  for (int64_t i = 0; i < std::min(ahead, count); i++) prefetch_row(row_at(i), row_bytes);
  for (int64_t i = 0; i < count; i++) {
    if (i + ahead < count) prefetch_row(row_at(i + ahead), row_bytes);
    convert(row_at(i), row_size, out + i * row_size);
  }
}

template <typename T>
void gather_as(const Column& column, int64_t row_size, const uint32_t* rows, int64_t first,
               int64_t count, float* out) {
  Affine<T> affine{static_cast<Wide<T>>(column.scale), static_cast<Wide<T>>(column.offset)};
  gather_rows<T>(column, row_size, rows, first, count, out, affine);
}

void gather_copies(const Column& column, int64_t row_size, const uint32_t* rows, int64_t first,
                   int64_t count, float* out) {
  gather_rows<float>(column, row_size, rows, first, count, out, Copy{});
}

template <typename T>
constexpr double most() {
  return std::max(-static_cast<double>(std::numeric_limits<T>::min()),
                  static_cast<double>(std::numeric_limits<T>::max()));
}

// By element type.
constexpr double kMost[] = {kUnknownLargest, kUnknownLargest,  most<int8_t>(),  most<uint8_t>(),
                            most<int16_t>(), most<uint16_t>(), most<int32_t>(), most<uint32_t>()};

// By element type; the last one is for floats that count as they are.
constexpr decltype(&gather) kGathers[] = {
    gather_as<float>,   gather_as<double>,   gather_as<int8_t>,
    gather_as<uint8_t>, gather_as<int16_t>,  gather_as<uint16_t>,
    gather_as<int32_t>, gather_as<uint32_t>, gather_copies};
constexpr int kCopies = 8;

}  // namespace

double bound_of(const Column& column) {
  const double largest = std::min(column.largest, kMost[static_cast<int>(column.type)]);
  return largest * std::abs(column.scale) + std::abs(column.offset);
}

void gather(const Column& column, int64_t row_size, const uint32_t* rows, int64_t first,
            int64_t count, float* out) {
  bool copies = is_plain(column);
  if (copies && !rows) {
    Copy{}(static_cast<const float*>(column.data) + first * row_size, count * row_size, out);
    return;
  }
  kGathers[copies ? kCopies : static_cast<int>(column.type)](column, row_size, rows, first, count,
                                                             out);
}

}  // namespace myelin
