#include "thread_pool.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <thread>

namespace myelin::test {
namespace {

struct Count {
  std::vector<int> seen;
  int64_t parts;
};

void mark(void* context, int64_t part, int64_t parts, float* workspace) {
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
        Count count{std::vector<int>(static_cast<size_t>(parts)), parts};
        lease.run(mark, &count, parts, workspace.get());
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
  auto add = [](void* context, int64_t part, int64_t, float*) {
    static_cast<Sums*>(context)->values[part] += part + 1;
  };
  ThreadPool::Lease lease(pool);
  for (int i = 0; i < 20000; i++) lease.run(add, &sums, 3, workspace.get());
  CHECK(sums.values[0] == 20000);
  CHECK(sums.values[1] == 40000);
  CHECK(sums.values[2] == 60000);
}

TEST_CASE("parts that run at once have different workspaces") {
  ThreadPool pool(4);
  Workspace workspace = make_workspace();
  auto fill = [](void* context, int64_t part, int64_t, float* memory) {
    auto* wrong = static_cast<std::atomic<int>*>(context);
    for (int i = 0; i < 1000; i++) memory[i] = static_cast<float>(part);
    for (int i = 0; i < 1000; i++) {
      if (memory[i] != static_cast<float>(part)) ++*wrong;
    }
  };
  std::atomic<int> wrong{0};
  ThreadPool::Lease lease(pool);
  for (int i = 0; i < 200; i++) lease.run(fill, &wrong, 4, workspace.get());
  CHECK(wrong == 0);
}

TEST_CASE("a run that finds the pool taken works alone, in one part") {
  ThreadPool pool(2);
  Workspace workspace = make_workspace();
  auto parts_of = [&](ThreadPool::Lease& lease) {
    auto note = [](void* context, int64_t, int64_t parts, float*) {
      *static_cast<std::atomic<int64_t>*>(context) = parts;
    };
    std::atomic<int64_t> parts{0};
    lease.run(note, &parts, 2, workspace.get());
    return parts.load();
  };
  ThreadPool::Lease second(pool);
  {
    ThreadPool::Lease first(pool);
    CHECK(parts_of(first) == 2);
    CHECK(parts_of(second) == 1);
  }
  CHECK(parts_of(second) == 2);
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
        auto add = [](void* context, int64_t part, int64_t parts, float*) {
          static_cast<Sum*>(context)->parts[part] = 6 / parts;
        };
        lease.run(add, &sum, 3, workspace.get());
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
    Count count{std::vector<int>(4), 4};
    lease.run(mark, &count, 4, workspace.get());
    for (int seen : count.seen) CHECK(seen == 1);
  }
}

TEST_CASE("workers that sleep are woken") {
  ThreadPool pool(2);
  Workspace workspace = make_workspace();
  for (int i = 0; i < 5; i++) {
    {
      ThreadPool::Lease lease(pool);
      Count count{std::vector<int>(8), 8};
      lease.run(mark, &count, 8, workspace.get());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST_CASE("the process's pool lives as long as somebody holds it") {
  std::shared_ptr<ThreadPool> first = ThreadPool::shared();
  CHECK(ThreadPool::shared() == first);
  CHECK(first->threads() >= 1);
}

}  // namespace
}  // namespace myelin::test
