// Runs a loaded plan: many steps per call, or one at a time.
#pragma once
#include <atomic>
#include <cstdint>
#include <vector>

#include "column_pieces.h"
#include "input_places.h"
#include "job.h"
#include "plan.h"
#include "thread_choice.h"
#include "thread_pool.h"
#include "whole_step.h"

namespace myelin {

// The memory and threads that a run may use.
struct Resources {
  ThreadPool* pool;
  float* workspace;  // the calling thread's
};

class Executor {
 public:
  explicit Executor(Plan plan);
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  const Plan& plan() const { return plan_; }

  // Runs steps of a job that `check_job` accepts, until it is done, its budget is spent (within
  // about a millisecond, and after one step at least), `cancelled` is set, the stop rule holds or
  // a step is not finite.
  RunResult run(const Job& job, const Resources& resources, const std::atomic<bool>& cancelled);

  // One step on what is in the input region. False: the guard found it not finite.
  bool step(const StepContext& context, ThreadPool& pool);

 private:
  // Into how many parts each instruction is divided, for one batch size.
  struct Schedule {
    int64_t batch = 0;
    int threads = 0;
    int64_t divided_work = 0;
    std::vector<int32_t> parts;
  };
  struct SharedContext;
  struct Run;

  const Schedule& schedule(int64_t batch, int threads);
  Schedule make_schedule(int64_t batch, int threads) const;
  int threads_for(int64_t batch, int64_t steps, const ThreadPool& pool);
  ThreadChoice& choice_for(int64_t batch, int threads);
  void read_rows(const Job& job, const Cursor& cursor, InputPlaces::Reading& reading, int threads,
                 ThreadPool::Lease& lease, float* workspace);
  int64_t run_step(Run& run);
  void lay_out(Run& run, bool divided);
  void run_instructions(const StepContext& context);
  void run_divided(SharedContext& context, const Schedule& schedule,
                   ThreadPool::Lease& lease) const;

  Plan plan_;
  WholeStep whole_step_;  // takes the place of the instructions where there is one
  InputPlaces input_places_;
  ColumnPieces column_pieces_;
  // Full batches and the remainder alternate, so both are kept.
  Schedule schedules_[2];
  int oldest_schedule_ = 0;
  ThreadChoice choice_;
  int64_t chosen_batch_ = 0;
  int chosen_threads_ = 0;
};

}  // namespace myelin
