// Matrix products with what no op reaches: strides wider than a row, and updates in place.
#include "isa/product.h"

#include "support.h"

namespace myelin::test {

#if defined(__x86_64__) || defined(_M_X64)
extern const ProductKernel kAvx512amxProduct, kAvx512bf16Product, kAvx512Product, kAvx2Product;
#elif defined(__aarch64__) || defined(_M_ARM64)
extern const ProductKernel kNeonProduct;
#endif
extern const ProductKernel kScalarProduct;

std::vector<const ProductKernel*> usable_products() {
  std::vector<const ProductKernel*> usable;
  for (const ProductKernel* kernel : {
#if defined(__x86_64__) || defined(_M_X64)
           &kAvx512amxProduct, &kAvx512bf16Product, &kAvx512Product, &kAvx2Product,
#elif defined(__aarch64__) || defined(_M_ARM64)
           &kNeonProduct,
#endif
           &kScalarProduct}) {
    if (find_table(kernel->isa)) usable.push_back(kernel);
  }
  return usable;
}

std::vector<const ProductKernel*> usable_float_products() {
  std::vector<const ProductKernel*> usable = usable_products();
  std::erase_if(usable, [](const ProductKernel* kernel) { return !kernel->run; });
  return usable;
}

namespace {

#if defined(MYELIN_SLOW)
constexpr int64_t kThinning = 127;  // of cases
#else
constexpr int64_t kThinning = 2;
#endif

// All parts, the last one first.
void run(ProductFunction product, const ProductCall& call, int64_t parts = 1) {
  static std::vector<float> workspace(kWorkspaceFloats, std::numeric_limits<float>::quiet_NaN());
  for (int64_t part = parts - 1; part >= 0; --part) product(call, workspace.data(), part, parts);
}

// A matrix of small whole numbers, whose products are exact in any order of summation, and its
// transpose, on strides that are wider than a row and no multiple of anything.
class Whole {
 public:
  Whole(int64_t rows, int64_t columns, uint32_t seed)
      : stride_(columns + 3), transposed_stride_(rows + 5) {
    Numbers numbers(seed);
    plain_.assign(static_cast<size_t>(rows * stride_), kNaN);
    transposed_.assign(static_cast<size_t>(columns * transposed_stride_), kNaN);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) set(i, j, std::floor(numbers.next(-3, 4)));
    }
  }
  void set(int64_t i, int64_t j, float value) {
    plain_[static_cast<size_t>(i * stride_ + j)] = value;
    transposed_[static_cast<size_t>(j * transposed_stride_ + i)] = value;
  }
  float get(int64_t i, int64_t j) const { return plain_[static_cast<size_t>(i * stride_ + j)]; }
  const float* data(bool transposed) const { return (transposed ? transposed_ : plain_).data(); }
  int64_t stride(bool transposed) const { return transposed ? transposed_stride_ : stride_; }

 private:
  static constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  int64_t stride_, transposed_stride_;
  Values plain_, transposed_;
};

ProductCall call_of(int64_t m, int64_t n, int64_t k, const Whole& a, bool a_transposed,
                    const Whole& b, bool b_transposed, float* c, int64_t c_stride) {
  return {m,
          n,
          k,
          a.data(a_transposed),
          a.stride(a_transposed),
          a_transposed,
          b.data(b_transposed),
          b.stride(b_transposed),
          b_transposed,
          c,
          c_stride,
          nullptr,
          nullptr,
          nullptr};
}

// As BLAS names them: NN, TN, NT.
struct Mode {
  bool a_transposed, b_transposed;
};
constexpr Mode kModes[] = {{false, false}, {true, false}, {false, true}};

TEST_CASE("every size from 1 to 70") {
  constexpr int64_t kMost = 70, kStride = 79;
  constexpr float kUntouched = -12345;
  const Whole a(kMost, kMost, 1), b(kMost, kMost, 2);
  // sums[k]: the product of the first k columns and rows
  std::vector<Values> sums(kMost + 1, Values(kMost * kStride));
  for (size_t k = 1; k <= kMost; ++k) {
    for (int64_t i = 0; i < kMost; ++i) {
      for (int64_t j = 0; j < kMost; ++j) {
        const auto at = static_cast<size_t>(i * kStride + j);
        const auto last = static_cast<int64_t>(k) - 1;
        sums[k][at] = sums[k - 1][at] + a.get(i, last) * b.get(last, j);
      }
    }
  }
  const CacheSizes small = {1 << 10, 4 << 10};
  const Values untouched(kMost * kStride, kUntouched);
  for (const ProductKernel* kernel : usable_float_products()) {
    CAPTURE(std::string(kernel->isa));
    const int64_t thinning = std::string(kernel->isa) == "scalar" ? 61 : kThinning;
    Values c = untouched;
    int64_t wrong = 0, count = 0;
    for (int64_t m = 1; m <= kMost; ++m) {
      for (int64_t n = 1; n <= kMost; ++n) {
        for (int64_t k = 1; k <= kMost; ++k) {
          if ((m * 13 + n * 7 + k) % thinning != 0) continue;
          for (Mode mode : kModes) {
            ProductCall call =
                call_of(m, n, k, a, mode.a_transposed, b, mode.b_transposed, c.data(), kStride);
            // No multiple of the number of modes: each meets both.
            if (++count % 4 == 0) call.caches = &small;
            run(kernel->run, call, call.caches ? 1 : 1 + count % 2);
            const float* expected = sums[static_cast<size_t>(k)].data();
            for (int64_t i = 0; i < m; ++i) {
              float* row = c.data() + i * kStride;
              wrong += !std::equal(row, row + n, expected + i * kStride) ||
                       !std::equal(row + n, row + kStride, untouched.data());
              std::fill(row, row + n, kUntouched);
            }
          }
        }
      }
    }
    CHECK(wrong == 0);
    CHECK(c == untouched);
  }
}

TEST_CASE("large products, read in place and packed") {
  struct Size {
    int64_t m, n, k;
  };
  const CacheSizes small = {4 << 10, 32 << 10}, usual = {48 << 10, 1 << 20};
  // Strides of 1024 floats where the width is 1021.
  for (Size s : {Size{97, 131, 1100},
                 {45, 1021, 300},
                 {130, 90, 1021},
                 {301, 263, 257},
                 {5, 300, 700},
                 {28, 1100, 90},
                 {41, 2100, 70}}) {
    const Whole a(s.m, s.k, 1), b(s.k, s.n, 2);
    Values expected(static_cast<size_t>(s.m * s.n));
    for (int64_t i = 0; i < s.m; ++i) {
      for (int64_t k = 0; k < s.k; ++k) {
        const float factor = a.get(i, k), *row = b.data(false) + k * b.stride(false);
        for (int64_t j = 0; j < s.n; ++j)
          expected[static_cast<size_t>(i * s.n + j)] += factor * row[j];
      }
    }
    for (const ProductKernel* kernel : usable_float_products()) {
      CAPTURE(std::string(kernel->isa));
      for (Mode mode : kModes) {
        for (const CacheSizes* caches : {&small, &usual}) {
          Guarded c(s.m * s.n, 1);
          ProductCall call =
              call_of(s.m, s.n, s.k, a, mode.a_transposed, b, mode.b_transposed, c.data(), s.n);
          call.caches = caches;
          run(kernel->run, call);
          CHECK(c.values() == expected);
          CHECK(c.intact());
        }
      }
    }
  }
}

TEST_CASE("the first strip packs rows that alias, whatever its height") {
  constexpr int64_t kMost = 90, kDepth = 7, kColumns = 509;  // a stride of 512
  const Whole a(kMost, kDepth, 1), b(kDepth, kColumns, 2);
  Values expected(kMost * kColumns);
  for (int64_t i = 0; i < kMost; ++i) {
    for (int64_t j = 0; j < kColumns; ++j) {
      float& sum = expected[static_cast<size_t>(i * kColumns + j)];
      for (int64_t k = 0; k < kDepth; ++k) sum += a.get(i, k) * b.get(k, j);
    }
  }
  const CacheSizes none = {0, 0}, usual = {48 << 10, 1 << 20};
  for (const ProductKernel* kernel : usable_float_products()) {
    CAPTURE(std::string(kernel->isa));
    for (int64_t m = 1; m <= kMost; ++m) {
      CAPTURE(m);
      for (bool transposed : {false, true}) {
        for (const CacheSizes* caches : {&none, &usual}) {
          Guarded c(m * kColumns, 1);
          ProductCall call =
              call_of(m, kColumns, kDepth, a, transposed, b, false, c.data(), kColumns);
          call.caches = caches;
          run(kernel->run, call);
          CHECK(std::equal(c.data(), c.data() + m * kColumns, expected.data()));
          CHECK(c.intact());
        }
      }
    }
  }
}

TEST_CASE("a single row, wider than tiles, just as wide or narrower") {
  constexpr int64_t kDepth = 150, kColumns = 1000;
  const Whole a(1, kDepth, 1), b(kDepth, kColumns, 2);
  const Whole bias(1, kColumns, 3);
  Values sums(kColumns), with_bias(kColumns);
  int64_t depth = 0;
  for (int64_t k : {1, 4, 7, 8, 9, 37, 150}) {
    for (; depth < k; ++depth) {
      for (int64_t j = 0; j < kColumns; ++j) {
        sums[static_cast<size_t>(j)] += a.get(0, depth) * b.get(depth, j);
      }
    }
    for (int64_t j = 0; j < kColumns; ++j) {
      with_bias[static_cast<size_t>(j)] = sums[static_cast<size_t>(j)] + bias.get(0, j);
    }
    for (int64_t n : {3, 10, 17, 33, 64, 65, 80, 127, 128, 129, 192, 256, 257, 384, 1000}) {
      for (const ProductKernel* kernel : usable_float_products()) {
        CAPTURE(std::string(kernel->isa));
        CAPTURE(n);
        CAPTURE(k);
        for (bool transposed : {false, true}) {
          for (const Values* expected : {&sums, &with_bias}) {
            for (int64_t parts : {1, 2, 3}) {
              Guarded c(n, 1);
              ProductCall call = call_of(1, n, k, a, false, b, transposed, c.data(), n);
              if (expected == &with_bias) call.bias = bias.data(false);
              run(kernel->run, call, parts);
              CHECK(std::equal(c.data(), c.data() + n, expected->data()));
              CHECK(c.intact());
            }
          }
        }
      }
    }
  }
}

TEST_CASE("NaN and infinity go where they belong") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  struct Size {
    int64_t m, n, k;
  };
  for (Size s :
       {Size{3, 2, 5}, {2, 40, 90}, {33, 10, 130}, {30, 70, 20}, {70, 90, 130}, {20, 37, 700}}) {
    const int64_t row = s.m / 2, column = s.n - 1, depth = s.k - 1;
    Whole a(s.m, s.k, 1), b(s.k, s.n, 2);
    a.set(row, 0, std::numeric_limits<float>::quiet_NaN());
    for (int64_t i = 0; i < s.m; ++i) a.set(i, depth, 1 + static_cast<float>(i));
    b.set(depth, column, -kInfinity);
    for (const ProductKernel* kernel : usable_float_products()) {
      CAPTURE(std::string(kernel->isa));
      for (Mode mode : kModes) {
        Values c(static_cast<size_t>(s.m * s.n));
        run(kernel->run,
            call_of(s.m, s.n, s.k, a, mode.a_transposed, b, mode.b_transposed, c.data(), s.n));
        int64_t wrong = 0;
        for (int64_t i = 0; i < s.m; ++i) {
          for (int64_t j = 0; j < s.n; ++j) {
            const float x = c[static_cast<size_t>(i * s.n + j)];
            wrong += i == row ? !std::isnan(x) : j == column ? x != -kInfinity : !std::isfinite(x);
          }
        }
        CHECK(wrong == 0);
      }
    }
  }
}

TEST_CASE("an update has the bits of a product followed by a step of gradient descent") {
  const float step = -0.37f;
  for (const ProductKernel* kernel : usable_float_products()) {
    CAPTURE(std::string(kernel->isa));
    const bool fused = std::string(kernel->isa) != "scalar";
    for (int64_t m : {1, 5, 13, 28, 100}) {
      for (int64_t n : {1, 2, 10, 16, 33, 70, 128, 512}) {
        for (int64_t k : {1, 4, 32, 1500}) {
          CAPTURE(m);
          CAPTURE(n);
          CAPTURE(k);
          Numbers numbers(static_cast<uint32_t>(m * 10007 + n * 101 + k));
          const Values before = numbers.list(m * n);
          Guarded a(k * m, 3), b(k * n, 5), c(m * n, 1);
          a.set(numbers.list(k * m));
          b.set(numbers.list(k * n));
          ProductCall call{};
          call.m = m;
          call.n = n;
          call.k = k;
          call.a = a.data();
          call.a_stride = m;
          call.a_transposed = true;
          call.b = b.data();
          call.b_stride = n;
          call.c = c.data();
          call.c_stride = n;
          run(kernel->run, call, 1);
          Values expected = before;
          const Values gradient = c.values();
          for (size_t i = 0; i < expected.size(); ++i) {
            const float g = gradient[i], c_i = expected[i];
            expected[i] = fused ? std::fma(step, g, c_i) : c_i + step * g;
          }
          call.step = &step;
          for (int64_t parts = 1; parts <= 3; ++parts) {
            c.set(before);
            run(kernel->run, call, parts);
            CHECK(same_bits(c.values(), expected));
            CHECK(c.intact());
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace myelin::test
