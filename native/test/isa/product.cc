// Compiled once for each ISA; nothing here may come from a header that other units share.
#include "product.h"

#include "kernels/gemm.h"

namespace myelin::test {
namespace {

void run(const ProductCall& x, float* workspace, int64_t part, int64_t parts) {
  const gemm::Product p = {x.m,
                           x.n,
                           x.k,
                           {x.a, x.a_stride, x.a_transposed},
                           {x.b, x.b_stride, x.b_transposed},
                           x.c,
                           x.c_stride,
                           x.bias,
                           {},
                           x.rate};
  gemm::multiply_part(p, workspace, part, parts);
}

}  // namespace

extern const ProductKernel MYELIN_PRODUCT;
const ProductKernel MYELIN_PRODUCT = {kIsa, run};

}  // namespace myelin::test
