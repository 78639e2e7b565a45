#include "executor.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <numeric>

#include "fake_kernels.h"
#include "plan_builder.h"

namespace myelin::test {
namespace {

constexpr uint32_t kWidth = 3;

// Output 0: the step's number, a scalar; output 1: x + 1, batched; output 2: steps done.
struct Fixture {
  explicit Fixture(int threads = 1, uint32_t capacity = 4, uint32_t width = kWidth)
      : Fixture(plan_spec(capacity, width), threads) {}
  explicit Fixture(const PlanSpec& spec, int threads = 1)
      : bytes(encode(spec)),
        memory(region_sizes(bytes.data(), bytes.size())),
        pool(threads),
        workspace(make_workspace()),
        executor(load_plan(bytes.data(), bytes.size(), kFakeTable, memory.regions)) {}

  static PlanSpec plan_spec(uint32_t capacity, uint32_t width) {
    PlanSpec spec;
    spec.capacity = capacity;
    uint32_t block = capacity * width;
    spec.sizes = {2, 0, 0, block, block};
    BufferSpec x{3, 0, true, {width}}, y{4, 0, true, {width}};
    BufferSpec clock{0, 0, false, {}}, count{0, 1, false, {}};
    spec.inputs = {{"x", x}};
    spec.outputs = {{"clock", clock}, {"y", y}, {"count", count}};
    spec.instructions = {{"clock", {}, {clock}, {}},
                         {"add", {x}, {y}, {"plus", 1.0}},
                         {"guard", {y}, {}, {}},
                         {"count", {}, {count}, {}}};
    return spec;
  }

  Job job(int64_t rows, int64_t epochs, int64_t batch_size) {
    int64_t width = executor.plan().inputs[0].buffer.size;
    data.resize(static_cast<size_t>(rows * width));
    std::iota(data.begin(), data.end(), 0.0f);
    int64_t steps = epochs * ((rows + batch_size - 1) / batch_size);
    clocks.assign(static_cast<size_t>(steps), -1);
    results.assign(static_cast<size_t>(epochs * rows * width), -1);
    counts.assign(static_cast<size_t>(steps), -1);
    rates = {1};
    Job job;
    job.columns = {{data.data(), rows * width, ElementType::kFloat32, 1, 0}};
    job.epoch_rows = rows;
    job.epochs = epochs;
    job.batch_size = batch_size;
    job.learning_rates = rates.data();
    job.learning_rate_count = 1;
    job.outputs = {{clocks.data(), static_cast<int64_t>(clocks.size())},
                   {results.data(), static_cast<int64_t>(results.size())},
                   {counts.data(), static_cast<int64_t>(counts.size())}};
    job.budget = std::numeric_limits<double>::infinity();
    job.stop_below = std::numeric_limits<double>::quiet_NaN();
    return job;
  }

  RunResult run(const Job& job) {
    check_job(executor.plan(), job);
    return executor.run(job, {&pool, workspace.get()}, cancelled);
  }

  std::string refusal(const Job& job) {
    try {
      check_job(executor.plan(), job);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  }

  std::vector<uint8_t> bytes;
  Memory memory;
  ThreadPool pool;
  Workspace workspace;
  Executor executor;
  std::atomic<bool> cancelled{false};
  std::vector<float> data, clocks, results, counts, rates;
};

TEST_CASE("all epochs are run, the remainder of each included") {
  Fixture f;
  Job job = f.job(10, 3, 4);
  job.counter = 100;
  RunResult result = f.run(job);
  CHECK(result.steps == 9);
  CHECK(result.reason == Reason::kDone);
  for (size_t step = 0; step < 9; step++) {
    CHECK(f.clocks[step] == 100.0f + static_cast<float>(step));
    CHECK(f.counts[step] == static_cast<float>(step + 1));
  }
  for (size_t i = 0; i < 90; i++) CHECK(f.results[i] == static_cast<float>(i % 30 + 1));
}

TEST_CASE("rows are read in the order of the indices") {
  Fixture f;
  Job job = f.job(5, 2, 2);
  std::vector<uint32_t> indices = {4, 0, 3, 1, 2, 1, 1, 1, 0, 4};
  job.indices = indices.data();
  job.index_count = 10;
  CHECK(f.run(job).steps == 6);
  for (size_t row = 0; row < 10; row++) {
    for (size_t i = 0; i < kWidth; i++) {
      CHECK(f.results[row * kWidth + i] == static_cast<float>(indices[row] * kWidth + i + 1));
    }
  }
}

TEST_CASE("a job in slices does what it does in one go") {
  Fixture whole, sliced;
  Job job = whole.job(10, 3, 4);
  whole.run(job);
  Job slice = sliced.job(10, 3, 4);
  slice.budget = 0;
  int slices = 0;
  for (RunResult result{0, Reason::kBudget}; result.reason == Reason::kBudget; slices++) {
    slice.first_step = result.steps;
    result = sliced.run(slice);
    CHECK(result.steps > slice.first_step);
  }
  CHECK(slices == 9);
  CHECK(sliced.clocks == whole.clocks);
  CHECK(sliced.results == whole.results);
  CHECK(sliced.counts == whole.counts);
}

TEST_CASE("a job that is done stays done") {
  Fixture f;
  Job job = f.job(4, 1, 4);
  job.first_step = 1;
  RunResult result = f.run(job);
  CHECK(result.steps == 1);
  CHECK(result.reason == Reason::kDone);
  CHECK(f.clocks[0] == -1);
}

TEST_CASE("each step has its learning rate") {
  Fixture f;
  Job job = f.job(4, 3, 4);
  std::vector<float> rates = {1, 10, 100};
  job.learning_rates = rates.data();
  job.learning_rate_count = 3;
  f.run(job);
  CHECK(f.counts == std::vector<float>{1, 11, 111});
}

TEST_CASE("instructions are told how large a run's data are, and only of its own") {
  for (uint32_t width : {3u, 20u}) {  // gathered, and read where they lie
    PlanSpec spec = Fixture::plan_spec(4, width);
    InstructionSpec& last = spec.instructions.back();
    last = {"known", {spec.inputs[0].second}, last.outputs, {}};
    Fixture f(spec);
    Job job = f.job(8, 1, 4);
    f.run(job);
    CHECK(f.counts[1] == std::numeric_limits<float>::infinity());
    job.columns[0].largest = 160;
    f.run(job);
    CHECK(f.counts == std::vector<float>{160, 160});
    // A step of no job, on what is in the input region.
    bool failed = false;
    StepContext context{};
    context.batch = 4;
    context.failed = &failed;
    context.workspace = f.workspace.get();
    CHECK(f.executor.step(context, f.pool));
    CHECK(*f.executor.plan().outputs[2].buffer.data == std::numeric_limits<float>::infinity());
  }
}

TEST_CASE("a budget is kept within about a millisecond") {
  Fixture f;
  Job job = f.job(8, 1, 4);
  // Results of so long a job are not wanted.
  job.epochs = 100'000'000;
  for (Job::Output& output : job.outputs) output.length = 0;
  job.budget = 10;
  auto start = std::chrono::steady_clock::now();
  RunResult result = f.run(job);
  std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  CHECK(result.reason == Reason::kBudget);
  CHECK(took.count() >= 10);
  // Generous: other processes may hold the CPU.
  CHECK(took.count() < 100);
}

TEST_CASE("a cancelled run ends before its next step") {
  Fixture f;
  f.cancelled = true;
  RunResult result = f.run(f.job(4, 2, 2));
  CHECK(result.steps == 0);
  CHECK(result.reason == Reason::kCancelled);
}

TEST_CASE("a step that is not finite ends the run, and nothing after the guard is done") {
  Fixture f;
  Job job = f.job(10, 1, 4);
  f.data[4 * kWidth] = std::numeric_limits<float>::quiet_NaN();
  RunResult result = f.run(job);
  CHECK(result.steps == 1);
  CHECK(result.reason == Reason::kNotFinite);
  CHECK(f.memory.block(0)[1] == 1);
  CHECK(f.counts[1] == -1);
}

TEST_CASE("the stop rule compares an epoch's mean, weighted by rows, slices included") {
  Fixture f;
  Job job = f.job(10, 5, 4);
  // Epoch 0's mean is (0*4 + 1*4 + 2*2) / 10 = 0.8; epoch 1's is 3.8.
  job.stop_below = 0.8;
  CHECK(f.run(job).reason == Reason::kDone);
  job.stop_below = 0.81;
  RunResult result = f.run(job);
  CHECK(result.steps == 3);
  CHECK(result.reason == Reason::kStopped);
  job.budget = 0;
  result = f.run(job);
  CHECK(result.reason == Reason::kBudget);
  job.first_step = 1;
  job.budget = 1e6;
  result = f.run(job);
  CHECK(result.steps == 3);
  CHECK(result.reason == Reason::kStopped);
}

TEST_CASE("a step runs on what is in the input region") {
  Fixture f;
  f.memory.block(3)[0] = 41;
  bool failed = false;
  StepContext context{1, 7, 0.5f, {1, 2}, f.workspace.get(), &failed};
  CHECK(f.executor.step(context, f.pool));
  CHECK(f.memory.block(4)[0] == 42);
  CHECK(f.memory.block(0)[0] == 7);
  CHECK(f.memory.block(0)[1] == 0.5f);
  f.memory.block(3)[0] = std::numeric_limits<float>::infinity();
  CHECK_FALSE(f.executor.step(context, f.pool));
}

TEST_CASE("threads change nothing") {
  constexpr uint32_t kCapacity = 128, kRowSize = 1001;
  Fixture one(1, kCapacity, kRowSize), four(4, kCapacity, kRowSize);
  one.run(one.job(300, 3, 128));
  four.run(four.job(300, 3, 128));
  CHECK(one.results == four.results);
  CHECK(one.clocks == four.clocks);
}

// A row as wide as is worth leaving where it is.
constexpr uint32_t kWide = 16;

void fill_input(Fixture& f, float value) {
  Region& input = f.memory.regions[kInputRegion];
  std::fill(input.data, input.data + input.size, value);
}
bool input_is(const Fixture& f, float value) {
  const Region& input = f.memory.regions[kInputRegion];
  return std::all_of(input.data, input.data + input.size, [=](float x) { return x == value; });
}
void check_results(const Fixture& f) {
  for (size_t i = 0; i < f.results.size(); i++) {
    CHECK(f.results[i] == static_cast<float>(i % f.data.size() + 1));
  }
}

TEST_CASE("wide rows in order are read where they lie") {
  for (int threads : {1, 2}) {
    Fixture f(threads, 4, kWide);
    Job job = f.job(10, 3, 4);
    fill_input(f, -5);
    CHECK(f.run(job).steps == 9);
    check_results(f);
    CHECK(input_is(f, -5));
    // What is in the region counts again for a step, and for rows that are named or converted.
    StepContext context{};
    bool failed = false;
    context.batch = 2;
    context.failed = &failed;
    CHECK(f.executor.step(context, f.pool));
    CHECK(f.executor.plan().outputs[1].buffer.data[2 * kWide - 1] == -4);
    job.columns[0].offset = 1;
    job.first_step = 0;
    f.run(job);
    CHECK(f.results[0] == 2);
    CHECK(!input_is(f, -5));
  }
}

TEST_CASE("rows are copied where a step may change them, or reads them as something else") {
  uint32_t block = 4 * kWide;
  PlanSpec spec = Fixture::plan_spec(4, kWide);
  spec.sizes[4] += block;
  spec.instructions.push_back(
      {"add", {{3, 0, false, {block}}}, {{4, block, false, {block}}}, {"plus", 1.0}});
  Fixture viewed(spec);
  Job job = viewed.job(10, 3, 4);
  fill_input(viewed, -5);
  viewed.run(job);
  check_results(viewed);
  CHECK(!input_is(viewed, -5));
  // Data that is the plan's own memory: rows 1 and on of what it writes.
  Fixture f(1, 4, kWide);
  job = f.job(1, 1, 4);
  Region& scratch = f.memory.regions[4];
  job.columns[0] = {scratch.data + kWide, 3 * kWide, ElementType::kFloat32, 1, 0};
  fill_input(f, -5);
  f.run(job);
  CHECK(!input_is(f, -5));
}

TEST_CASE("jobs that would go out of bounds are refused") {
  Fixture f;
  Job good = f.job(10, 2, 4);
  std::vector<uint32_t> indices(20, 9);
  auto refused = [&](auto change) {
    Job job = good;
    change(job);
    return f.refusal(job);
  };
  CHECK(refused([](Job&) {}) == "accepted");
  CHECK(refused([](Job& job) { job.batch_size = 5; }) ==
        "batchSize must be from 1 to the plan's capacity 4, got 5");
  CHECK(refused([](Job& job) { job.batch_size = 0; }).starts_with("batchSize"));
  CHECK(refused([](Job& job) { job.epoch_rows = 0; }).starts_with("epochRows"));
  CHECK(refused([](Job& job) { job.epochs = int64_t{1} << 62; }).starts_with("epochs"));
  CHECK(refused([](Job& job) { job.first_step = 7; }) ==
        "firstStep must be from 0 to the job's 6 steps, got 7");
  CHECK(refused([](Job& job) { job.learning_rate_count = 5; }) ==
        "learningRates must be of length 1 or at least 6, got 5");
  CHECK(refused([](Job& job) { job.columns[0].length = 29; }) ==
        "columns[0] (x) must be at least 10 rows of 3 elements long, got 29");
  CHECK(refused([](Job& job) { job.columns.clear(); }).starts_with("columns must be"));
  CHECK(refused([](Job& job) { job.columns[0].scale = NAN; }).find("finite") != std::string::npos);
  CHECK(refused([](Job& job) { job.outputs.pop_back(); }).starts_with("outputs must be"));
  CHECK(refused([](Job& job) { job.outputs[1].length = 59; }) ==
        "outputs[1] (y) must be of length 0 or at least 20 * 3, got 59");
  CHECK(refused([](Job& job) { job.budget = NAN; }).starts_with("budget"));
  CHECK(refused([](Job& job) {
          job.stop_below = 1;
          job.outputs[0].length = 0;
        }).starts_with("stopBelow"));
  CHECK(refused([&](Job& job) {
          job.indices = indices.data();
          job.index_count = 19;
        }).starts_with("indices"));
  CHECK(refused([&](Job& job) {
          job.indices = indices.data();
          job.index_count = 20;
        }) == "accepted");
  indices[13] = 10;
  CHECK(refused([&](Job& job) {
          job.indices = indices.data();
          job.index_count = 20;
        }) == "columns[0] (x) must be at least 11 rows of 3 elements long, got 30");
}

}  // namespace
}  // namespace myelin::test
