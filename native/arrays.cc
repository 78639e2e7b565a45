#include "arrays.h"

#include <bit>

#include "philox.h"

namespace myelin {
namespace {

// Calls store(index, word) for each word.
template <typename Store>
void for_words(const PhiloxPosition& from, size_t blocks, Store store) {
  for (size_t i = 0; i < blocks; i++) {
    const uint64_t counter = from.counter + i;
    uint32_t block[] = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32),
                        from.stream, from.step};
    philox4x32(block, from.key0, from.key1);
    for (size_t j = 0; j < 4; j++) store(4 * i + j, block[j]);
  }
}

}  // namespace

void fill_words(const PhiloxPosition& from, uint32_t* out, size_t blocks) {
  for_words(from, blocks, [out](size_t i, uint32_t word) { out[i] = word; });
}

void fill_uniform(const PhiloxPosition& from, double low, double scale, float* out, size_t blocks) {
  for_words(from, blocks, [=](size_t i, uint32_t word) {
    // Signed: processors convert that to double in one instruction.
    out[i] = static_cast<float>(low + scale * static_cast<int32_t>(word >> 8));
  });
}

bool all_finite(const float* values, size_t count) {
  // NaN and infinity have an exponent of all ones; one added to it carries into the sign bit. No
  // branch, so that the compiler makes vectors of it.
  uint32_t signs = 0;
  for (size_t i = 0; i < count; i++) {
    signs |= (std::bit_cast<uint32_t>(values[i]) & 0x7f800000) + 0x00800000;
  }
  return signs >> 31 == 0;
}

}  // namespace myelin
