#include "thread_choice.h"

#include <doctest/doctest.h>

namespace myelin::test {
namespace {

using Microseconds = std::chrono::microseconds;

// Steps of one row that take so long, divided or alone, for as long as given; returns the time
// that was spent divided.
struct Machine {
  ThreadChoice choice;
  ThreadChoice::Clock::time_point now;

  Microseconds run(Microseconds divided, Microseconds alone, Microseconds total) {
    Microseconds spent_divided{0};
    choice.resume(now);
    for (Microseconds spent{0}; spent < total;) {
      Microseconds step = choice.divided() ? divided : alone;
      if (choice.divided()) spent_divided += step;
      spent += step;
      now += step;
      choice.count(1, now);
    }
    return spent_divided;
  }
};

constexpr Microseconds kSecond{1'000'000};

TEST_CASE("steps are divided where that is faster, and only there") {
  Machine faster, slower;
  CHECK(faster.choice.divided());
  CHECK(faster.run(Microseconds(50), Microseconds(90), 4 * kSecond) > 0.98 * 4 * kSecond);
  CHECK(slower.run(Microseconds(90), Microseconds(50), 4 * kSecond) < 0.02 * 4 * kSecond);
}

TEST_CASE("a machine that changes is noticed") {
  Machine machine;
  machine.run(Microseconds(50), Microseconds(90), 10 * kSecond);
  CHECK(machine.run(Microseconds(500), Microseconds(90), 10 * kSecond) < 0.2 * 10 * kSecond);
  CHECK(machine.run(Microseconds(50), Microseconds(90), 10 * kSecond) > 0.8 * 10 * kSecond);
}

TEST_CASE("steps longer than a try are tried one by one") {
  Machine machine;
  Microseconds divided = machine.run(Microseconds(8000), Microseconds(12000), 10 * kSecond);
  CHECK(divided > 0.9 * 10 * kSecond);
  divided = Machine().run(Microseconds(75000), Microseconds(150000), kSecond);
  CHECK(divided >= kSecond);
}

TEST_CASE("time between runs does not count") {
  Machine machine;
  for (int i = 0; i < 1000; i++) {
    machine.run(Microseconds(50), Microseconds(90), Microseconds(500));
    if (machine.choice.divided()) machine.now += kSecond;
  }
  CHECK(machine.choice.divided());
}

}  // namespace
}  // namespace myelin::test
