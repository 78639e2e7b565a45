#include "denormals.h"

#include <doctest/doctest.h>

#include <limits>

namespace myelin::test {
namespace {

// Computed here and now, not by the compiler.
float product(float a, float b) {
  volatile float x = a, y = b;
  return x * y;
}

TEST_CASE("denormals count as zeros, and only as long as asked") {
  constexpr float kSmallest = std::numeric_limits<float>::min();
  CHECK(product(kSmallest, 0.5f) > 0);
  {
    FlushDenormals flush;
    CHECK(product(kSmallest, 0.5f) == 0);
    CHECK(product(kSmallest, 1.0f) == kSmallest);
    CHECK(product(std::numeric_limits<float>::denorm_min(), 1e38f) == 0);
  }
  CHECK(product(kSmallest, 0.5f) > 0);
}

}  // namespace
}  // namespace myelin::test
