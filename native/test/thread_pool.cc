#include "thread_pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <thread>

namespace myelin::test {
namespace {

struct Count {
  std::vector<int> seen;
  int64_t parts;
};

void mark(void* context, const void*, int64_t part, int64_t parts, float* workspace) {
  auto* count = static_cast<Count*>(context);
  CHECK(parts == count->parts);
  CHECK(workspace != nullptr);
  count->seen[static_cast<size_t>(part)]++;
}

TEST_CASE("every part of every task is run once, before the call returns") {
  for (int threads : {2, 3, 5}) {
    ThreadPool pool(threads);
    Workspace workspace = make_workspace();
    for (int run = 0; run < 20; run++) {
      ThreadPool::Lease lease(pool);
      for (int64_t parts = 1; parts < 20; parts++) {
        int64_t made = std::min<int64_t>(parts, threads);
        Count count{std::vector<int>(static_cast<size_t>(made)), made};
        lease.run(mark, &count, nullptr, parts, workspace.get());
        for (int seen : count.seen) CHECK(seen == 1);
      }
    }
  }
}

TEST_CASE("many short tasks follow each other") {
  ThreadPool pool(3);
  Workspace workspace = make_workspace();
  struct Sums {
    int64_t values[3] = {0, 0, 0};
  } sums;
  auto add = [](void* context, const void*, int64_t part, int64_t, float*) {
    static_cast<Sums*>(context)->values[part] += part + 1;
  };
  ThreadPool::Lease lease(pool);
  for (int i = 0; i < 20000; i++) lease.run(add, &sums, nullptr, 3, workspace.get());
  CHECK(sums.values[0] == 20000);
  CHECK(sums.values[1] == 40000);
  CHECK(sums.values[2] == 60000);
}

TEST_CASE("parts that run at once have different workspaces") {
  ThreadPool pool(4);
  Workspace workspace = make_workspace();
  auto fill = [](void* context, const void*, int64_t part, int64_t, float* memory) {
    auto* wrong = static_cast<std::atomic<int>*>(context);
    for (int i = 0; i < 1000; i++) memory[i] = static_cast<float>(part);
    for (int i = 0; i < 1000; i++) {
      if (memory[i] != static_cast<float>(part)) ++*wrong;
    }
  };
  std::atomic<int> wrong{0};
  ThreadPool::Lease lease(pool);
  for (int i = 0; i < 200; i++) lease.run(fill, &wrong, nullptr, 4, workspace.get());
  CHECK(wrong == 0);
}

TEST_CASE("a run that finds the pool taken works alone, in one part, and takes a thread's place") {
  ThreadPool pool(3);
  Workspace workspace = make_workspace();
  auto parts_of = [&](ThreadPool::Lease& lease) {
    auto note = [](void* context, const void*, int64_t, int64_t parts, float*) {
      *static_cast<std::atomic<int64_t>*>(context) = parts;
    };
    std::atomic<int64_t> parts{0};
    lease.run(note, &parts, nullptr, 3, workspace.get());
    return parts.load();
  };
  ThreadPool::Lease second(pool);
  {
    ThreadPool::Lease first(pool);
    CHECK(parts_of(first) == 2);
    CHECK(parts_of(second) == 1);
    ThreadPool::Lease third(pool);
    CHECK(parts_of(first) == 1);
    CHECK(parts_of(third) == 1);
  }
  CHECK(parts_of(second) == 3);
}

TEST_CASE("runs on several threads share a pool safely") {
  ThreadPool pool(3);
  auto work = [&pool] {
    Workspace workspace = make_workspace();
    for (int run = 0; run < 50; run++) {
      ThreadPool::Lease lease(pool);
      for (int i = 0; i < 50; i++) {
        struct Sum {
          int64_t parts[3] = {0, 0, 0};
        } sum;
        auto add = [](void* context, const void*, int64_t part, int64_t parts, float*) {
          static_cast<Sum*>(context)->parts[part] = 6 / parts;
        };
        lease.run(add, &sum, nullptr, 3, workspace.get());
        REQUIRE(sum.parts[0] + sum.parts[1] + sum.parts[2] == 6);
      }
    }
  };
  std::thread a(work), b(work);
  a.join();
  b.join();
}

TEST_CASE("the number of threads changes between runs") {
  ThreadPool pool(1);
  Workspace workspace = make_workspace();
  for (int threads : {4, 2, 1, 3}) {
    pool.set_threads(threads);
    CHECK(pool.threads() == threads);
    ThreadPool::Lease lease(pool);
    Count count{std::vector<int>(static_cast<size_t>(threads)), threads};
    lease.run(mark, &count, nullptr, 4, workspace.get());
    for (int seen : count.seen) CHECK(seen == 1);
  }
}

// Parts that wait for each other, so that no thread can do two.
struct Meeting {
  std::thread::id threads[2];
  std::atomic<int> begun{0};

  void hold(ThreadPool::Lease& lease, float* workspace) {
    begun = 0;
    auto meet = [](void* context, const void*, int64_t part, int64_t, float*) {
      auto* meeting = static_cast<Meeting*>(context);
      meeting->threads[part] = std::this_thread::get_id();
      ++meeting->begun;
      while (meeting->begun < 2) std::this_thread::yield();
    };
    lease.run(meet, this, nullptr, 2, workspace);
  }
};

TEST_CASE("a thread gets the same part of every task") {
  ThreadPool pool(2);
  Workspace workspace = make_workspace();
  ThreadPool::Lease lease(pool);
  Meeting meeting;
  meeting.hold(lease, workspace.get());
  std::thread::id worker = meeting.threads[1];
  for (int i = 0; i < 100; i++) {
    meeting.hold(lease, workspace.get());
    CHECK(meeting.threads[0] == std::this_thread::get_id());
    CHECK(meeting.threads[1] == worker);
  }
}

TEST_CASE("workers that sleep are woken, within a run and by the next") {
  ThreadPool pool(2);
  Workspace workspace = make_workspace();
  for (int i = 0; i < 3; i++) {
    ThreadPool::Lease lease(pool);
    Meeting meeting;
    meeting.hold(lease, workspace.get());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    meeting.hold(lease, workspace.get());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST_CASE("the caller does the part of a worker that is late") {
  ThreadPool pool(2);
  Workspace workspace = make_workspace();
  ThreadPool::Lease lease(pool);
  std::vector<int> seen(2);
  auto mark = [](void* context, const void*, int64_t part, int64_t, float*) {
    static_cast<int*>(context)[part]++;
  };
  // A worker that has just been made, or sleeps, is late.
  for (int i = 0; i < 5; i++) {
    lease.run(mark, seen.data(), nullptr, 2, workspace.get());
    std::this_thread::sleep_for(std::chrono::milliseconds(4));
  }
  CHECK(seen == std::vector<int>{5, 5});
}

TEST_CASE("the process's pool lives as long as somebody holds it") {
  std::shared_ptr<ThreadPool> first = ThreadPool::shared();
  CHECK(ThreadPool::shared() == first);
  CHECK(first->threads() >= 1);
}

}  // namespace
}  // namespace myelin::test
