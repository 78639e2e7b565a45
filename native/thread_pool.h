// Threads that wait by spinning while a run is active, and sleep between runs.
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

// One per process, used by one run at a time. A task is divided into parts, which the threads claim
// one after the other: a thread that is late, or has lost its CPU, holds up nobody but the part
// that it already works on.
class ThreadPool {
 public:
  using Task = void (*)(void* context, int64_t part, int64_t parts, float* workspace);

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

  // The right to use the pool, for the length of a run; taken when the run first has something to
  // divide. Where another run has it, this one computes on its own thread: two runs that share the
  // CPUs would only wait for each other.
  class Lease {
   public:
    explicit Lease(ThreadPool& pool) : pool_(pool) {}
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    // Runs a task, on this thread too, and returns when its last part is done. Where this thread
    // works alone, the task is one part.
    void run(Task task, void* context, int64_t parts, float* workspace);

   private:
    ThreadPool& pool_;
    bool held_ = false;
  };

 private:
  bool acquire();
  void release();
  void resize(int threads);
  void stop_workers();
  void wake();
  void dispatch(Task task, void* context, int64_t parts, float* workspace);
  bool work_on_claim(float* workspace);
  void worker(float* workspace);
  void park();

  // The task's number, its parts and the next part to claim, in one word: who advances it owns the
  // part, and the task's description below cannot change until that part is done.
  alignas(64) std::atomic<uint64_t> claim_{0};
  alignas(64) std::atomic<int64_t> finished_{0};
  alignas(64) Task task_ = nullptr;
  void* context_ = nullptr;

  alignas(64) std::atomic<bool> active_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> leased_{false};
  std::atomic<int> wanted_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Workspace> workspaces_;
  std::vector<std::thread> workers_;
};

}  // namespace myelin
