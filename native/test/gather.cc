#include "gather.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

namespace myelin::test {
namespace {

template <typename T>
void check_type(ElementType type, std::vector<T> data) {
  data.resize(12, T{7});
  Column column{data.data(), 12, type, 0.5, -1};
  std::vector<uint32_t> rows = {3, 0, 3};
  std::vector<float> out(9, -99);
  gather(column, 3, rows.data(), 0, 3, out.data());
  for (size_t i = 0; i < 9; i++) {
    CHECK(out[i] == static_cast<float>(data[rows[i / 3] * 3 + i % 3]) * 0.5f - 1.0f);
  }
  gather(column, 3, nullptr, 1, 3, out.data());
  for (size_t i = 0; i < 9; i++) {
    CHECK(out[i] == static_cast<float>(data[3 + i]) * 0.5f - 1.0f);
  }
}

TEST_CASE("columns of every type are gathered, by rows and in order") {
  check_type<float>(ElementType::kFloat32, {1.5f, -2, 3, 1e6f});
  check_type<double>(ElementType::kFloat64, {1.5, -2, 3, 1e6});
  check_type<int8_t>(ElementType::kInt8, {-128, 127, 0});
  check_type<uint8_t>(ElementType::kUint8, {0, 255, 128});
  check_type<int16_t>(ElementType::kInt16, {-32768, 32767});
  check_type<uint16_t>(ElementType::kUint16, {65535, 0});
  check_type<int32_t>(ElementType::kInt32, {-1, 1 << 20});
  check_type<uint32_t>(ElementType::kUint32, {1u << 31, 3});
}

TEST_CASE("a bound is of what elements count, where they were looked at or are integers") {
  const auto bound = [](ElementType type, double scale, double offset,
                        double largest = kUnknownLargest) {
    return bound_of({nullptr, 0, type, scale, offset, largest});
  };
  CHECK(bound(ElementType::kFloat32, 1, 0) == kUnknownLargest);
  CHECK(bound(ElementType::kFloat64, 1, 0) == kUnknownLargest);
  CHECK(bound(ElementType::kFloat32, -2, -3, 10) == 23);
  CHECK(bound(ElementType::kFloat64, 0.5, 1, 10) == 6);
  CHECK(bound(ElementType::kInt8, 1, 0) == 128);
  CHECK(bound(ElementType::kUint8, -1, 0.5) == 255.5);
  CHECK(bound(ElementType::kUint8, 1, 0, 7) == 7);
  CHECK(bound(ElementType::kInt16, 1, 0) == 32768);
  CHECK(bound(ElementType::kUint16, 2, 0) == 131070);
  CHECK(bound(ElementType::kInt32, 1, 0) == 2147483648.0);
  CHECK(bound(ElementType::kUint32, 1, 0) == 4294967295.0);
}

TEST_CASE("wide types are scaled in double, so that large offsets cancel exactly") {
  std::vector<double> data = {1700000000.25};
  float out;
  gather({data.data(), 1, ElementType::kFloat64, 2, -3400000000.0}, 1, nullptr, 0, 1, &out);
  CHECK(out == 0.5f);
}

TEST_CASE("long and short rows of floats are copied") {
  for (int64_t size : {1, 2, 15, 16, 17, 100}) {
    std::vector<float> data(static_cast<size_t>(size * 3));
    for (size_t i = 0; i < data.size(); i++) data[i] = static_cast<float>(i);
    std::vector<uint32_t> rows = {2, 1};
    std::vector<float> out(static_cast<size_t>(size * 2) + 1, -1);
    Column column{data.data(), size * 3, ElementType::kFloat32, 1, 0};
    gather(column, size, rows.data(), 0, 2, out.data());
    CHECK(out[0] == data[static_cast<size_t>(size * 2)]);
    CHECK(out[static_cast<size_t>(size * 2 - 1)] == data[static_cast<size_t>(size * 2 - 1)]);
    CHECK(out.back() == -1);
  }
}

TEST_CASE("many rows, of any size, come in the order of the indices") {
  for (size_t size : {1, 7, 300, 5000}) {
    for (size_t count : {1, 4, 5, 6, 17, 40}) {
      std::vector<uint8_t> data(size * 50);
      for (size_t i = 0; i < data.size(); i++) data[i] = static_cast<uint8_t>(i * 7 + i / size);
      std::vector<uint32_t> rows(count);
      for (size_t i = 0; i < count; i++) rows[i] = static_cast<uint32_t>(i * 37 % 50);
      std::vector<float> out(size * count);
      int64_t row_size = static_cast<int64_t>(size);
      gather({data.data(), row_size * 50, ElementType::kUint8, 1, 0}, row_size, rows.data(), 0,
             static_cast<int64_t>(count), out.data());
      size_t wrong = 0;
      for (size_t i = 0; i < out.size(); i++) {
        wrong += out[i] != static_cast<float>(data[rows[i / size] * size + i % size]);
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("a row past the end, which only a later write can cause, reads the last row") {
  std::vector<float> data = {1, 2, 3, 4};
  uint32_t row = 0xffffffff;
  float out[2];
  gather({data.data(), 4, ElementType::kFloat32, 1, 0}, 2, &row, 0, 1, out);
  CHECK(out[0] == 3);
  CHECK(out[1] == 4);
}

}  // namespace
}  // namespace myelin::test
