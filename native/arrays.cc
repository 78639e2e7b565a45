#include "arrays.h"

#include <algorithm>

namespace myelin {
void fill_words(const KernelTable& table, const PhiloxPosition& from, uint32_t* out,
                size_t blocks) {
  const auto width = static_cast<size_t>(table.vector_width);
  PhiloxPosition next = from;
  while (blocks > 0) {
    const uint64_t carry = (uint64_t{1} << 32) - static_cast<uint32_t>(next.counter);
    size_t count = static_cast<size_t>(std::min<uint64_t>(blocks, carry)) / width * width;
    if (count > 0) {
      table.random_words(next, out, static_cast<int64_t>(count));
    } else {
      uint32_t block[] = {static_cast<uint32_t>(next.counter),
                          static_cast<uint32_t>(next.counter >> 32), next.stream, next.step};
      philox4x32(block, next.key0, next.key1);
      std::copy_n(block, 4, out);
      count = 1;
    }
    next.counter += count;
    out += 4 * count;
    blocks -= count;
  }
}

void fill_uniform(const KernelTable& table, const PhiloxPosition& from, double low, double scale,
                  float* out, size_t blocks) {
  constexpr size_t kBlocks = 256;  // at a time: their words stay in the first cache
  uint32_t words[4 * kBlocks];
  PhiloxPosition next = from;
  while (blocks > 0) {
    const size_t count = std::min(blocks, kBlocks);
    fill_words(table, next, words, count);
    for (size_t i = 0; i < 4 * count; i++) {
      // Signed: processors convert that to double in one instruction.
      out[i] = static_cast<float>(low + scale * static_cast<int32_t>(words[i] >> 8));
    }
    next.counter += count;
    out += 4 * count;
    blocks -= count;
  }
}

}  // namespace myelin
