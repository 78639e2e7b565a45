// Matrix products as gemm.h computes them, for every ISA: with strides, updates and epilogues that
// not every op has.
#pragma once
#include <cstdint>
#include <vector>

#include "cache_sizes.h"

namespace myelin::test {

struct ProductCall {
  int64_t m, n, k;
  const float* a;
  int64_t a_stride;
  bool a_transposed;
  const float* b;
  int64_t b_stride;
  bool b_transposed;
  float* c;
  int64_t c_stride;
  const float* bias = nullptr;         // null: none
  const float* step = nullptr;         // null: no update
  const CacheSizes* caches = nullptr;  // not null: in blocks for such a machine, undivided
  // Not 0: columns come in pieces (rows, where transposed).
  int64_t a_piece = 0, b_piece = 0, c_piece = 0;
};

using ProductFunction = void (*)(const ProductCall& call, float* workspace, int64_t part,
                                 int64_t parts);

struct ProductKernel {
  const char* isa;
  ProductFunction run;       // null: another variant's
  ProductFunction run_bf16;  // of operands rounded to bf16
  // As sums of bf16 products, whatever the size; null: no matrix unit.
  ProductFunction run_bf16x3;
};

// Those that run on this machine.
std::vector<const ProductKernel*> usable_products();
// Those with float32 products of their own.
std::vector<const ProductKernel*> usable_float_products();

}  // namespace myelin::test
