// What a kernel's check lets through must run inside its buffers, whatever it is.
#include <doctest/doctest.h>

#include <random>
#include <set>

#include "examples.h"
#include "try_plan.h"

namespace myelin::test {
namespace {

// Changes a valid instruction a little, so that many changed ones are valid too.
class Mutator {
 public:
  PlanSpec next(const Example& example, const Kernel& kernel) {
    PlanSpec plan = plan_of(example);
    plan.capacity = 1 + below(6);
    plan.sizes[0] = 0;
    InstructionSpec& instruction = plan.instructions[0];
    std::vector<uint32_t> old_places;
    for (const BufferSpec& input : instruction.inputs) old_places.push_back(input.offset);
    // One length everywhere stays one length.
    uint32_t from = below(12), to = 1 + below(40);
    for (BufferSpec* buffer : buffers(instruction)) {
      for (uint32_t& length : buffer->shape) length = length == from ? to : length;
    }
    for (uint32_t changes = below(3); changes > 0; changes--) change(instruction, kernel);
    place_all(plan, instruction, old_places);
    return plan;
  }

 private:
  uint32_t below(size_t bound) { return static_cast<uint32_t>(random_() % bound); }

  static std::vector<BufferSpec*> buffers(InstructionSpec& instruction) {
    std::vector<BufferSpec*> result;
    for (BufferSpec& buffer : instruction.inputs) result.push_back(&buffer);
    for (BufferSpec& buffer : instruction.outputs) result.push_back(&buffer);
    return result;
  }

  void change(InstructionSpec& instruction, const Kernel& kernel) {
    std::vector<BufferSpec*> all = buffers(instruction);
    BufferSpec& buffer = *all[below(all.size())];
    switch (below(7)) {
      case 0:
        buffer.batched = !buffer.batched;
        break;
      case 1:
        if (!buffer.shape.empty()) buffer.shape[below(buffer.shape.size())] = 1 + below(9);
        break;
      case 2:
        if (buffer.shape.size() < 4) buffer.shape.insert(buffer.shape.begin(), 1 + below(3));
        break;
      case 3:
        if (!buffer.shape.empty()) buffer.shape.erase(buffer.shape.begin());
        break;
      case 4:
        if (instruction.inputs.size() < kMaxInputs) instruction.inputs.push_back(buffer);
        break;
      default:
        change_attribute(instruction, kernel);
    }
  }

  void change_attribute(InstructionSpec& instruction, const Kernel& kernel) {
    constexpr double kNumbers[] = {0,  1,     2,         3,   0.5, 0.9, 1e-7,
                                   -1, 1e300, -INFINITY, 4e9, 255, 7.5, 1e19};
    if (instruction.attributes.empty()) return;
    uint32_t i = below(instruction.attributes.size());
    if (i > 0 || !kernel.functions) {
      instruction.attributes[i] = kNumbers[below(std::size(kNumbers))];
      return;
    }
    uint32_t count = 0;
    while (kernel.functions[count]) count++;
    instruction.attributes[0] = std::string(kernel.functions[below(count)]);
  }

  // An output that was in an input's place is there again.
  static void place_all(PlanSpec& plan, InstructionSpec& instruction,
                        const std::vector<uint32_t>& old_places) {
    for (BufferSpec& input : instruction.inputs) place(plan, input);
    for (BufferSpec& output : instruction.outputs) {
      bool in_place = false;
      for (size_t i = 0; i < old_places.size() && !in_place; i++) {
        in_place = output.offset == old_places[i];
        if (in_place) output.offset = instruction.inputs[i].offset;
      }
      if (!in_place) place(plan, output);
    }
  }

  std::mt19937 random_{1};
};

const Kernel* find_kernel(const KernelTable& table, const std::string& name) {
  for (int i = 0; i < table.count; i++) {
    if (name == table.kernels[i].name) return &table.kernels[i];
  }
  return nullptr;
}

TEST_CASE("there is an example of every kernel, and all variants accept it") {
  for (const KernelTable* table : usable_tables()) {
    std::set<std::string> ops;
    for (const Example& example : examples()) ops.insert(example.op);
    CHECK(static_cast<size_t>(table->count) == ops.size());
    for (const Example& example : examples()) {
      CAPTURE(example.op);
      REQUIRE(find_kernel(*table, example.op) != nullptr);
      std::vector<uint8_t> bytes = encode(plan_of(example));
      CHECK_NOTHROW(load_and_run(bytes.data(), bytes.size(), *table));
    }
  }
}

TEST_CASE("whatever instruction a kernel accepts runs inside its buffers") {
  constexpr int kPlans = 1000;
  for (const KernelTable* table : usable_tables()) {
    Mutator mutator;
    for (const Example& example : examples()) {
      const Kernel* kernel = find_kernel(*table, example.op);
      REQUIRE(kernel != nullptr);
      int accepted = 0;
      for (int k = 0; k < kPlans; k++) {
        std::vector<uint8_t> bytes = encode(mutator.next(example, *kernel));
        accepted += try_plan(bytes.data(), bytes.size(), *table);
      }
      CAPTURE(example.op);
      CAPTURE(accepted);
      CHECK(accepted > kPlans / 20);
    }
  }
}

}  // namespace
}  // namespace myelin::test
