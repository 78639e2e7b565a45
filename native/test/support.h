// Calls one kernel on operands of its own, each surrounded by NaN that must neither be read into
// a result nor be overwritten.
#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "dispatch.h"

namespace myelin::test {

using Values = std::vector<float>;
using Shape = std::vector<int64_t>;

inline const Kernel* find_kernel(const KernelTable& table, const std::string& name) {
  for (int i = 0; i < table.count; ++i) {
    if (name == table.kernels[i].name) return &table.kernels[i];
  }
  return nullptr;
}

inline int64_t size_of(const Shape& shape) {
  int64_t size = 1;
  for (int64_t length : shape) size *= length;
  return size;
}

// Reproducible numbers in [low, high).
class Numbers {
 public:
  explicit Numbers(uint32_t seed = 1) : state_(seed * 2654435761u + 12345u) {}
  float next(float low, float high) {
    state_ = state_ * 1664525u + 1013904223u;
    return low + (high - low) * static_cast<float>(state_ >> 8) / 16777216.0f;
  }
  Values list(int64_t count, float low = -1, float high = 1) {
    Values values(static_cast<size_t>(count));
    for (float& value : values) value = next(low, high);
    return values;
  }

 private:
  uint32_t state_;
};

inline bool same_bits(const Values& a, const Values& b) {
  if (a.size() != b.size()) return false;
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Memory with margins of NaN on both sides; `offset` elements off the alignment of a vector.
class Guarded {
 public:
  Guarded(int64_t count, int offset)
      : count_(static_cast<size_t>(count)),
        begin_(kMargin + static_cast<size_t>(offset)),
        memory_(begin_ + count_ + kMargin, poison()) {}

  float* data() { return memory_.data() + begin_; }
  size_t count() const { return count_; }
  void set(const Values& values) { std::copy(values.begin(), values.end(), data()); }
  Values values() { return Values(data(), data() + count_); }

  bool intact() const {
    for (size_t i = 0; i < memory_.size(); ++i) {
      if (i >= begin_ && i < begin_ + count_) continue;
      uint32_t bits;
      std::memcpy(&bits, &memory_[i], 4);
      if (bits != kPoison) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kMargin = 96;
  static constexpr uint32_t kPoison = 0x7fc0dead;
  static float poison() {
    float value;
    std::memcpy(&value, &kPoison, 4);
    return value;
  }

  size_t count_;
  size_t begin_;
  std::vector<float> memory_;
};

class Call {
 public:
  Call(const KernelTable& table, const std::string& op, int64_t batch = 1) : batch_(batch) {
    instruction_.kernel = find_kernel(table, op);
    REQUIRE_MESSAGE(instruction_.kernel, "no kernel ", op);
    context_.batch = batch;
    context_.learning_rate = 0.01f;
    context_.seed[0] = 7;
    context_.seed[1] = 11;
    memory_.reserve(kMaxInputs + kMaxOutputs);
  }

  Call& function(const std::string& name) {
    const char* const* names = instruction_.kernel->functions;
    REQUIRE(names);
    for (int i = 0; names[i]; ++i) {
      if (name == names[i]) return attribute(i);
    }
    FAIL("no function " << name);
    return *this;
  }
  Call& attribute(double value) {
    instruction_.attributes[instruction_.attribute_count++] = value;
    return *this;
  }
  Call& input(const Shape& shape, bool batched, const Values& values) {
    Operand operand = make(shape, batched);
    REQUIRE(static_cast<int64_t>(values.size()) == operand.elements(batch_));
    memory_.back().set(values);
    instruction_.inputs[instruction_.input_count++] = operand;
    return *this;
  }
  Call& output(const Shape& shape, bool batched) {
    instruction_.outputs[instruction_.output_count++] = make(shape, batched);
    output_memory_.push_back(memory_.size() - 1);
    return *this;
  }
  // The next output is this input's own memory.
  Call& output_is_input(int index) {
    instruction_.outputs[instruction_.output_count++] = instruction_.inputs[index];
    output_memory_.push_back(static_cast<size_t>(index));
    return *this;
  }

  Instruction& instruction() { return instruction_; }
  StepContext& context() { return context_; }
  bool failed() const { return failed_; }

  // What the kernel has against the instruction, or "".
  std::string complaint() const {
    const char* text = instruction_.kernel->check(instruction_);
    return text ? text : "";
  }

  // Runs all parts, the last one first.
  Call& run(int64_t parts = 1) {
    REQUIRE(complaint() == "");
    static std::vector<float> workspace(kWorkspaceFloats, std::numeric_limits<float>::quiet_NaN());
    context_.workspace = workspace.data();
    context_.failed = &failed_;
    const Kernel& kernel = *instruction_.kernel;
    for (int64_t part = parts - 1; part >= 0; --part) {
      kernel.run(instruction_, context_, part, parts);
    }
    for (const Guarded& memory : memory_) CHECK(memory.intact());
    return *this;
  }
  int64_t most_parts() const {
    const Kernel& kernel = *instruction_.kernel;
    return kernel.parts ? kernel.parts(instruction_, batch_) : 1;
  }

  Values result(int index = 0) {
    return memory_[output_memory_[static_cast<size_t>(index)]].values();
  }
  // All outputs, one after the other.
  Values results() {
    Values all;
    for (int i = 0; i < instruction_.output_count; ++i) {
      const Values one = result(i);
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }

 private:
  Operand make(const Shape& shape, bool batched) {
    Operand operand{};
    operand.size = size_of(shape);
    operand.rank = static_cast<int32_t>(shape.size());
    operand.batched = batched;
    for (size_t i = 0; i < shape.size(); ++i) operand.shape[i] = shape[i];
    memory_.emplace_back(operand.elements(batch_), static_cast<int>(memory_.size() * 5 % 16));
    operand.data = memory_.back().data();
    return operand;
  }

  int64_t batch_;
  Instruction instruction_{};
  StepContext context_{};
  bool failed_ = false;
  std::vector<Guarded> memory_;
  std::vector<size_t> output_memory_;
};

}  // namespace myelin::test
