#include "runner.h"

#include <exception>

namespace myelin {

void Runner::submit(std::unique_ptr<Task> task) {
  if (!workspace_) workspace_ = make_workspace();
  if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
  {
    std::lock_guard lock(mutex_);
    // Room for all that are under way, so that ending a task allocates nothing.
    finished_.reserve(finished_.size() + waiting_.size() + 2);
    waiting_.push_back(std::move(task));
  }
  wake_.notify_one();
}

Runner::Tasks Runner::take_finished() {
  Tasks tasks;
  std::lock_guard lock(mutex_);
  tasks.reserve(finished_.capacity());
  tasks.swap(finished_);
  return tasks;
}

void Runner::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const std::unique_ptr<Task>& task : waiting_) task->cancelled->store(true);
    if (current_) current_->cancelled->store(true);
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Runner::loop() {
  while (std::unique_ptr<Task> task = next_task()) {
    run(*task);
    {
      std::lock_guard lock(mutex_);
      current_ = nullptr;
      finished_.push_back(std::move(task));
    }
    notify_(context_);
  }
}

// Null: stop.
std::unique_ptr<Runner::Task> Runner::next_task() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
  if (stopping_) return nullptr;
  std::unique_ptr<Task> task = std::move(waiting_.front());
  waiting_.pop_front();
  current_ = task.get();
  return task;
}

void Runner::run(Task& task) {
  try {
    Resources resources{pool_.get(), workspace_.get()};
    task.result = task.executor->run(task.job, resources, *task.cancelled);
  } catch (const std::exception& error) {
    task.error = error.what();
  }
}

}  // namespace myelin
