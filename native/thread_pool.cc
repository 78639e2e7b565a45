#include "thread_pool.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "cpu_count.h"
#include "denormals.h"

#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace myelin {
namespace {

constexpr int kPartBits = 16;

uint64_t make_round(uint64_t number, int64_t parts) {
  return number << kPartBits | static_cast<uint64_t>(parts);
}
uint64_t number_of(uint64_t round) { return round >> kPartBits; }
int64_t parts_of(uint64_t round) {
  return static_cast<int64_t>(round & ((uint64_t{1} << kPartBits) - 1));
}

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

// One wait for another thread. A pause takes from 1 to 50 ns, so only the clock tells how long it
// is.
class Patience {
 public:
  // Between two polls. False: this has taken so long that sleeping is better. The next slice of the
  // same training, which follows after a callback or two, should not find us asleep: waking up
  // costs 50 us.
  bool wait() {
    constexpr std::chrono::microseconds kBeforeYield(100), kBeforeSleep(2000);
    constexpr int kPausesBetweenPolls = 3, kPollsBetweenLooks = 32;
    // Polling faster takes the cache line away from who is about to write to it.
    for (int i = 0; i < kPausesBetweenPolls; i++) cpu_pause();
    if (++polls_ % kPollsBetweenLooks) return true;
    Clock::time_point now = Clock::now();
    if (polls_ == kPollsBetweenLooks) start_ = now;
    Clock::duration waited = now - start_;
    // From here on others may have the CPU.
    if (waited > kBeforeYield) std::this_thread::yield();
    return waited < kBeforeSleep;
  }

  int polls() const { return polls_; }

 private:
  using Clock = std::chrono::steady_clock;

  int polls_ = 0;
  Clock::time_point start_;
};

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

struct ThreadPool::Worker {
  // The latest round of which somebody has taken this worker's part. The caller touches it only
  // where the worker is late, so that taking is cheap.
  alignas(64) std::atomic<uint64_t> taken;
  // The latest round whose part this worker has done.
  alignas(64) std::atomic<uint64_t> done;
  std::atomic<bool> asleep{false};
  alignas(64) Workspace workspace = make_workspace();
  std::mutex mutex;
  std::condition_variable woken;
  std::thread thread;

  explicit Worker(uint64_t round) : taken(round), done(round) {}

  bool take(uint64_t round) {
    uint64_t last = taken.load(std::memory_order_relaxed);
    return last < round && taken.compare_exchange_strong(last, round, std::memory_order_acquire,
                                                         std::memory_order_relaxed);
  }
};

// ---- Runs

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

ThreadPool::Lease::Lease(ThreadPool& pool) : pool_(pool) {
  pool_.runs_.fetch_add(1, std::memory_order_relaxed);
}

ThreadPool::Lease::~Lease() {
  if (held_) pool_.release();
  pool_.runs_.fetch_sub(1, std::memory_order_relaxed);
}

void ThreadPool::Lease::run(Task task, void* context, const void* subject, int64_t parts,
                            float* workspace) {
  if (parts > 1 && (held_ || (held_ = pool_.acquire()))) {
    parts = std::min(parts, pool_.available());
    if (parts > 1) return pool_.dispatch(task, context, subject, parts, workspace);
  }
  task(context, subject, 0, 1, workspace);
}

bool ThreadPool::acquire() {
  if (leased_.load(std::memory_order_relaxed)) return false;
  if (leased_.exchange(true, std::memory_order_acquire)) return false;
  resize(threads());
  return true;
}

void ThreadPool::release() { leased_.store(false, std::memory_order_release); }

// Threads that the run may use which holds the lease.
int64_t ThreadPool::available() const {
  int64_t others = runs_.load(std::memory_order_relaxed) - 1;
  return static_cast<int64_t>(workers_.size()) + 1 - others;
}

// Threads that cannot be made are done without.
void ThreadPool::resize(int threads) {
  size_t wanted = static_cast<size_t>(threads) - 1;
  if (workers_.size() > wanted) stop_workers();
  try {
    workers_.reserve(wanted);
    while (workers_.size() < wanted) {
      auto made = std::make_unique<Worker>(number_of(round_.load(std::memory_order_relaxed)));
      Worker& worker = *made;
      int64_t part = static_cast<int64_t>(workers_.size()) + 1;
      worker.thread = std::thread([this, &worker, part] { work(worker, part); });
      workers_.push_back(std::move(made));
    }
  } catch (const std::exception&) {
    wanted_.store(static_cast<int>(workers_.size()) + 1, std::memory_order_relaxed);
  }
}

void ThreadPool::stop_workers() {
  stopping_.store(true);
  for (const std::unique_ptr<Worker>& worker : workers_) wake(*worker);
  for (const std::unique_ptr<Worker>& worker : workers_) worker->thread.join();
  workers_.clear();
  stopping_.store(false);
}

// ---- Tasks: the caller's side

void ThreadPool::dispatch(Task task, void* context, const void* subject, int64_t parts,
                          float* workspace) {
  uint64_t number = number_of(round_.load(std::memory_order_relaxed)) + 1;
  task_ = task;
  context_ = context;
  subject_ = subject;
  // A worker that falls asleep at this moment may be missed. Nothing waits for it: the caller does
  // its part, and the next task wakes it. An exchange would wait for the cache line first.
  round_.store(make_round(number, parts), std::memory_order_release);
  for (int64_t part = 1; part < parts; part++) {
    Worker& worker = *workers_[static_cast<size_t>(part) - 1];
    if (worker.asleep.load(std::memory_order_relaxed)) wake(worker);
  }
  task(context, subject, 0, parts, workspace);
  for (int64_t part = 1; part < parts; part++) {
    finish_part(*workers_[static_cast<size_t>(part) - 1], make_round(number, parts), part,
                workspace);
  }
}

// Waits for a worker's part, or does it where the worker has not begun.
void ThreadPool::finish_part(Worker& worker, uint64_t round, int64_t part, float* workspace) {
  // A worker that is on time has begun long before; looking costs it a cache line.
  constexpr int kPollsBeforeTaking = 16;
  Patience patience;
  while (worker.done.load(std::memory_order_acquire) != number_of(round)) {
    if (patience.polls() == kPollsBeforeTaking && worker.take(number_of(round))) {
      task_(context_, subject_, part, parts_of(round), workspace);
      return;
    }
    patience.wait();
  }
}

// ---- Tasks: a worker's side

void ThreadPool::work(Worker& worker, int64_t part) {
  FlushDenormals flush;
  for (Patience patience; !stopping_.load(std::memory_order_relaxed);) {
    uint64_t round = round_.load(std::memory_order_acquire);
    if (part < parts_of(round) && worker.take(number_of(round))) {
      task_(context_, subject_, part, parts_of(round), worker.workspace.get());
      worker.done.store(number_of(round), std::memory_order_release);
      patience = Patience();
    } else if (!patience.wait()) {
      sleep(worker, round);
      patience = Patience();
    }
  }
}

void ThreadPool::sleep(Worker& worker, uint64_t seen) {
  std::unique_lock lock(worker.mutex);
  worker.asleep.store(true);
  if (round_.load() != seen || stopping_.load()) {
    worker.asleep.store(false);
    return;
  }
  worker.woken.wait(lock, [&worker] { return !worker.asleep.load(); });
}

void ThreadPool::wake(Worker& worker) {
  {
    std::lock_guard lock(worker.mutex);
    worker.asleep.store(false);
  }
  worker.woken.notify_one();
}

}  // namespace myelin
