// Work on whole arrays that lib/ asks for outside of plans.
#pragma once
#include <cstddef>
#include <cstdint>

namespace myelin {

// Where in which sequence of random words: consecutive blocks of four have consecutive counters.
struct PhiloxPosition {
  uint64_t counter;
  uint32_t stream;
  uint32_t step;
  uint32_t key0;
  uint32_t key1;
};

// The words of `blocks` blocks.
void fill_words(const PhiloxPosition& from, uint32_t* out, size_t blocks);

// low + scale * (word >> 8) for the same words, in double precision: the bits of Random.fillUniform
// in lib/random.ts.
void fill_uniform(const PhiloxPosition& from, double low, double scale, float* out, size_t blocks);

// Whether no value is NaN or infinite.
bool all_finite(const float* values, size_t count);

}  // namespace myelin
