#include "column_pieces.h"

#include <doctest/doctest.h>

#include <limits>
#include <numeric>
#include <string>

#include "cut_plan.h"
#include "executor.h"

namespace myelin::test {
namespace {

int32_t most_pieces(const Plan& plan) {
  int32_t most = 0;
  for (const Instruction& instruction : plan.instructions) {
    most = std::max(most, instruction.pieces);
  }
  return most;
}

TEST_CASE("a cut matrix is its pieces, one after the other, and then whole again") {
  for (int32_t pieces : {2, 4}) {
    Fixture f(DensePlan(network("adam")).spec());
    std::vector<float> state = f.memory.block(0), slots = f.memory.block(1);
    {
      Cutting cutting(f, 3);
      CHECK(cutting.columns.size() == 3 * (kRows + kColumns) * kColumns);
      cutting.residence.cut(parts_of(f.plan, pieces), {kBatch});
      CHECK(cutting.residence.is_cut());
      CHECK(most_pieces(f.plan) == pieces);
      const int64_t width = kColumns / pieces;
      const Operand& slot = f.plan.instructions[f.plan.instructions.size() - 2].inputs[3];
      CHECK(slot.piece == width);
      const float* before = slots.data() + (slot.data - f.memory.block(1).data());
      bool same = true;
      for (int64_t row = 0; row < kColumns; row++) {
        for (int64_t j = 0; j < kColumns; j++) {
          const float* now = slot.data + j / width * kColumns * width + row * width + j % width;
          same = same && *now == before[row * kColumns + j];
        }
      }
      CHECK(same);
    }
    CHECK(most_pieces(f.plan) == 0);
    CHECK(f.memory.block(0) == state);
    CHECK(f.memory.block(1) == slots);
  }
}

TEST_CASE("a layer stays whole that has no piece of whole cache lines for every part") {
  Fixture f(DensePlan(network("")).spec());
  Cutting cutting(f);
  for (int32_t parts : {1, 3, 7, 16}) {
    cutting.residence.cut(parts_of(f.plan, parts), {kBatch});
    CHECK(most_pieces(f.plan) == 0);
    cutting.residence.join();
  }
}

TEST_CASE("an instruction that needs whole rows for a batch keeps its layer whole") {
  Fixture f(DensePlan(network("")).spec());
  Cutting cutting(f);
  // Gradients of so few samples are dot products along the rows of the second kernel.
  cutting.residence.cut(parts_of(f.plan, 2), {kBatch, 4});
  CHECK(f.plan.instructions[0].pieces == 2);
  CHECK(f.plan.instructions[1].pieces == 0);
}

TEST_CASE("a guard sees every column of a matrix in pieces") {
  constexpr int64_t kWidth = 192, kPiece = 96;
  for (const KernelTable* table : usable_tables()) {
    for (bool zero : {false, true}) {
      for (int64_t column : {0, 1, 15, 16, 63, 64, 95, 96, 97, 127, 160, 191}) {
        for (int64_t other : {column, (column + 1) % kWidth}) {
          Values dz(kBatch * kWidth, 0.5f);
          const auto place = [](int64_t row, int64_t j) {
            return static_cast<size_t>(j / kPiece * kPiece * kBatch + row * kPiece + j % kPiece);
          };
          dz[place(3, column)] = dz[place(50, other)] = 3e38f;
          Call call(*table, "linearGuard", kBatch);
          call.input({kRows}, true, Values(kBatch * kRows, zero ? 0.0f : 1.0f));
          call.input({kWidth}, true, dz);
          Operand& operand = call.instruction().inputs[1];
          operand.piece = kPiece;
          if (!call.instruction().kernel->takes_pieces(call.instruction(), operand, kBatch)) break;
          CAPTURE(column);
          // Only a column's sum, of the bias's gradient if x is zero, is more than a float holds.
          CHECK(call.run(kWidth / kPiece).failed() == (column == other));
        }
      }
    }
  }
}

// ---- Whole runs

struct Outcome {
  Reason reason;
  std::vector<float> state, slots;
};

Outcome train(const DenseNetwork& net, const KernelTable& table, int threads, bool finite = true,
              double budget = std::numeric_limits<double>::infinity(), int64_t samples = 204) {
  constexpr int64_t kEpochs = 7;  // of steps of 80, 80 and 44 samples
  Fixture f(DensePlan(net).spec(), table);
  std::vector<float> x(samples * kRows), y(samples * 10), rates = {0.01f};
  std::iota(x.begin(), x.end(), 0.0f);
  for (float& value : x) value = static_cast<float>(static_cast<int64_t>(value) % 37) / 18 - 1;
  for (size_t i = 0; i < y.size(); i++) y[i] = static_cast<float>(i % 7) / 7;
  std::vector<uint32_t> order(samples * kEpochs);
  for (size_t i = 0; i < order.size(); i++) order[i] = static_cast<uint32_t>(i * 29 % samples);
  if (!finite) {
    // Only the steps of the last epoch meet it.
    x[0] = std::numeric_limits<float>::infinity();
    for (size_t i = 0; i < order.size() - samples; i++) order[i] = std::max(order[i], 1u);
  }
  Executor executor(load_plan(f.bytes.data(), f.bytes.size(), table, f.memory.regions));
  ThreadPool pool(threads);
  Workspace workspace = make_workspace();
  std::atomic<bool> cancelled{false};
  Job job;
  job.columns = {{x.data(), samples * kRows, ElementType::kFloat32, 1, 0},
                 {y.data(), samples * 10, ElementType::kFloat32, 1, 0}};
  job.indices = order.data();
  job.index_count = static_cast<int64_t>(order.size());
  job.epoch_rows = samples;
  job.epochs = kEpochs;
  job.batch_size = kBatch;
  job.learning_rates = rates.data();
  job.learning_rate_count = 1;
  job.outputs.resize(executor.plan().outputs.size());
  job.budget = budget;
  job.stop_below = std::numeric_limits<double>::quiet_NaN();
  check_job(executor.plan(), job);
  RunResult result{};
  do {
    job.first_step = result.steps;
    result = executor.run(job, {&pool, workspace.get()}, cancelled);
  } while (result.reason == Reason::kBudget);
  return {result.reason, f.memory.block(0), f.memory.block(1)};
}

#if defined(MYELIN_SLOW)
constexpr int kThreads[] = {2};
const char* const kOptimizers[] = {"adam"};
#else
constexpr int kThreads[] = {2, 3, 4};
const char* const kOptimizers[] = {"", "adam"};
#endif

TEST_CASE("steps on pieces have the bits of steps on whole matrices") {
  for (const KernelTable* table : usable_tables()) {
    for (const char* optimizer : kOptimizers) {
      for (bool bf16 : {false, true}) {
        DenseNetwork net = network(optimizer);
        net.bf16 = bf16;
        net.widths = {kRows, 192, 96, 10};  // halves of 96: no multiple of the depth of a unit
        CAPTURE(table->isa);
        CAPTURE(net.optimizer);
        CAPTURE(net.bf16);
        const Outcome one = train(net, *table, 1);
        CHECK(one.reason == Reason::kDone);
        for (int threads : kThreads) {
          CAPTURE(threads);
          const Outcome several = train(net, *table, threads);
          CHECK(several.state == one.state);
          CHECK(several.slots == one.slots);
        }
      }
    }
  }
}

TEST_CASE("steps on values in pieces have the bits of steps on whole ones") {
  for (const KernelTable* table : usable_tables()) {
    for (const char* optimizer : kOptimizers) {
      DenseNetwork net = network(optimizer);
      net.widths = {kRows, 192, 192, 10};
      CAPTURE(table->isa);
      CAPTURE(net.optimizer);
      constexpr double kEndless = std::numeric_limits<double>::infinity();
      constexpr int64_t kSamples = 224;  // the last step's 64 are enough for a matrix unit
      const Outcome one = train(net, *table, 1, true, kEndless, kSamples);
      for (int threads : kThreads) {
        CAPTURE(threads);
        const Outcome several = train(net, *table, threads, true, kEndless, kSamples);
        CHECK(several.state == one.state);
        CHECK(several.slots == one.slots);
      }
    }
  }
}

TEST_CASE("slices and steps that are not finite leave matrices whole") {
  const KernelTable& table = *usable_tables().front();
  const DenseNetwork net = network("adam");
  const Outcome one = train(net, table, 1, false);
  CHECK(one.reason == Reason::kNotFinite);
  const Outcome several = train(net, table, 4, false);
  CHECK(several.reason == Reason::kNotFinite);
  CHECK(several.state == one.state);
  CHECK(several.slots == one.slots);
  const Outcome whole = train(net, table, 1), sliced = train(net, table, 4, true, 1);
  CHECK(sliced.state == whole.state);
  CHECK(sliced.slots == whole.slots);
}

}  // namespace
}  // namespace myelin::test
