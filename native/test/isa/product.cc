// Compiled once for each ISA; nothing here may come from a header that other units share.
#include "product.h"

#include "kernels/gemm_bf16.h"

namespace myelin::test {
namespace {

gemm::Product product(const ProductCall& x) {
  const int64_t a_rows = x.a_transposed ? x.k : x.m, b_rows = x.b_transposed ? x.n : x.k;
  return {x.m,
          x.n,
          x.k,
          {x.a, x.a_stride, x.a_transposed, x.a_piece, x.a_piece * a_rows},
          {x.b, x.b_stride, x.b_transposed, x.b_piece, x.b_piece * b_rows},
          x.c,
          x.c_stride,
          x.bias,
          {},
          x.step,
          nullptr,
          x.c_piece};
}

#if defined(MYELIN_ISA_AVX512BF16)
constexpr ProductFunction run = nullptr;
#else
void run(const ProductCall& x, float* workspace, int64_t part, int64_t parts) {
  const gemm::Product p = product(x);
  if (x.caches) {
    gemm::multiply_blocks(p, gemm::blocking(p, *x.caches), workspace);
  } else {
    gemm::multiply_part(p, workspace, part, parts);
  }
}
#endif

void run_bf16(const ProductCall& x, float* workspace, int64_t part, int64_t parts) {
  bf16::multiply_part(product(x), workspace, part, parts);
}

#if defined(MYELIN_ISA_AVX512AMX)
void run_bf16x3(const ProductCall& x, float* workspace, int64_t part, int64_t parts) {
  gemm::Product p = product(x);
  if (parts > 1) gemm::take_part(p, part, parts);
  gemm::multiply_in(gemm::Order::kSplit, p, workspace);
}
#else
constexpr ProductFunction run_bf16x3 = nullptr;
#endif

}  // namespace

extern const ProductKernel MYELIN_PRODUCT;
const ProductKernel MYELIN_PRODUCT = {kIsa, run, run_bf16, run_bf16x3};

}  // namespace myelin::test
