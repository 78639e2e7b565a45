// A step as one kernel against the same step instruction by instruction.
#include "whole_step.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "dense_plan.h"
#include "dispatch.h"
#include "executor.h"
#include "memory.h"
#include "support.h"

namespace myelin::test {
namespace {

// A training of a plan, with whole steps or without.
class Training {
 public:
  Training(const PlanSpec& spec, const KernelTable& table, bool whole, int64_t rows)
      : bytes_(encode(spec)),
        memory(region_sizes(bytes_.data(), bytes_.size())),
        table_(table),
        pool_(2),
        workspace_(make_workspace()) {
    if (!whole) table_.plan_kernel_count = 0;
    executor_ =
        std::make_unique<Executor>(load_plan(bytes_.data(), bytes_.size(), table_, memory.regions));
    Numbers numbers;
    for (const InstructionSpec& instruction : spec.instructions) {
      if (instruction.op != "linear") continue;
      for (size_t i = 1; i < instruction.inputs.size(); i++) fill(instruction.inputs[i], numbers);
    }
    for (const Port& input : executor_->plan().inputs) {
      columns.push_back(numbers.list(rows * input.buffer.size, 0.0f, 1.0f));
    }
    job.epoch_rows = rows;
    job.batch_size = spec.capacity;
    job.epochs = 6;
    job.learning_rates = &rate;
    job.learning_rate_count = 1;
    job.budget = std::numeric_limits<double>::infinity();
    job.stop_below = std::numeric_limits<double>::quiet_NaN();
    losses.assign(static_cast<size_t>(job.epochs * ((rows + spec.capacity - 1) / spec.capacity)),
                  -1);
  }

  // Gaps between parameters stay zeros.
  void fill(const BufferSpec& parameter, Numbers& numbers) {
    size_t size = 1;
    for (uint32_t length : parameter.shape) size *= length;
    for (size_t i = 0; i < size; i++) {
      memory.block(0)[parameter.offset + i] = numbers.next(-0.5f, 0.5f);
    }
  }

  bool is_whole() const { return static_cast<bool>(WholeStep(executor_->plan())); }

  RunResult run() {
    job.columns.clear();
    for (std::vector<float>& column : columns) {
      job.columns.push_back(
          {column.data(), static_cast<int64_t>(column.size()), ElementType::kFloat32, scale, 0});
    }
    job.outputs = {{losses.data(), static_cast<int64_t>(losses.size())}};
    check_job(executor_->plan(), job);
    return executor_->run(job, {&pool_, workspace_.get()}, cancelled_);
  }

  bool step(int64_t batch) {
    bool failed = false;
    StepContext context{batch, 0, rate, {1, 2}, workspace_.get(), &failed};
    return executor_->step(context, pool_);
  }

 private:
  std::vector<uint8_t> bytes_;

 public:
  Memory memory;
  std::vector<std::vector<float>> columns;
  std::vector<float> losses;
  float rate = 0.02f;
  double scale = 1;
  Job job;

 private:
  KernelTable table_;
  ThreadPool pool_;
  Workspace workspace_;
  std::unique_ptr<Executor> executor_;
  std::atomic<bool> cancelled_{false};
};

void check_close(const std::vector<float>& got, const std::vector<float>& wanted) {
  REQUIRE(got.size() == wanted.size());
  double worst = 0;
  for (size_t i = 0; i < got.size(); i++) {
    if (std::isnan(got[i]) != std::isnan(wanted[i])) worst = 1;
    double scale = std::max(1.0, std::abs(static_cast<double>(wanted[i])));
    worst = std::max(worst, std::abs(static_cast<double>(got[i]) - wanted[i]) / scale);
  }
  CHECK(worst <= 2e-5);
}

// Whether a step of that network is one kernel: samples of few numbers and small batches.
bool expected_whole(const DenseNetwork& network, const KernelTable& table) {
  uint32_t widest = *std::max_element(network.widths.begin(), network.widths.end());
  return network.capacity <= (static_cast<int>(widest) <= table.vector_width ? 4 : 1);
}

void check_same(const DenseNetwork& network, int64_t rows) {
  PlanSpec spec = DensePlan(network).spec();
  for (const KernelTable* table : usable_tables()) {
    CAPTURE(std::string(table->isa));
    Training whole(spec, *table, true, rows), plain(spec, *table, false, rows);
    REQUIRE(whole.is_whole() == expected_whole(network, *table));
    REQUIRE_FALSE(plain.is_whole());
    if (!whole.is_whole()) continue;
    CHECK(whole.run().reason == Reason::kDone);
    CHECK(plain.run().reason == Reason::kDone);
    check_close(whole.losses, plain.losses);
    for (int region = 0; region < 3; region++) {
      CAPTURE(region);
      check_close(whole.memory.block(region), plain.memory.block(region));
    }
  }
}

TEST_CASE("widths, with and without a remainder") {
  for (uint32_t hidden : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 48, 64}) {
    CAPTURE(hidden);
    for (uint32_t batch : {1, 3}) {
      check_same({.widths = {2, hidden, 1}, .functions = {"sigmoid"}, .capacity = batch}, 5);
      check_same({.widths = {hidden, 3, hidden}, .functions = {"tanh"}, .capacity = batch}, 7);
    }
  }
}

TEST_CASE("depths and batches") {
  for (size_t depth = 1; depth <= 8; depth++) {
    DenseNetwork network{.widths = {3}, .functions = {"tanh", "sigmoid"}};
    for (size_t l = 0; l < depth; l++) network.widths.push_back(static_cast<uint32_t>(2 + l));
    for (uint32_t batch = 1; batch <= 5; batch++) {
      network.capacity = batch;
      check_same(network, 11);
    }
  }
}

TEST_CASE("activations, linear ones last") {
  for (const char* function :
       {"linear", "step", "sigmoid", "hardSigmoid", "tanh", "relu", "relu6", "leakyRelu", "elu",
        "selu", "softplus", "softsign", "exponential", "affine", "sign"}) {
    CAPTURE(function);
    for (uint32_t batch : {1, 4}) {
      check_same({.widths = {4, 5, 2}, .functions = {function}, .capacity = batch}, 10);
    }
    check_same(
        {.widths = {4, 19, 2}, .functions = {function, "linear"}, .bias = false, .capacity = 1},
        10);
  }
}

TEST_CASE("losses, weighted or not") {
  const char* const* name = nullptr;
  const KernelTable& table = default_table();
  for (int i = 0; i < table.count; i++) {
    if (std::string(table.kernels[i].name) == "loss") name = table.kernels[i].functions;
  }
  REQUIRE(name);
  for (; *name; name++) {
    CAPTURE(*name);
    bool sparse =
        std::string(*name).starts_with("sparse") || std::string(*name) == "negativeLogLikelihood";
    for (bool weighted : {false, true}) {
      DenseNetwork network{.widths = {3, 4, 5}, .functions = {"sigmoid"}, .loss = *name};
      network.weighted = weighted;
      network.sparse = sparse;
      check_same(network, 9);
      network.widths = {3, 18, 21};
      network.capacity = 1;
      check_same(network, 9);
    }
  }
}

TEST_CASE("optimizers, gradients and slots included") {
  DenseNetwork network{.widths = {3, 5, 2}, .functions = {"tanh"}};
  auto check = [&](const char* name, std::vector<AttributeSpec> attributes, uint32_t slots) {
    CAPTURE(name);
    network.optimizer = name;
    network.optimizer_attributes = std::move(attributes);
    network.slots = slots;
    for (uint32_t batch : {1, 4}) {
      network.capacity = batch;
      check_same(network, 6);
    }
  };
  check("sgd", {0.0, 0.0}, 0);
  check("sgd", {0.9, 1.0}, 1);
  check("rmsprop", {0.9, 1e-7, 0.5, 1.0}, 3);
  check("adagrad", {1e-7}, 1);
  check("adadelta", {0.95, 1e-7}, 2);
  check("adam", {0.9, 0.999, 1e-7}, 2);
  check("adam", {0.9, 0.999, 1e-7}, 3);
  check("adamax", {0.9, 0.999, 1e-7}, 2);
  check("nadam", {0.9, 0.999, 1e-7, 0.004}, 2);
  check("lion", {0.9, 0.99}, 1);
}

TEST_CASE("slices, and steps one by one, give the bits of a run in one go") {
  PlanSpec spec = DensePlan({.widths = {2, 3, 1}, .functions = {"sigmoid"}, .capacity = 1}).spec();
  for (const KernelTable* table : usable_tables()) {
    Training once(spec, *table, true, 5), sliced(spec, *table, true, 5);
    once.run();
    sliced.job.budget = 0;
    RunResult result{0, Reason::kBudget};
    while (result.reason == Reason::kBudget) {
      sliced.job.first_step = result.steps;
      result = sliced.run();
    }
    CHECK(sliced.losses == once.losses);
    CHECK(sliced.memory.block(0) == once.memory.block(0));
  }
}

TEST_CASE("rows in any order, and of any type, are those of the plain step") {
  PlanSpec spec = DensePlan({.widths = {2, 3, 1}, .functions = {"tanh"}, .capacity = 1}).spec();
  for (const KernelTable* table : usable_tables()) {
    for (double scale : {1.0, 0.5}) {
      Training whole(spec, *table, true, 5), plain(spec, *table, false, 5);
      std::vector<uint32_t> order;
      for (uint32_t i = 0; i < 30; i++) order.push_back(i * 3 % 5);
      for (Training* training : {&whole, &plain}) {
        training->scale = scale;
        training->job.indices = order.data();
        training->job.index_count = 30;
        CHECK(training->run().reason == Reason::kDone);
      }
      check_close(whole.losses, plain.losses);
    }
  }
}

TEST_CASE("a step that is not finite leaves the state as it was") {
  PlanSpec spec = DensePlan({.widths = {2, 3, 1}, .functions = {"tanh"}, .capacity = 1}).spec();
  for (const KernelTable* table : usable_tables()) {
    for (float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      Training whole(spec, *table, true, 6), plain(spec, *table, false, 6);
      REQUIRE(whole.is_whole());
      whole.columns[1][3] = plain.columns[1][3] = bad;
      for (Training* training : {&whole, &plain}) {
        RunResult result = training->run();
        CHECK(result.reason == Reason::kNotFinite);
        CHECK(result.steps == 3);
      }
      check_close(whole.memory.block(0), plain.memory.block(0));
      for (float& x : whole.memory.block(3)) x = bad;
      const std::vector<float> before = whole.memory.block(0);
      CHECK_FALSE(whole.step(1));
      CHECK(whole.memory.block(0) == before);
    }
  }
}

TEST_CASE("a gradient that overflows beside a finite loss fails the step") {
  PlanSpec spec = DensePlan({.widths = {1, 1}, .functions = {"linear"}, .capacity = 1}).spec();
  for (const KernelTable* table : usable_tables()) {
    for (bool whole : {false, true}) {
      Training training(spec, *table, whole, 1);
      CHECK(training.is_whole() == whole);
      training.memory.block(0).assign(training.memory.block(0).size(), 0.0f);
      training.columns = {{3e38f}, {-1000.0f}};
      RunResult result = training.run();
      CHECK(result.reason == Reason::kNotFinite);
      CHECK(result.steps == 0);
      CHECK(training.memory.block(0)[0] == 0.0f);
    }
  }
}

TEST_CASE("plans of other kinds run instruction by instruction") {
  const KernelTable& table = default_table();
  auto is_whole = [&](const PlanSpec& spec) { return Training(spec, table, true, 4).is_whole(); };
  PlanSpec good = DensePlan({.widths = {2, 3, 1}, .functions = {"tanh"}, .capacity = 1}).spec();
  CHECK(is_whole(good));
  CHECK_FALSE(
      is_whole(DensePlan({.widths = {2, 65, 1}, .functions = {"tanh"}, .capacity = 1}).spec()));
  CHECK_FALSE(is_whole(
      DensePlan({.widths = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, .functions = {"tanh"}}).spec()));
  PlanSpec more_outputs = good;
  more_outputs.outputs.push_back(good.outputs[0]);
  CHECK_FALSE(is_whole(more_outputs));
  for (size_t i = 0; i < good.instructions.size(); i++) {
    CAPTURE(good.instructions[i].op);
    PlanSpec without = good;
    without.instructions.erase(without.instructions.begin() + static_cast<int64_t>(i));
    CHECK_FALSE(is_whole(without));
    PlanSpec twice = good;
    twice.instructions.insert(twice.instructions.begin() + static_cast<int64_t>(i),
                              good.instructions[i]);
    bool guard = good.instructions[i].op.ends_with("uard");
    CHECK(is_whole(twice) == guard);
  }
}

// Data of exactly its size, beyond which nothing may be read, and the same rows copied.
TEST_CASE("wide rows are read in place, with the bits of a copy") {
  for (const KernelTable* table : usable_tables()) {
    CAPTURE(std::string(table->isa));
    for (uint32_t width : {16, 19, 33, 130}) {
      for (const std::string optimizer : {"", "adam"}) {
        CAPTURE(width);
        DenseNetwork network{{width, 70, 17}, {"relu", "linear"}};
        network.capacity = 6;
        network.optimizer = optimizer;
        if (optimizer == "adam") {
          network.optimizer_attributes = {0.9, 0.999, 1e-7};
          network.slots = 2;
        }
        const PlanSpec spec = DensePlan(network).spec();
        Training in_place(spec, *table, false, 9), copied(spec, *table, false, 9);
        std::vector<uint32_t> order;
        for (uint32_t i = 0; i < 9 * copied.job.epochs; i++) order.push_back(i % 9);
        copied.job.indices = order.data();
        copied.job.index_count = static_cast<int64_t>(order.size());
        CHECK(in_place.run().reason == Reason::kDone);
        CHECK(copied.run().reason == Reason::kDone);
        CHECK(same_bits(in_place.losses, copied.losses));
        CHECK(in_place.memory.block(0) == copied.memory.block(0));
      }
    }
  }
}

}  // namespace
}  // namespace myelin::test
