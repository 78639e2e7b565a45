// Matrix products with what no op reaches: strides wider than a row, and updates in place.
#include "isa/product.h"

#include "support.h"

namespace myelin::test {

#if defined(__x86_64__) || defined(_M_X64)
extern const ProductKernel kAvx512bf16Product, kAvx512Product, kAvx2Product;
#elif defined(__aarch64__) || defined(_M_ARM64)
extern const ProductKernel kNeonProduct;
#endif
extern const ProductKernel kScalarProduct;

std::vector<const ProductKernel*> usable_products() {
  std::vector<const ProductKernel*> usable;
  for (const ProductKernel* kernel : {
#if defined(__x86_64__) || defined(_M_X64)
           &kAvx512bf16Product, &kAvx512Product, &kAvx2Product,
#elif defined(__aarch64__) || defined(_M_ARM64)
           &kNeonProduct,
#endif
           &kScalarProduct}) {
    if (find_table(kernel->isa)) usable.push_back(kernel);
  }
  return usable;
}

namespace {

// All parts, the last one first.
void run(ProductFunction product, const ProductCall& call, int64_t parts) {
  static std::vector<float> workspace(kWorkspaceFloats, std::numeric_limits<float>::quiet_NaN());
  for (int64_t part = parts - 1; part >= 0; --part) product(call, workspace.data(), part, parts);
}

TEST_CASE("an update has the bits of a product followed by a step of gradient descent") {
  const float rate = 0.37f;
  for (const ProductKernel* kernel : usable_products()) {
    CAPTURE(std::string(kernel->isa));
    for (int64_t m : {1, 5, 13, 28, 100}) {
      for (int64_t n : {1, 2, 10, 16, 33, 70, 128}) {
        for (int64_t k : {1, 4, 32, 1500}) {
          CAPTURE(m);
          CAPTURE(n);
          CAPTURE(k);
          Numbers numbers(static_cast<uint32_t>(m * 10007 + n * 101 + k));
          const Values before = numbers.list(m * n);
          Guarded a(k * m, 3), b(k * n, 5), c(m * n, 1);
          a.set(numbers.list(k * m));
          b.set(numbers.list(k * n));
          ProductCall call = {m, n,     k,        a.data(), m,       true,   b.data(),
                              n, false, c.data(), n,        nullptr, nullptr};
          run(kernel->run, call, 1);
          Values expected = before;
          const Values gradient = c.values();
          for (size_t i = 0; i < expected.size(); ++i) expected[i] -= rate * gradient[i];
          call.rate = &rate;
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
