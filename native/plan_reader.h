// Reads the words, numbers and texts of an encoded plan.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "plan.h"

namespace myelin {

// Text from the plan, made fit for a message: it may be anything.
inline std::string quoted(std::string_view text) {
  constexpr size_t kLongest = 40;
  std::string result = "\"";
  for (char c : text.substr(0, kLongest)) result += c >= ' ' && c <= '~' && c != '"' ? c : '?';
  return result + (text.size() > kLongest ? "...\"" : "\"");
}

// Reads little endian words; every read is checked against the end.
class Reader {
 public:
  Reader(const uint8_t* bytes, size_t length) : start_(bytes), next_(bytes), left_(length) {}

  uint32_t word() {
    const uint8_t* p = take(4);
    return p[0] | p[1] << 8 | p[2] << 16 | static_cast<uint32_t>(p[3]) << 24;
  }

  double number() {
    uint64_t low = word();
    uint64_t bits = low | static_cast<uint64_t>(word()) << 32;
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

  std::string_view text() {
    uint64_t length = word();
    uint64_t padded = (length + 3) & ~uint64_t{3};
    const uint8_t* p = take(padded);
    for (uint64_t i = length; i < padded; i++) {
      if (p[i] != 0) throw PlanError("text is not padded with zeros " + place());
    }
    return {reinterpret_cast<const char*>(p), static_cast<size_t>(length)};
  }

  const uint8_t* take(uint64_t count) {
    if (count > left_) {
      throw PlanError("truncated: " + std::to_string(count) + " bytes expected " + place() + ", " +
                      std::to_string(left_) + " left");
    }
    const uint8_t* p = next_;
    next_ += count;
    left_ -= count;
    return p;
  }

  void expect_end() {
    if (left_ != 0) throw PlanError(std::to_string(left_) + " bytes too many " + place());
  }

 private:
  std::string place() const { return "at byte " + std::to_string(next_ - start_); }

  const uint8_t* start_;
  const uint8_t* next_;
  size_t left_;
};

}  // namespace myelin
