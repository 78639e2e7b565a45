// Threads that wait by spinning for their next part of a task, and sleep where none comes.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "memory.h"

namespace myelin {

// One per process, used by one run at a time. A task is divided into parts, one a thread: a thread
// gets the same part of every task, so that what it wrote in one step is in its cache in the next.
// A thread that is late, or has lost its CPU, holds up nobody but a part that it already works on:
// the caller takes parts that have not been begun when it has done its own.
class ThreadPool {
 public:
  // Computes part `part` of `parts` of `subject`. What changes from task to task is best the
  // subject's address, which travels with the task, and not the memory that it points to.
  using Task = void (*)(void* context, const void* subject, int64_t part, int64_t parts,
                        float* workspace);

  static constexpr int kMaxThreads = 1024;

  // The process's pool, made by the first environment that asks and ended with the last one that
  // holds it: a library may be unloaded when its environments are gone. Throws
  // std::invalid_argument where MYELIN_NUM_THREADS is not an integer from 1 to kMaxThreads.
  static std::shared_ptr<ThreadPool> shared();

  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Threads that work on a task, the caller's included: 1 to kMaxThreads; from the next run on.
  void set_threads(int threads) { wanted_.store(threads, std::memory_order_relaxed); }
  int threads() const { return wanted_.load(std::memory_order_relaxed); }

  // A run's share of the threads: its own, and, where no other run has them, the pool's, of which
  // it leaves one unused for each other run under way: two runs that share a CPU would only wait
  // for each other. Taken when the run first has something to divide.
  class Lease {
   public:
    explicit Lease(ThreadPool& pool);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    // Runs a task, on this thread too, in at most `parts` parts, and returns when the last one is
    // done.
    void run(Task task, void* context, const void* subject, int64_t parts, float* workspace);

   private:
    ThreadPool& pool_;
    bool held_ = false;
  };

 private:
  struct Worker;

  bool acquire();
  void release();
  void resize(int threads);
  void stop_workers();
  int64_t available() const;
  void dispatch(Task task, void* context, const void* subject, int64_t parts, float* workspace);
  void finish_part(Worker& worker, uint64_t round, int64_t part, float* workspace);
  void work(Worker& worker, int64_t part);
  void sleep(Worker& worker, uint64_t seen);
  static void wake(Worker& worker);

  // The task at hand, in one cache line. `round_` counts tasks and holds the number of parts; what
  // follows it cannot change while a part that somebody has taken is not done.
  alignas(64) std::atomic<uint64_t> round_{0};
  Task task_ = nullptr;
  void* context_ = nullptr;
  const void* subject_ = nullptr;

  alignas(64) std::atomic<bool> stopping_{false};
  std::atomic<bool> leased_{false};
  std::atomic<int> runs_{0};
  std::atomic<int> wanted_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace myelin
