// Products of operands in pieces of columns, as column_pieces.h makes them.
#include "product_problem.h"

namespace myelin::test {
namespace {

struct Cut {
  ProductSizes s;
  bool a_transposed, b_transposed;
  int64_t a_piece, b_piece, c_piece;
};

const Cut kCuts[] = {
    // Along k, in which blocks of depth begin within a piece or not.
    {{70, 100, 64}, false, true, 0, 32, 0},
    {{70, 100, 288}, false, true, 96, 96, 0},
    {{70, 100, 640}, false, true, 128, 0, 0},
    {{70, 100, 1024}, false, true, 512, 512, 0},
    {{70, 100, 1280}, false, true, 640, 640, 0},
    {{70, 100, 1216}, false, false, 608, 0, 0},
    {{33, 192, 96}, false, false, 32, 0, 64},
    {{130, 128, 256}, false, true, 64, 128, 64},
    // Along rows and columns of c, in more blocks than one.
    {{192, 64, 128}, true, false, 96, 0, 0},
    {{1216, 192, 70}, true, false, 608, 96, 96},
    {{704, 768, 512}, true, false, 352, 0, 0},
    {{30, 100, 256}, false, true, 128, 64, 0},
    {{100, 20, 640}, false, false, 128, 0, 0},
    {{40, 20, 4352}, false, false, 128, 0, 0},
    {{20, 192, 96}, false, false, 0, 96, 96},
    {{192, 20, 128}, true, false, 96, 0, 0},
    {{70, 192, 96}, false, false, 0, 96, 0},
    {{128, 192, 64}, true, false, 64, 96, 0},
};

#if defined(MYELIN_SLOW)
constexpr int64_t kMostMultiplications = 4'000'000;
#else
constexpr int64_t kMostMultiplications = 400'000'000;
#endif

void check(ProductFunction product, const Cut& cut) {
  ProductProblem problem(cut.s, cut.a_transposed, cut.b_transposed);
  // A transposed b goes with gradients, which have none.
  if (cut.a_transposed || cut.b_transposed) problem.without_bias();
  const Values whole = problem.run(product);
  problem.cut(cut.a_piece, cut.b_piece, cut.c_piece);
  const int64_t parts = cut.c_piece ? cut.s.n / cut.c_piece : 1;
  CHECK(same_bits(problem.run(product, parts), whole));
  if (parts == 1) CHECK(same_bits(problem.run(product, 2), whole));
}

TEST_CASE("operands in pieces give the same bits") {
  for (const ProductKernel* kernel : usable_products()) {
    for (const Cut& cut : kCuts) {
      if (cut.s.m * cut.s.n * cut.s.k > kMostMultiplications) continue;
      CAPTURE(kernel->isa);
      CAPTURE(cut.s.m);
      CAPTURE(cut.s.n);
      CAPTURE(cut.s.k);
      for (ProductFunction product : {kernel->run, kernel->run_bf16, kernel->run_bf16x3}) {
        if (product) check(product, cut);
      }
    }
  }
}

}  // namespace
}  // namespace myelin::test
