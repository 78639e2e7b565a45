// A thread on which an environment's asynchronous runs take place, one after the other: libuv's few
// pool threads stay free for files and sockets.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "executor.h"

namespace myelin {

class Runner {
 public:
  // One run. Whoever submits it keeps `executor` and what the job points to alive until it has the
  // task back.
  struct Task {
    virtual ~Task() = default;

    Executor* executor = nullptr;
    std::atomic<bool>* cancelled = nullptr;
    Job job;
    RunResult result{0, Reason::kDone};
    std::string error;  // what went wrong instead; empty: nothing
  };
  using Tasks = std::vector<std::unique_ptr<Task>>;

  // `notify` is called on the runner's thread whenever a task has ended; it must not throw.
  Runner(std::shared_ptr<ThreadPool> pool, void (*notify)(void*), void* context)
      : pool_(std::move(pool)), notify_(notify), context_(context) {}
  ~Runner() { stop(); }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // The thread starts with the first task. Throws std::system_error or std::bad_alloc where it
  // cannot; the task is then gone.
  void submit(std::unique_ptr<Task> task);

  // Tasks that have ended since the last call.
  Tasks take_finished();

  // Cancels all tasks and waits for the one in progress to end its step. The tasks stay here.
  void stop();

 private:
  void loop();
  std::unique_ptr<Task> next_task();
  void run(Task& task);

  std::shared_ptr<ThreadPool> pool_;
  void (*notify_)(void*);
  void* context_;
  Workspace workspace_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Task>> waiting_;
  Task* current_ = nullptr;
  Tasks finished_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace myelin
