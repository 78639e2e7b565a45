#include "thread_pool.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "cpu_count.h"

#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace myelin {
namespace {

// A waiting thread polls this often (some 50 us) before it offers its CPU to others at each poll.
constexpr int kPollsBeforeYield = 4096;
// A worker whose run has ended polls this often (some 200 us) before it sleeps: the next slice of
// the same training usually follows at once, and waking up costs 50 us.
constexpr int kPollsBeforeSleep = 16384;
constexpr int kPollsBetweenYields = 64;

constexpr int kPartBits = 16;
constexpr uint64_t kPartMask = (uint64_t{1} << kPartBits) - 1;

uint64_t pack_claim(uint64_t task, int64_t parts, int64_t next) {
  return task << (2 * kPartBits) | static_cast<uint64_t>(parts) << kPartBits |
         static_cast<uint64_t>(next);
}
uint64_t claim_task(uint64_t claim) { return claim >> (2 * kPartBits); }
int64_t claim_parts(uint64_t claim) { return claim >> kPartBits & kPartMask; }
int64_t claim_next(uint64_t claim) { return claim & kPartMask; }

// Tells the CPU that this is a waiting loop.
void cpu_pause() {
#if defined(_MSC_VER) && (defined(_M_X64) || defined(_M_IX86))
  _mm_pause();
#elif defined(_MSC_VER)
  __yield();
#elif defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ __volatile__("yield");
#endif
}

void wait_a_little(int& polls) {
  if (polls < kPollsBeforeYield) {
    polls++;
    cpu_pause();
  } else {
    std::this_thread::yield();
  }
}

int default_threads() {
  const char* wanted = std::getenv("MYELIN_NUM_THREADS");
  if (!wanted || !*wanted) return std::min(usable_cpus(), ThreadPool::kMaxThreads);
  char* end;
  long value = std::strtol(wanted, &end, 10);
  if (*end == 0 && value >= 1 && value <= ThreadPool::kMaxThreads) return static_cast<int>(value);
  throw std::invalid_argument("MYELIN_NUM_THREADS must be an integer from 1 to " +
                              std::to_string(ThreadPool::kMaxThreads) + ", got \"" + wanted + "\"");
}

}  // namespace

std::shared_ptr<ThreadPool> ThreadPool::shared() {
  static std::mutex mutex;
  static std::weak_ptr<ThreadPool> current;
  std::lock_guard lock(mutex);
  std::shared_ptr<ThreadPool> pool = current.lock();
  if (!pool) current = pool = std::make_shared<ThreadPool>(default_threads());
  return pool;
}

ThreadPool::ThreadPool(int threads) : wanted_(threads) {}

ThreadPool::~ThreadPool() { stop_workers(); }

ThreadPool::Lease::~Lease() {
  if (held_) pool_.release();
}

void ThreadPool::Lease::run(Task task, void* context, int64_t parts, float* workspace) {
  if (held_ || (held_ = pool_.acquire())) {
    pool_.dispatch(task, context, parts, workspace);
  } else {
    task(context, 0, 1, workspace);
  }
}

bool ThreadPool::acquire() {
  if (leased_.load(std::memory_order_relaxed)) return false;
  if (leased_.exchange(true, std::memory_order_acquire)) return false;
  resize(threads());
  wake();
  return true;
}

void ThreadPool::release() {
  active_.store(false, std::memory_order_relaxed);
  leased_.store(false, std::memory_order_release);
}

// Threads that cannot be made are done without.
void ThreadPool::resize(int threads) {
  size_t wanted = static_cast<size_t>(threads) - 1;
  if (workers_.size() > wanted) stop_workers();
  try {
    while (workers_.size() < wanted) {
      workspaces_.push_back(make_workspace());
      float* workspace = workspaces_.back().get();
      workers_.reserve(wanted);
      workers_.emplace_back([this, workspace] { worker(workspace); });
    }
  } catch (const std::exception&) {
    wanted_.store(static_cast<int>(workers_.size()) + 1, std::memory_order_relaxed);
  }
}

void ThreadPool::stop_workers() {
  {
    std::lock_guard lock(mutex_);
    stopping_.store(true, std::memory_order_relaxed);
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
  workspaces_.clear();
  stopping_.store(false, std::memory_order_relaxed);
}

void ThreadPool::wake() {
  {
    std::lock_guard lock(mutex_);
    active_.store(true, std::memory_order_relaxed);
  }
  wake_.notify_all();
}

void ThreadPool::dispatch(Task task, void* context, int64_t parts, float* workspace) {
  uint64_t number = claim_task(claim_.load(std::memory_order_relaxed)) + 1;
  task_ = task;
  context_ = context;
  finished_.store(0, std::memory_order_relaxed);
  claim_.store(pack_claim(number, parts, 0), std::memory_order_release);
  while (work_on_claim(workspace)) {
  }
  int polls = 0;
  while (finished_.load(std::memory_order_acquire) != parts) wait_a_little(polls);
}

// Claims and computes one part; false: none was left.
bool ThreadPool::work_on_claim(float* workspace) {
  uint64_t claim = claim_.load(std::memory_order_acquire);
  int64_t part = claim_next(claim);
  int64_t parts = claim_parts(claim);
  while (part < parts) {
    if (claim_.compare_exchange_weak(claim, claim + 1, std::memory_order_acq_rel,
                                     std::memory_order_acquire)) {
      task_(context_, part, parts, workspace);
      finished_.fetch_add(1, std::memory_order_release);
      return true;
    }
    part = claim_next(claim);
    parts = claim_parts(claim);
  }
  return false;
}

void ThreadPool::worker(float* workspace) {
  int waiting = 0;  // polls since the last part
  int resting = 0;  // polls since the run ended
  while (!stopping_.load(std::memory_order_relaxed)) {
    if (work_on_claim(workspace)) {
      waiting = resting = 0;
    } else if (active_.load(std::memory_order_relaxed)) {
      resting = 0;
      wait_a_little(waiting);
    } else if (++resting < kPollsBeforeSleep) {
      if (resting % kPollsBetweenYields) {
        cpu_pause();
      } else {
        std::this_thread::yield();
      }
    } else {
      park();
      waiting = resting = 0;
    }
  }
}

void ThreadPool::park() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] {
    return active_.load(std::memory_order_relaxed) || stopping_.load(std::memory_order_relaxed);
  });
}

}  // namespace myelin
