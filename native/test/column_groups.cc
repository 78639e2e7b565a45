// Which matrices may be cut.
#include <doctest/doctest.h>

#include <algorithm>

#include "cut_plan.h"

namespace myelin::test {
namespace {

TEST_CASE("matrices that others touch are never cut") {
  SUBCASE("the optimizer's block") {
    DenseNetwork net = network("adam");
    net.fused = false;
    Fixture f(DensePlan(net).spec());
    CHECK(ColumnPieces(f.plan).size() == 0);
  }
  SUBCASE("an output of the plan") {
    PlanSpec spec = DensePlan(network("")).spec();
    spec.outputs.push_back({"kernel", spec.instructions[0].inputs[1]});
    Fixture f(spec);
    CHECK(ColumnPieces(f.plan).size() == kColumns * kColumns);
  }
  SUBCASE("a second update") {
    PlanSpec spec = DensePlan(network("adam")).spec();
    spec.instructions.push_back(spec.instructions.back());
    spec.instructions.push_back(spec.instructions[spec.instructions.size() - 3]);
    Fixture f(spec);
    CHECK(ColumnPieces(f.plan).size() == 3 * kRows * kColumns);
  }
  SUBCASE("a layer whose input it is") {
    PlanSpec spec = DensePlan(network("")).spec();
    BufferSpec kernel = spec.instructions[0].inputs[1], y = kernel;
    y.region = 4;
    y.offset = spec.sizes[4];
    spec.sizes[4] += kRows * kColumns;
    const BufferSpec other = spec.instructions[1].inputs[1];
    spec.instructions.push_back({"linear", {kernel, other}, {y}, {"linear", 0.0, 0.0}});
    Fixture f(spec);
    CHECK(ColumnPieces(f.plan).size() == kColumns * kColumns);
  }
}

// ---- Values of a step

// Kernels that take pieces of any operand, but for those of some instructions.
class Willing {
 public:
  explicit Willing(Plan& plan, std::vector<size_t> refusing = {}) {
    kernels_.reserve(plan.instructions.size());
    for (size_t i = 0; i < plan.instructions.size(); i++) {
      Instruction& instruction = plan.instructions[i];
      if (!instruction.kernel->takes_pieces) continue;
      bool refuses = std::count(refusing.begin(), refusing.end(), i) > 0;
      kernels_.push_back(*instruction.kernel);
      kernels_.back().takes_pieces = refuses ? none : any;
      instruction.kernel = &kernels_.back();
    }
  }

 private:
  static bool any(const Instruction&, const Operand&, int64_t) { return true; }
  static bool none(const Instruction&, const Operand&, int64_t) { return false; }

  std::vector<Kernel> kernels_;
};

// Which of the hidden values of `network("adam")` are in pieces: the first layer's output and its
// gradient, the second one's and its gradient; 'x': not all operands of one say the same.
std::string cut_values(const Plan& plan) {
  const auto& in = plan.instructions;
  const std::vector<std::vector<const Operand*>> values = {
      {&in[0].outputs[0], &in[1].inputs[0], &in[5].inputs[2], &in[7].inputs[0], &in[11].inputs[0]},
      {&in[5].outputs[0], &in[6].inputs[1], &in[10].inputs[1]},
      {&in[1].outputs[0], &in[2].inputs[0], &in[4].inputs[2], &in[8].inputs[0], &in[12].inputs[0]},
      {&in[4].outputs[0], &in[5].inputs[0], &in[7].inputs[1], &in[11].inputs[1]}};
  std::string result;
  for (const auto& value : values) {
    const int64_t piece = value[0]->piece;
    const auto is_alike = [&](const Operand* x) { return x->piece == piece; };
    const bool alike = std::all_of(value.begin(), value.end(), is_alike);
    result += !alike ? 'x' : piece == 0 ? '-' : piece == kColumns / 2 ? '2' : '?';
  }
  return result;
}

// Those that are cut in two parts.
std::string cut_values(const PlanSpec& spec, std::vector<size_t> refusing = {}) {
  Fixture f(spec);
  Willing willing(f.plan, std::move(refusing));
  std::string result;
  {
    Cutting cutting(f);
    cutting.residence.cut(parts_of(f.plan, 2), {kBatch});
    result = cut_values(f.plan);
    CHECK(f.plan.instructions[0].inputs[0].piece == 0);
    CHECK(f.plan.instructions[2].outputs[0].piece == 0);
  }
  CHECK(cut_values(f.plan) == "----");
  return result;
}

TEST_CASE("a value of a step is in pieces where all take them that read it") {
  const PlanSpec spec = DensePlan(network("adam")).spec();
  CHECK(cut_values(spec) == "2222");
  // What a gradient is multiplied by lies as the gradient does.
  CHECK(cut_values(spec, {2}) == "22--");
  CHECK(cut_values(spec, {6}) == "--22");
  CHECK(cut_values(spec, {5}) == "----");
}

TEST_CASE("a value that the plan shows or another kind of instruction reads stays whole") {
  PlanSpec spec = DensePlan(network("adam")).spec();
  const BufferSpec first = spec.instructions[0].outputs[0];
  SUBCASE("an output") { spec.outputs.push_back({"first", first}); }
  SUBCASE("a reader") {
    BufferSpec other = first;
    other.offset = spec.sizes[4];
    spec.sizes[4] += kBatch * kColumns;
    spec.instructions.push_back({"unary", {first}, {other}, {"tanh", 0.0, 0.0}});
  }
  CHECK(cut_values(spec) == "--22");
}

TEST_CASE("a value's memory may be another's afterwards") {
  PlanSpec spec = DensePlan(network("adam")).spec();
  const BufferSpec x = spec.instructions[0].inputs[0], first = spec.instructions[0].outputs[0];
  BufferSpec part = first;
  part.shape = {kColumns / 2};
  BufferSpec half_x = x;
  half_x.shape = {kRows / 2};
  BufferSpec other = part;
  other.offset = spec.sizes[4];
  spec.sizes[4] += kBatch * kColumns;
  spec.instructions.push_back({"unary", {half_x}, {part}, {"tanh", 0.0, 0.0}});
  spec.instructions.push_back({"unary", {part}, {other}, {"tanh", 0.0, 0.0}});
  CHECK(cut_values(spec) == "2222");
  // What is left of the value is read, under another name.
  BufferSpec rest = part;
  rest.offset += kBatch * kColumns / 2;
  PlanSpec later = spec;
  later.instructions.push_back({"unary", {rest}, {other}, {"tanh", 0.0, 0.0}});
  CHECK(cut_values(later) == "--22");
  later = spec;
  later.instructions.push_back({"linearGuard", {x, first}, {}, {}});
  CHECK(cut_values(later) == "--22");
}

}  // namespace
}  // namespace myelin::test
