// Loads and runs a plan that nobody vouches for.
#pragma once
#include <algorithm>
#include <cmath>
#include <iterator>

#include "dispatch.h"
#include "executor.h"
#include "plan_builder.h"

namespace myelin::test {

// Values that have broken kernels: they must not become addresses either.
inline void fill_with_oddities(Memory& memory) {
  constexpr float kOdd[] = {0.5f, -1.0f, 3e9f, NAN, -0.0f, INFINITY, 1e-40f, -INFINITY, 2.0f};
  for (int region = 0; region < kRegionCount; region++) {
    size_t i = 0;
    for (float& value : memory.block(region)) value = kOdd[i++ % std::size(kOdd)];
  }
}

// Runs a plan once with one sample and once with as many as it can. Throws PlanError where it is
// refused, or larger than what a test has memory for.
inline void load_and_run(const uint8_t* bytes, size_t length, const KernelTable& table) {
  constexpr int64_t kMost = 4096;
  // Regions no larger than what the plan claims, so that sanitizers see a step over their end.
  std::array<int64_t, kRegionCount> sizes = region_sizes(bytes, length);
  for (int64_t size : sizes) {
    if (size > kMost) throw PlanError("too large for a test");
  }
  Memory memory(sizes);
  fill_with_oddities(memory);
  Executor executor(load_plan(bytes, length, table, memory.regions));
  static ThreadPool pool(1);
  static Workspace workspace = make_workspace();
  // The capacity of a plan without batched buffers can be anything.
  for (int64_t batch : {int64_t{1}, std::min(executor.plan().capacity, kMost)}) {
    bool failed = false;
    StepContext context{batch, 3, 0.01f, {1, 2}, workspace.get(), &failed};
    executor.step(context, pool);
  }
}

// True: it was accepted, and has run.
inline bool try_plan(const uint8_t* bytes, size_t length, const KernelTable& table) {
  try {
    load_and_run(bytes, length, table);
    return true;
  } catch (const PlanError&) {
    return false;
  }
}

}  // namespace myelin::test
