// C [M, N] = op(A) op(B) by Myelin's kernels or by the sgemm of a library, all row by row.
#pragma once
#include <memory>
#include <stdexcept>
#include <string>

#include "dispatch.h"

namespace myelin::bench {

// The product that a dense layer takes forwards (kNN), for its input's gradient (kNT, B is stored
// [N, K]) and for its kernel's gradient (kTN, A is stored [K, M]).
enum class Mode { kNN, kNT, kTN };

struct Shape {
  Mode mode;
  int m, k, n;
  bool bf16;  // operands rounded to bfloat16, sums in float
};

class Multiplier {
 public:
  virtual ~Multiplier() = default;
  // Multiplies `calls` times on so many threads. Throws std::runtime_error where it cannot.
  virtual void run(const Shape& shape, int threads, int64_t calls, float* a, float* b,
                   float* c) = 0;
  virtual std::string describe() const = 0;
};

std::unique_ptr<Multiplier> myelin_multiplier(const KernelTable& table);

// Throws std::runtime_error where the library or a matrix product in it is not found.
std::unique_ptr<Multiplier> library_multiplier(const std::string& path);

}  // namespace myelin::bench
