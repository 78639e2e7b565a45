// Random instructions for every kernel: what its check lets through must run inside its buffers.
#include <doctest/doctest.h>

#include <random>

#include "try_plan.h"

namespace myelin::test {
namespace {

class RandomPlans {
 public:
  explicit RandomPlans(uint32_t seed) : random_(seed) {}

  // One instruction on buffers that follow each other.
  PlanSpec next(const Kernel& kernel) {
    PlanSpec spec;
    spec.capacity = 1 + below(5);
    InstructionSpec instruction;
    instruction.op = kernel.name;
    lengths_[0] = 1 + below(4);
    lengths_[1] = 1 + below(20);
    for (uint32_t i = 1 + below(below(3) ? 3 : 5); i > 0; i--)
      instruction.inputs.push_back(buffer(spec));
    for (uint32_t i = below(4); i > 0; i--)
      instruction.outputs.push_back(output(spec, instruction));
    if (kernel.functions) instruction.attributes.push_back(function(kernel));
    for (uint32_t i = below(8); i > 0; i--) instruction.attributes.push_back(number());
    spec.instructions = {instruction};
    return spec;
  }

 private:
  uint32_t below(size_t bound) { return static_cast<uint32_t>(random_() % bound); }

  // Few different lengths, so that they often fit each other.
  BufferSpec buffer(PlanSpec& spec) {
    uint32_t region = below(3) ? 4 : 0;
    BufferSpec result{region, spec.sizes[region], below(3) != 0, {}};
    uint32_t size = result.batched ? spec.capacity : 1;
    for (uint32_t rank = below(4); rank > 0; rank--) {
      result.shape.push_back(below(8) ? lengths_[below(2)] : 1 + below(6));
      size *= result.shape.back();
    }
    spec.sizes[region] += size;
    return result;
  }

  // Often the place or the type of an input.
  BufferSpec output(PlanSpec& spec, const InstructionSpec& instruction) {
    const BufferSpec& input = instruction.inputs[below(instruction.inputs.size())];
    uint32_t choice = below(3);
    if (choice == 0) return input;
    BufferSpec result = buffer(spec);
    if (choice == 1) return result;
    result.batched = input.batched;
    result.shape = input.shape;
    uint32_t size = result.batched ? spec.capacity : 1;
    for (uint32_t length : result.shape) size *= length;
    spec.sizes[result.region] = result.offset + size;
    return result;
  }

  std::string function(const Kernel& kernel) {
    uint32_t count = 0;
    while (kernel.functions[count]) count++;
    return kernel.functions[below(count)];
  }

  double number() {
    constexpr double kNumbers[] = {0, 1, 2, 3, 0.5, 0.9, 1e-7, -1, 1e300, -INFINITY, 4e9, 255};
    return kNumbers[below(below(4) ? 6 : std::size(kNumbers))];
  }

  std::mt19937 random_;
  uint32_t lengths_[2] = {1, 1};
};

TEST_CASE("whatever instruction a kernel accepts runs inside its buffers") {
  constexpr int kPlans = 3000;
  for (const KernelTable* table : usable_tables()) {
    RandomPlans plans(1);
    int accepted = 0;
    for (int i = 0; i < table->count; i++) {
      for (int k = 0; k < kPlans; k++) {
        std::vector<uint8_t> bytes = encode(plans.next(table->kernels[i]));
        accepted += try_plan(bytes.data(), bytes.size(), *table);
      }
    }
    CHECK(accepted > 10 * table->count);
  }
}

}  // namespace
}  // namespace myelin::test
