#include "runner.h"

#include <doctest/doctest.h>

#include <cmath>
#include <condition_variable>
#include <cstddef>
#include <limits>

#include "fake_kernels.h"
#include "plan_builder.h"

namespace myelin::test {
namespace {

// An endless job unless `epochs` says otherwise.
struct CountingTask : Runner::Task {
  explicit CountingTask(int64_t epochs) {
    PlanSpec spec;
    spec.sizes = {1, 0, 0, 0, 0};
    spec.instructions = {{"count", {}, {{0, 0, false, {}}}, {}}};
    std::vector<uint8_t> bytes = encode(spec);
    memory = std::make_unique<Memory>(region_sizes(bytes.data(), bytes.size()));
    own = std::make_unique<Executor>(
        load_plan(bytes.data(), bytes.size(), kFakeTable, memory->regions));
    executor = own.get();
    cancelled = &flag;
    job.epoch_rows = 1;
    job.epochs = epochs;
    job.batch_size = 1;
    job.learning_rates = &rate;
    job.learning_rate_count = 1;
    job.budget = std::numeric_limits<double>::infinity();
    job.stop_below = std::numeric_limits<double>::quiet_NaN();
  }

  std::unique_ptr<Memory> memory;
  std::unique_ptr<Executor> own;
  std::atomic<bool> flag{false};
  float rate = 1;
};

struct Bell {
  std::mutex mutex;
  std::condition_variable rung;
  int count = 0;

  static void ring(void* bell) {
    auto* self = static_cast<Bell*>(bell);
    std::lock_guard lock(self->mutex);
    self->count++;
    self->rung.notify_all();
  }

  void await(int wanted) {
    std::unique_lock lock(mutex);
    rung.wait(lock, [&] { return count >= wanted; });
  }
};

constexpr int64_t kEndless = int64_t{1} << 53;

TEST_CASE("tasks are run in order, and each is handed back once") {
  Bell bell;
  Runner runner(std::make_shared<ThreadPool>(2), Bell::ring, &bell);
  for (int64_t epochs = 1; epochs <= 10; epochs++) {
    runner.submit(std::make_unique<CountingTask>(epochs));
  }
  bell.await(10);
  Runner::Tasks tasks = runner.take_finished();
  REQUIRE(tasks.size() == 10);
  for (size_t i = 0; i < 10; i++) {
    CHECK(tasks[i]->result.steps == static_cast<int64_t>(i) + 1);
    CHECK(tasks[i]->error.empty());
  }
  CHECK(runner.take_finished().empty());
}

TEST_CASE("a run can be cancelled from another thread") {
  Bell bell;
  Runner runner(std::make_shared<ThreadPool>(1), Bell::ring, &bell);
  auto task = std::make_unique<CountingTask>(kEndless);
  std::atomic<bool>& flag = task->flag;
  runner.submit(std::move(task));
  flag = true;
  bell.await(1);
  CHECK(runner.take_finished()[0]->result.reason == Reason::kCancelled);
}

TEST_CASE("stopping cancels what runs and what waits") {
  for (int i = 0; i < 50; i++) {
    Bell bell;
    Runner runner(std::make_shared<ThreadPool>(1), Bell::ring, &bell);
    for (int k = 0; k < 3; k++) runner.submit(std::make_unique<CountingTask>(kEndless));
    if (i % 2) std::this_thread::yield();
    runner.stop();
  }
}

TEST_CASE("a runner that never ran stops too") {
  Bell bell;
  Runner runner(std::make_shared<ThreadPool>(1), Bell::ring, &bell);
}

}  // namespace
}  // namespace myelin::test
