// Matrix products of operands rounded to bf16, against sums in double of operands rounded here.
#include <cmath>

#include "product_problem.h"

namespace myelin::test {
namespace {

// To 8 significant bits, ties to even, by arithmetic: adding 2^52 units drops what is below one.
float rounded(float x) {
  if (!std::isfinite(x)) return x;
  if (std::abs(x) < std::numeric_limits<float>::min()) return std::copysign(0.0f, x);
  const double unit = std::ldexp(1.0, std::ilogb(x) - 7), shift = std::copysign(0x1p52, x);
  volatile double sum = x / unit + shift;
  return static_cast<float>((sum - shift) * unit);
}

using Sizes = ProductSizes;

class Problem : public ProductProblem {
 public:
  using ProductProblem::ProductProblem;

  // How many elements are farther from the truth than rounding allows: each of k steps by half a
  // unit, on sums of at most the terms' magnitudes. Denormal sums become zeros.
  int64_t wrong(const Values& c) {
    std::vector<double> a, b;
    for (int64_t i = 0; i < s_.m; ++i) {
      for (int64_t k = 0; k < s_.k; ++k) a.push_back(rounded(this->a(i, k)));
    }
    for (int64_t j = 0; j < s_.n; ++j) {
      for (int64_t k = 0; k < s_.k; ++k) b.push_back(rounded(this->b(k, j)));
    }
    int64_t count = 0;
    for (int64_t i = 0; i < s_.m; ++i) {
      for (int64_t j = 0; j < s_.n; ++j) {
        double sum = bias_.data()[j], magnitude = std::abs(sum);
        for (int64_t k = 0; k < s_.k; ++k) {
          const double term =
              a[static_cast<size_t>(i * s_.k + k)] * b[static_cast<size_t>(j * s_.k + k)];
          sum += term;
          magnitude += std::abs(term);
        }
        const double limit = 6e-8 * static_cast<double>(s_.k + 2) * magnitude + 1e-37;
        count += !(std::abs(c[static_cast<size_t>(i * s_.n + j)] - sum) <= limit);
      }
    }
    return count;
  }
};

// Every ISA, with the operands lying one way or the other; `parts_too`: the same bits for parts.
void check(Sizes s, int index, int64_t gap, bool parts_too) {
  CAPTURE(s.m);
  CAPTURE(s.n);
  CAPTURE(s.k);
  Problem problem(s, index & 1, index & 2, gap);
  for (const ProductKernel* kernel : usable_products()) {
    CAPTURE(std::string(kernel->isa));
    const Values c = problem.run(kernel->run_bf16, 1, parts_too);
    CHECK(problem.wrong(c) == 0);
    if (!parts_too) continue;
    for (int64_t parts = 2; parts <= 4; ++parts) {
      CHECK(same_bits(problem.run(kernel->run_bf16, parts, false), c));
    }
  }
}

TEST_CASE("bf16 products of every size near a tile's edge") {
#if defined(MYELIN_SLOW)
  constexpr int64_t kThinning = 23;
#else
  constexpr int64_t kThinning = 1;
#endif
  int index = 0;
  for (int64_t x = 1; x <= 70; ++x) {
    for (int64_t y = 1 + x % kThinning; y <= 70; y += kThinning) {
      const int64_t z = 1 + (x * 31 + y * 17) % 40;
      const Sizes sizes[] = {{x, y, z}, {x, z, y}, {z, x, y}};
      check(sizes[index % 3], index, index % 2 * 3, index % 50 == 0);
      ++index;
    }
  }
}

TEST_CASE("large bf16 products, in blocks") {
  const Sizes sizes[] = {
      {131, 390, 530}, {300, 271, 700}, {40, 70, 2051}, {513, 33, 65}, {1000, 17, 1024}};
  for (int index = 0; index < 4; ++index) {
    for (const Sizes& s : sizes) check(s, index, 0, index == 0);
  }
}

TEST_CASE("rounding to bf16: ties to even, overflow to infinity, denormals to zero") {
  const float inf = std::numeric_limits<float>::infinity();
  for (const ProductKernel* kernel : usable_products()) {
    CAPTURE(std::string(kernel->isa));
    Problem problem({1, 1, 1}, false, false);
    problem.without_bias();
    auto product = [&](float a, float b) {
      problem.a(0, 0) = a;
      problem.b(0, 0) = b;
      return problem.run(kernel->run_bf16)[0];
    };
    CHECK(product(0x1.00p0f * 64, 64) == 4096);
    CHECK(product(0x1.01p6f, 64) == 4096);
    CHECK(product(0x1.03p6f, 64) == 4096 + 64);
    CHECK(product(0x1.010002p6f, 64) == 4096 + 32);
    CHECK(product(-0x1.03p6f, 64) == -4096 - 64);
    CHECK(product(3.4e38f, 1) == inf);
    CHECK(product(-3.4e38f, 1) == -inf);
    CHECK(product(3.38e38f, 1) < inf);
    CHECK(product(1e-39f, 3e38f) == 0);
    CHECK(std::isnan(product(1e-39f, inf)));
    CHECK(std::isnan(product(NAN, 1)));
    CHECK(std::isnan(product(1, NAN)));
    CHECK(product(inf, -2) == -inf);
  }
}

TEST_CASE("NaN and infinity reach their row or column, and nothing else") {
  for (const ProductKernel* kernel : usable_products()) {
    CAPTURE(std::string(kernel->isa));
    for (int index = 0; index < 4; ++index) {
      const Sizes s = {30, 45, 37};
      Problem problem(s, index & 1, index & 2);
      problem.a(13, 36) = NAN;
      problem.b(0, 44) = std::numeric_limits<float>::infinity();
      const Values c = problem.run(kernel->run_bf16);
      int64_t wrong = 0;
      for (int64_t i = 0; i < s.m; ++i) {
        for (int64_t j = 0; j < s.n; ++j) {
          const float x = c[static_cast<size_t>(i * s.n + j)];
          wrong += std::isnan(x) != (i == 13) || (i != 13 && std::isinf(x) != (j == 44));
        }
      }
      CHECK(wrong == 0);
    }
  }
}

}  // namespace
}  // namespace myelin::test
