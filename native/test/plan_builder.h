// Writes encoded plans, and keeps memory for their regions.
#pragma once
#include <cstring>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "plan.h"

namespace myelin::test {

struct BufferSpec {
  uint32_t region;
  uint32_t offset;
  bool batched;
  std::vector<uint32_t> shape;
};

using AttributeSpec = std::variant<double, std::string>;

struct InstructionSpec {
  std::string op;
  std::vector<BufferSpec> inputs;
  std::vector<BufferSpec> outputs;
  std::vector<AttributeSpec> attributes;
};

struct PlanSpec {
  uint32_t capacity = 4;
  std::array<uint32_t, kRegionCount> sizes{};
  std::vector<std::pair<std::string, BufferSpec>> inputs;
  std::vector<std::pair<std::string, BufferSpec>> outputs;
  std::vector<InstructionSpec> instructions;
};

class Encoder {
 public:
  std::vector<uint8_t> encode(const PlanSpec& plan) {
    bytes_.assign({'M', 'Y', 'P', 'L'});
    word(1);
    word(plan.capacity);
    word(kRegionCount);
    for (uint32_t size : plan.sizes) word(size);
    ports(plan.inputs);
    ports(plan.outputs);
    word(plan.instructions.size());
    for (const InstructionSpec& spec : plan.instructions) instruction(spec);
    return std::move(bytes_);
  }

 private:
  void word(uint64_t value) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes_.push_back(static_cast<uint8_t>(value >> shift));
    }
  }

  void number(double value) {
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    word(bits);
    word(bits >> 32);
  }

  void text(const std::string& value) {
    word(value.size());
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    while (bytes_.size() % 4) bytes_.push_back(0);
  }

  void buffer(const BufferSpec& spec) {
    word(spec.region);
    word(spec.offset);
    word(spec.batched);
    word(spec.shape.size());
    for (uint32_t length : spec.shape) word(length);
  }

  void ports(const std::vector<std::pair<std::string, BufferSpec>>& specs) {
    word(specs.size());
    for (const auto& [name, spec] : specs) {
      text(name);
      buffer(spec);
    }
  }

  void buffers(const std::vector<BufferSpec>& specs) {
    word(specs.size());
    for (const BufferSpec& spec : specs) buffer(spec);
  }

  void instruction(const InstructionSpec& spec) {
    text(spec.op);
    buffers(spec.inputs);
    buffers(spec.outputs);
    word(spec.attributes.size());
    for (const AttributeSpec& attribute : spec.attributes) {
      const std::string* name = std::get_if<std::string>(&attribute);
      word(name ? 1 : 0);
      if (name) {
        text(*name);
      } else {
        number(std::get<double>(attribute));
      }
    }
  }

  std::vector<uint8_t> bytes_;
};

inline std::vector<uint8_t> encode(const PlanSpec& plan) { return Encoder().encode(plan); }

// Zeroed memory for a plan's regions, each in a block of its own, so that sanitizers see its ends.
class Memory {
 public:
  explicit Memory(const std::array<int64_t, kRegionCount>& sizes) {
    for (int i = 0; i < kRegionCount; i++) {
      blocks_[i].resize(static_cast<size_t>(sizes[i]));
      regions[i] = {blocks_[i].data(), sizes[i]};
    }
  }

  std::vector<float>& block(int region) { return blocks_[region]; }

  Regions regions;

 private:
  std::array<std::vector<float>, kRegionCount> blocks_;
};

}  // namespace myelin::test
