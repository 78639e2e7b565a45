// Every kernel at odd sizes: each ISA agrees with the scalar one, any division gives the same bits,
// nothing outside the operands is read or written (support.h), and wrong operands are refused.
#include <set>

#include "kernel_cases.h"

namespace myelin::test {
namespace {

Values run(const KernelTable& table, const Case& c, int64_t parts) {
  Call call(table, c.op, c.batch);
  c.build(call);
  return call.run(parts).results();
}

TEST_CASE("every kernel has a case here") {
  const KernelTable& table = *usable_tables().front();
  std::set<std::string> covered;
  for (const Case& c : all_cases()) covered.insert(c.op);
  for (int i = 0; i < table.count; ++i) CHECK(covered.count(table.kernels[i].name) == 1);
  CHECK(static_cast<int>(covered.size()) == table.count);
}

TEST_CASE("every ISA agrees with the scalar one") {
  const KernelTable& scalar = *usable_tables().back();
  for (const Case& c : all_cases()) {
    CAPTURE(c.name);
    const Values expected = run(scalar, c, 1);
    for (float value : expected) CHECK(!std::isnan(value));
    for (const KernelTable* table : usable_tables()) {
      CAPTURE(std::string(table->isa));
      const Values got = run(*table, c, 1);
      REQUIRE(got.size() == expected.size());
      for (size_t i = 0; i < got.size(); ++i) {
        CAPTURE(i);
        const double scale = std::max(1.0, std::abs(static_cast<double>(expected[i])));
        CHECK(std::abs(static_cast<double>(got[i]) - expected[i]) <= c.tolerance * scale);
      }
    }
  }
}

TEST_CASE("any division gives the same bits") {
  for (const KernelTable* table : usable_tables()) {
    CAPTURE(std::string(table->isa));
    for (const Case& c : all_cases()) {
      CAPTURE(c.name);
      const Values whole = run(*table, c, 1);
      Call call(*table, c.op, c.batch);
      c.build(call);
      const int64_t most = call.most_parts();
      CHECK(most >= 1);
      if (!find_kernel(*table, c.op)->parts) continue;
      for (int64_t parts = 2; parts <= 5; ++parts) CHECK(same_bits(run(*table, c, parts), whole));
    }
  }
}

// Changes one thing about an instruction at a time; a kernel must refuse it, or take it without
// leaving its operands.
TEST_CASE("instructions that were tampered with are refused") {
  const KernelTable& table = *usable_tables().front();
  for (const Case& c : all_cases()) {
    CAPTURE(c.name);
    auto complains = [&](auto change) {
      Call call(table, c.op, c.batch);
      c.build(call);
      REQUIRE(call.complaint() == "");
      change(call.instruction());
      return call.complaint() != "";
    };
    CHECK(complains([](Instruction& in) { in.input_count = 0; }));
    CHECK(complains([](Instruction& in) { in.output_count += 1; }));
    CHECK(complains([](Instruction& in) {
      in.attribute_count = in.attribute_count > 0 ? in.attribute_count - 1 : 1;
      if (std::string(in.kernel->name) == "permute") in.attribute_count = 2;
    }));
    if (c.op.find("uard") != std::string::npos) continue;  // no output
    // Larger outputs would be written beyond what the inputs give; some ops repeat or pad them.
    const bool repeats = c.op == "binary" || c.op == "broadcast";
    if (!repeats && c.op != "pad") {
      CHECK(complains([](Instruction& in) {
        Operand& y = in.outputs[0];
        y.size *= 5;
        y.shape[0] = y.rank > 0 ? y.shape[0] * 5 : 5;
        if (y.rank == 0) y.rank = 1;
      }));
    }
    if (!repeats) {
      CHECK(complains([](Instruction& in) { in.outputs[0].batched = !in.outputs[0].batched; }));
    }
    CHECK(complains([](Instruction& in) {
      in.inputs[0].size = 2;
      in.outputs[0].data = in.inputs[0].data + 1;
    }));
    const Kernel& kernel = *find_kernel(table, c.op);
    for (double bad : {-1.0, 1e9, 0.5, std::nan("")}) {
      if (kernel.functions) {
        CHECK(complains([&](Instruction& in) { in.attributes[0] = bad; }));
      }
    }
  }
}

}  // namespace
}  // namespace myelin::test
