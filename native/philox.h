// Philox4x32-10, a counter-based random number generator (Salmon et al., "Parallel random
// numbers: as easy as 1, 2, 3", SC'11). The same function as philox4x32 in lib/random.ts.
#pragma once
#include <cstdint>

namespace myelin {

constexpr uint32_t kPhiloxMultiplier0 = 0xd2511f53;
constexpr uint32_t kPhiloxMultiplier1 = 0xcd9e8d57;
constexpr uint32_t kPhiloxWeyl0 = 0x9e3779b9;
constexpr uint32_t kPhiloxWeyl1 = 0xbb67ae85;
constexpr int kPhiloxRounds = 10;

// The four words of the block with this counter and key, written over the counter.
constexpr void philox4x32(uint32_t (&counter)[4], uint32_t key0, uint32_t key1) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const uint64_t product0 = static_cast<uint64_t>(kPhiloxMultiplier0) * counter[0];
    const uint64_t product1 = static_cast<uint64_t>(kPhiloxMultiplier1) * counter[2];
    counter[0] = static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key0;
    counter[2] = static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key1;
    counter[1] = static_cast<uint32_t>(product1);
    counter[3] = static_cast<uint32_t>(product0);
    key0 += kPhiloxWeyl0;
    key1 += kPhiloxWeyl1;
  }
}

// Where in which sequence of random words: consecutive blocks of four have consecutive counters.
struct PhiloxPosition {
  uint64_t counter;
  uint32_t stream;
  uint32_t step;
  uint32_t key0;
  uint32_t key1;
};

}  // namespace myelin
