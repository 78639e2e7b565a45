// Products in single precision from bf16 ones, against sums in double.
#include <bit>
#include <cmath>

#include "product_problem.h"

namespace myelin::test {
namespace {

const ProductKernel* matrix_unit() {
  for (const ProductKernel* kernel : usable_products()) {
    if (kernel->run_bf16x3) return kernel;
  }
  return nullptr;
}

using Sizes = ProductSizes;

struct Error {
  int64_t wrong = 0;   // elements farther from the truth than rounding allows
  double squares = 0;  // of errors as parts of the terms' magnitudes
};

class Problem : public ProductProblem {
 public:
  using ProductProblem::ProductProblem;

  // Numbers whose exponents differ by up to `spread` either way.
  void fill(int spread) {
    for (Guarded* matrix : {&a_, &b_}) {
      for (size_t i = 0; i < matrix->count(); ++i) {
        const float exponent = std::floor(numbers_.next(-1, 1) * static_cast<float>(spread));
        matrix->data()[i] = std::ldexp(numbers_.next(-1, 1), static_cast<int>(exponent));
      }
    }
    bias_.set(numbers_.list(s_.n));
  }

  // Terms that are left out are at most 2^-23 of their product together with what the third ones
  // lose, and each sum of 32 elements is rounded 17 times, then six times on its way to c.
  Error error(const Values& c) {
    Error error;
    const double units = std::ceil(static_cast<double>(s_.k) / 32);
    const double limit = 0x1p-24 * (2 + 17 + 6 * units);
    for (int64_t i = 0; i < s_.m; ++i) {
      for (int64_t j = 0; j < s_.n; ++j) {
        double sum = call_.bias ? call_.bias[j] : 0, magnitude = std::abs(sum);
        for (int64_t k = 0; k < s_.k; ++k) {
          const double term = static_cast<double>(a(i, k)) * static_cast<double>(b(k, j));
          sum += term;
          magnitude += std::abs(term);
        }
        const double off = std::abs(c[static_cast<size_t>(i * s_.n + j)] - sum);
        error.wrong += !(off <= limit * magnitude);
        error.squares += off * off / (magnitude * magnitude);
      }
    }
    return error;
  }
};

// The operands lying one way or the other; `parts_too`: the same bits for parts.
void check(ProductFunction product, Sizes s, int index, int64_t gap, bool parts_too) {
  CAPTURE(s.m);
  CAPTURE(s.n);
  CAPTURE(s.k);
  Problem problem(s, index & 1, index & 2, gap);
  const Values c = problem.run(product);
  CHECK(problem.error(c).wrong == 0);
  for (int64_t parts = 2; parts_too && parts <= 4; ++parts) {
    CHECK(same_bits(problem.run(product, parts, false), c));
  }
}

TEST_CASE("products of three terms, of every size near a tile's edge") {
  const ProductKernel* kernel = matrix_unit();
  if (!kernel) return;
#if defined(MYELIN_SLOW)
  constexpr int64_t kThinning = 7;
#else
  constexpr int64_t kThinning = 1;
#endif
  int index = 0;
  for (int64_t x = 1; x <= 70; ++x) {
    for (int64_t y = 1 + x % kThinning; y <= 70; y += kThinning) {
      const int64_t z = 1 + (x * 31 + y * 17) % 40;
      const Sizes sizes[] = {{x, y, z}, {x, z, y}, {z, x, y}};
      check(kernel->run_bf16x3, sizes[index % 3], index, index % 2 * 3, index % 50 == 0);
      ++index;
    }
  }
}

TEST_CASE("large products of three terms, in blocks") {
  const ProductKernel* kernel = matrix_unit();
  if (!kernel) return;
  const Sizes sizes[] = {{131, 390, 530}, {300, 271, 700},  {40, 70, 2051},
                         {513, 33, 65},   {1000, 17, 1024}, {20, 77, 4200}};
  for (int index = 0; index < 4; ++index) {
    for (const Sizes& s : sizes) check(kernel->run_bf16x3, s, index, 0, index == 0);
  }
}

TEST_CASE("a number in pieces that has no three terms") {
  const ProductKernel* kernel = matrix_unit();
  if (!kernel) return;
  struct {
    Sizes s;
    bool a_transposed, b_transposed;
    int64_t a_piece, b_piece;
  } const cuts[] = {{{70, 100, 288}, false, true, 96, 96},
                    {{70, 100, 1280}, false, true, 640, 640},
                    {{192, 64, 128}, true, false, 96, 32}};
  for (const auto& cut : cuts) {
    // In the first piece or the last.
    for (int64_t large : {int64_t{7}, cut.s.k - 1}) {
      CAPTURE(cut.s.k);
      CAPTURE(large);
      Problem problem(cut.s, cut.a_transposed, cut.b_transposed);
      problem.cut(cut.a_piece, cut.b_piece);
      problem.b(large, 40) = 1e20f;
      CHECK(problem.error(problem.run(kernel->run_bf16x3)).wrong == 0);
    }
  }
}

TEST_CASE("three terms are no less exact than single precision") {
  const ProductKernel* kernel = matrix_unit();
  if (!kernel) return;
  const ProductKernel* vectors = nullptr;
  for (const ProductKernel* other : usable_float_products()) {
    if (std::string(other->isa) == "avx512") vectors = other;
  }
  for (int64_t k : {32, 128, 784}) {
    for (int spread : {0, 3, 20}) {
      CAPTURE(k);
      CAPTURE(spread);
      Problem problem({64, 96, k}, false, false);
      problem.fill(spread);
      const Error three = problem.error(problem.run(kernel->run_bf16x3));
      const Error one = problem.error(problem.run(vectors->run));
      CHECK(three.wrong == 0);
      CHECK(std::sqrt(three.squares / (64 * 96)) < std::sqrt(one.squares / (64 * 96)));
    }
  }
}

TEST_CASE("numbers that have no three terms are multiplied all the same") {
  const ProductKernel* kernel = matrix_unit();
  if (!kernel) return;
  const float inf = std::numeric_limits<float>::infinity();
  // Both sides in groups, or one of them a single one, past which the other goes by units; the
  // first unit, a later one, and one of a later block.
  struct {
    Sizes s;
    std::initializer_list<int64_t> places;
  } const cases[] = {{{70, 100, 700}, {0, 5, 130, 699}},
                     {{20, 100, 100}, {0, 40, 99}},
                     {{100, 20, 100}, {0, 40, 99}},
                     {{20, 40, 4300}, {5, 4299}}};
  for (const auto& [s, places] : cases) {
    for (int64_t at : places) {
      for (int index = 0; index < 4; ++index) {
        for (float number : {inf, -inf, 3.4e38f, 1e15f, std::bit_cast<float>(0x7fffffffu)}) {
          CAPTURE(s.m);
          CAPTURE(s.k);
          CAPTURE(at);
          CAPTURE(number);
          const int64_t row = s.m / 2;
          Problem problem(s, index & 1, index & 2);
          for (int64_t k = 0; k < s.k; ++k) problem.a(row, k) = 0;
          problem.a(row, at) = number;
          for (int64_t j = 0; j < s.n; ++j) problem.b(at, j) = 1;
          const Values c = problem.run(kernel->run_bf16x3);
          int64_t wrong = 0;
          for (int64_t i = 0; i < s.m; ++i) {
            for (int64_t j = 0; j < s.n; ++j) {
              const float x = c[static_cast<size_t>(i * s.n + j)];
              const bool same = x == number || (std::isnan(x) && std::isnan(number));
              wrong += i == row ? !same : !std::isfinite(x);
            }
          }
          CHECK(wrong == 0);
        }
      }
    }
  }
}

}  // namespace
}  // namespace myelin::test
