#include "plan.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <limits>
#include <random>

#include "fake_kernels.h"
#include "plan_builder.h"

namespace myelin::test {
namespace {

// Five floats a sample: y = x + 2, and a counter.
PlanSpec small_plan() {
  PlanSpec spec;
  spec.capacity = 4;
  spec.sizes = {8, 0, 0, 24, 32};
  spec.inputs = {{"x", {3, 4, true, {5}}}};
  spec.outputs = {{"y", {4, 0, true, {5}}}, {"steps", {0, 7, false, {}}}};
  spec.instructions = {
      {"add", {{3, 4, true, {5}}}, {{4, 0, true, {5}}}, {"plus", 2.0}},
      {"count", {}, {{0, 7, false, {}}}, {}},
  };
  return spec;
}

std::string refusal(const std::vector<uint8_t>& bytes) {
  try {
    Memory memory(region_sizes(bytes.data(), bytes.size()));
    load_plan(bytes.data(), bytes.size(), kFakeTable, memory.regions);
  } catch (const PlanError& error) {
    return error.what();
  }
  return "accepted";
}

template <typename Change>
std::string refusal_after(Change change) {
  PlanSpec spec = small_plan();
  change(spec);
  return refusal(encode(spec));
}

TEST_CASE("a plan is decoded and bound to its regions") {
  std::vector<uint8_t> bytes = encode(small_plan());
  Memory memory(region_sizes(bytes.data(), bytes.size()));
  Plan plan = load_plan(bytes.data(), bytes.size(), kFakeTable, memory.regions);
  CHECK(plan.capacity == 4);
  REQUIRE(plan.inputs.size() == 1);
  CHECK(plan.inputs[0].name == "x");
  CHECK(plan.inputs[0].buffer.data == memory.regions[3].data + 4);
  CHECK(plan.inputs[0].buffer.size == 5);
  CHECK(plan.inputs[0].buffer.batched);
  REQUIRE(plan.outputs.size() == 2);
  CHECK(plan.outputs[1].buffer.rank == 0);
  CHECK(plan.outputs[1].buffer.size == 1);
  REQUIRE(plan.instructions.size() == 2);
  const Instruction& add = plan.instructions[0];
  CHECK(add.kernel == &kFakeKernels[0]);
  CHECK(add.input_count == 1);
  CHECK(add.outputs[0].data == memory.regions[4].data);
  CHECK(add.attribute_count == 2);
  CHECK(add.attributes[0] == 0);
  CHECK(add.attributes[1] == 2);
}

TEST_CASE("every truncation of a plan is refused, and every byte too many") {
  std::vector<uint8_t> bytes = encode(small_plan());
  REQUIRE(refusal(bytes) == "accepted");
  for (size_t length = 0; length < bytes.size(); length++) {
    std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length));
    CHECK(refusal(cut).starts_with("plan refused: truncated: "));
  }
  bytes.push_back(0);
  CHECK(refusal(bytes).starts_with("plan refused: 1 bytes too many at byte "));
}

TEST_CASE("a wrong header is refused") {
  std::vector<uint8_t> bytes = encode(small_plan());
  std::vector<uint8_t> wrong = bytes;
  wrong[3] = 'X';
  CHECK(refusal(wrong) == "plan refused: not a plan: the first bytes must be \"MYPL\"");
  wrong = bytes;
  wrong[4] = 2;
  CHECK(refusal(wrong) == "plan refused: version 2, expected 1");
  wrong = bytes;
  wrong[8] = 0;
  CHECK(refusal(wrong) == "plan refused: capacity must be at least 1, got 0");
  wrong = bytes;
  wrong[12] = 4;
  CHECK(refusal(wrong) == "plan refused: 4 regions, expected 5");
}

TEST_CASE("a region that is too small is refused") {
  std::vector<uint8_t> bytes = encode(small_plan());
  Memory memory({8, 0, 0, 23, 32});
  CHECK_THROWS_WITH_AS(load_plan(bytes.data(), bytes.size(), kFakeTable, memory.regions),
                       "plan refused: region 3 (input) must have at least 24 elements, got 23",
                       PlanError);
}

TEST_CASE("buffers that do not fit are refused") {
  auto output = [](PlanSpec& plan) -> BufferSpec& { return plan.instructions[0].outputs[0]; };
  CHECK(refusal_after([&](PlanSpec& plan) { output(plan).offset = 13; }) ==
        "plan refused: instruction 0 (add): output 0: ends at element 33 of region 4 (scratch), "
        "which has 32");
  CHECK(refusal_after([&](PlanSpec& plan) { output(plan).region = 5; }) ==
        "plan refused: instruction 0 (add): output 0: region must be below 5, got 5");
  CHECK(refusal_after([&](PlanSpec& plan) { output(plan).shape.assign(9, 1); }) ==
        "plan refused: instruction 0 (add): output 0: rank must be at most 8, got 9");
  CHECK(refusal_after([&](PlanSpec& plan) { output(plan).shape = {5, 0}; }) ==
        "plan refused: instruction 0 (add): output 0: axis 1 has length 0");
  uint32_t huge = 1u << 31;
  CHECK(refusal_after([&](PlanSpec& plan) { output(plan).shape = {huge, huge, huge}; }) ==
        "plan refused: instruction 0 (add): output 0: shape is too large");
  CHECK(refusal_after([&](PlanSpec& plan) {
          output(plan).offset = std::numeric_limits<uint32_t>::max();
        }).find("ends at element 4294967315") != std::string::npos);
  CHECK(refusal_after([](PlanSpec& plan) { plan.outputs[1].second.offset = 8; }) ==
        "plan refused: output \"steps\": ends at element 9 of region 0 (state), which has 8");
  CHECK(refusal_after([](PlanSpec& plan) {
          plan.capacity = 0xffffffff;
        }).find("shape is too large") != std::string::npos);
}

TEST_CASE("inputs lie in the input region, which no instruction writes to") {
  CHECK(refusal_after([](PlanSpec& plan) { plan.inputs[0].second.region = 4; }) ==
        "plan refused: input \"x\": must be batched and lie in region 3 (input)");
  CHECK(refusal_after([](PlanSpec& plan) { plan.inputs[0].second.batched = false; }) ==
        "plan refused: input \"x\": must be batched and lie in region 3 (input)");
  CHECK(refusal_after([](PlanSpec& plan) {
          plan.instructions[0].outputs[0] = plan.instructions[0].inputs[0];
        }) == "plan refused: instruction 0 (add): output 0: must not lie in region 3 (input)");
}

TEST_CASE("an output replaces an input whole or not at all") {
  auto add = [](uint32_t from, uint32_t to) {
    return refusal_after([=](PlanSpec& plan) {
      plan.instructions[0].inputs[0] = {4, from, true, {3}};
      plan.instructions[0].outputs[0] = {4, to, true, {3}};
    });
  };
  CHECK(add(0, 0) == "accepted");
  CHECK(add(0, 12) == "accepted");
  CHECK(add(12, 0) == "accepted");
  CHECK(add(0, 11) == "plan refused: instruction 0 (add): output 0 overlaps part of input 0");
  CHECK(add(3, 0) == "plan refused: instruction 0 (add): output 0 overlaps part of input 0");
  CHECK(refusal_after([](PlanSpec& plan) {
          plan.instructions[1].outputs = {{0, 0, false, {2}}, {0, 1, false, {}}};
        }) == "plan refused: instruction 1 (count): output 1 overlaps output 0");
}

TEST_CASE("ops, counts and attributes are checked") {
  CHECK(refusal_after([](PlanSpec& plan) { plan.instructions[0].op = "sub\n\"tract"; }) ==
        "plan refused: instruction 0: unknown op \"sub??tract\"");
  CHECK(refusal_after([](PlanSpec& plan) { plan.instructions[0].op.assign(1000, 'a'); }) ==
        "plan refused: instruction 0: unknown op \"" + std::string(40, 'a') + "...\"");
  CHECK(refusal_after([](PlanSpec& plan) {
          plan.instructions[0].inputs.resize(11, plan.instructions[0].inputs[0]);
        }) == "plan refused: instruction 0 (add): at most 10 inputs, got 11");
  CHECK(refusal_after([](PlanSpec& plan) { plan.instructions[0].attributes.clear(); }) ==
        "plan refused: instruction 0 (add): a text attribute is expected first");
  CHECK(refusal_after([](PlanSpec& plan) { plan.instructions[0].attributes[0] = 1.0; }) ==
        "plan refused: instruction 0 (add): attribute 0 must be text, got tag 0");
  CHECK(refusal_after([](PlanSpec& plan) { plan.instructions[0].attributes[1] = "one"; }) ==
        "plan refused: instruction 0 (add): attribute 1 must be a number, got tag 1");
  CHECK(refusal_after([](PlanSpec& plan) { plan.instructions[0].attributes[0] = "times"; }) ==
        "plan refused: instruction 0 (add): attribute 0: unknown function \"times\"");
  CHECK(refusal_after([](PlanSpec& plan) {
          plan.instructions[0].attributes[1] = std::numeric_limits<double>::quiet_NaN();
        }) == "plan refused: instruction 0 (add): attribute 1 is not a number");
  CHECK(refusal_after([](PlanSpec& plan) { plan.instructions[0].attributes.resize(17, 0.0); }) ==
        "plan refused: instruction 0 (add): at most 16 attributes, got 17");
  // What the kernel itself has to say.
  CHECK(refusal_after([](PlanSpec& plan) { plan.instructions[0].outputs[0].shape = {4}; }) ==
        "plan refused: instruction 0 (add): the output must be as large as the input");
}

TEST_CASE("no change of bytes gets past the loader with a buffer out of bounds") {
  std::vector<uint8_t> bytes = encode(small_plan());
  std::mt19937 random(1);
  int accepted = 0;
  for (int i = 0; i < 50000; i++) {
    std::vector<uint8_t> changed = bytes;
    for (uint32_t changes = random() % 3 + 1; changes > 0; changes--) {
      changed[random() % changed.size()] =
          static_cast<uint8_t>(random() % 4 ? random() % 8 : random());
    }
    Memory memory({64, 64, 64, 64, 64});
    try {
      Plan plan = load_plan(changed.data(), changed.size(), kFakeTable, memory.regions);
      for (const Instruction& in : plan.instructions) {
        // Writes to the last element of each output: the address sanitizer sees one that is out.
        for (int32_t k = 0; k < in.output_count; k++) {
          in.outputs[k].data[in.outputs[k].elements(plan.capacity) - 1] = 1;
        }
      }
      accepted++;
    } catch (const PlanError&) {
    }
  }
  CHECK(accepted > 100);
}

}  // namespace
}  // namespace myelin::test
