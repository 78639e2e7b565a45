// What the machine can do at best, for each ISA: multiply-adds from registers, and reading and
// copying memory.
#pragma once
#include <cstdint>
#include <string_view>

namespace myelin::bench {

struct Limits {
  const char* isa;
  // Floating-point operations of one round of `fma`, and of `dot`.
  int64_t fma_operations, dot_operations;
  // Independent multiply-adds on registers, enough to fill the pipelines. The sum keeps the
  // compiler from leaving them out.
  float (*fma)(int64_t rounds);
  // The same with dot products of pairs of bfloat16.
  float (*dot)(int64_t rounds);
  // `count` floats, a multiple of kBlock.
  float (*read)(const float* from, int64_t count);
  void (*copy)(float* to, const float* from, int64_t count);
};

constexpr int64_t kBlock = 256;

// Each limits_*.cc defines the one it is named after.
extern const Limits kScalarLimits;
extern const Limits kNeonLimits;
extern const Limits kAvx2Limits;
extern const Limits kAvx512Limits;
extern const Limits kAvx512Bf16Limits;
extern const Limits kAvx512AmxLimits;

// Of this ISA, or null.
const Limits* find_limits(std::string_view isa);

}  // namespace myelin::bench
