#include "arrays.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "dispatch.h"

namespace myelin::test {
namespace {

// Eleven blocks before the low word of the counter carries.
constexpr PhiloxPosition kCarry{0x3fffffff5, 7, 9, 0xa4093822, 0x299f31d0};

std::vector<uint32_t> words_one_by_one(const PhiloxPosition& from, size_t blocks) {
  std::vector<uint32_t> words;
  for (size_t i = 0; i < blocks; i++) {
    const uint64_t counter = from.counter + i;
    uint32_t block[] = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32),
                        from.stream, from.step};
    philox4x32(block, from.key0, from.key1);
    words.insert(words.end(), block, block + 4);
  }
  return words;
}

TEST_CASE("words are those of consecutive counters, of both halves, in every variant") {
  for (const KernelTable* table : usable_tables()) {
    CAPTURE(table->isa);
    for (size_t blocks : {0u, 1u, 3u, 20u, 31u, 32u, 100u}) {
      std::vector<uint32_t> words(4 * blocks + 1, 5);
      fill_words(*table, kCarry, words.data(), blocks);
      CHECK(words.back() == 5);
      words.pop_back();
      CHECK(words == words_one_by_one(kCarry, blocks));
    }
  }
}

TEST_CASE("uniform numbers are made of the upper 24 bits of the words, in double precision") {
  constexpr double kLow = -0.1, kScale = 0.7 / 16777216;
  for (size_t blocks : {0u, 5u, 256u, 300u}) {
    const std::vector<uint32_t> words = words_one_by_one(kCarry, blocks);
    std::vector<float> numbers(words.size() + 1, 5);
    fill_uniform(default_table(), kCarry, kLow, kScale, numbers.data(), blocks);
    CHECK(numbers.back() == 5);
    for (size_t i = 0; i < words.size(); i++) {
      const double offset = kScale * (words[i] >> 8);
      CHECK(numbers[i] == static_cast<float>(kLow + offset));
    }
  }
}

TEST_CASE("the largest magnitude, or a value that is not finite, is found wherever it is") {
  using Limits = std::numeric_limits<float>;
  const float finite[] = {0.0f, -0.0f, 2.5f, -2.5f, Limits::denorm_min()};
  for (const KernelTable* table : usable_tables()) {
    CAPTURE(table->isa);
    for (int64_t count = 0; count < 150; count += count < 40 ? 1 : 13) {
      std::vector<float> values;
      for (int64_t i = 0; i < count; i++) values.push_back(finite[i % 5]);
      CHECK(table->largest(values.data(), count) == (count > 2 ? 2.5f : 0.0f));
      for (float& value : values) {
        const float before = value;
        for (float large : {3.0f, -3.0f, Limits::max(), Limits::lowest()}) {
          value = large;
          CHECK(table->largest(values.data(), count) == std::abs(large));
        }
        for (float wrong : {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(),
                            -Limits::quiet_NaN(), Limits::signaling_NaN()}) {
          value = wrong;
          CHECK(std::isnan(table->largest(values.data(), count)));
        }
        value = before;
      }
    }
  }
}

}  // namespace
}  // namespace myelin::test
