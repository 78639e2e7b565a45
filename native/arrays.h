// Work on whole arrays that lib/ asks for outside of plans.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernel.h"

namespace myelin {

// The words of `blocks` blocks.
void fill_words(const KernelTable& table, const PhiloxPosition& from, uint32_t* out, size_t blocks);

// low + scale * (word >> 8) for the same words, in double precision: the bits of Random.fillUniform
// in lib/random.ts.
void fill_uniform(const KernelTable& table, const PhiloxPosition& from, double low, double scale,
                  float* out, size_t blocks);

}  // namespace myelin
