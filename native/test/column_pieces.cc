#include "column_pieces.h"

#include <doctest/doctest.h>

#include <limits>
#include <numeric>
#include <string>

#include "dense_plan.h"
#include "dispatch.h"
#include "executor.h"
#include "support.h"

namespace myelin::test {
namespace {

constexpr uint32_t kBatch = 80, kRows = 128, kColumns = 128;

DenseNetwork network(const std::string& optimizer) {
  DenseNetwork net;
  net.widths = {kRows, kColumns, kColumns, 10};
  net.functions = {"tanh", "relu", "linear"};
  net.capacity = kBatch;
  net.optimizer = optimizer;
  net.fused = !optimizer.empty();
  if (optimizer == "adam") {
    net.slots = 2;
    net.optimizer_attributes = {0.9, 0.999, 1e-7};
  }
  return net;
}

// A plan of the fastest ISA, and numbers that tell elements apart.
struct Fixture {
  explicit Fixture(const PlanSpec& spec, const KernelTable& table = *usable_tables().front())
      : bytes(encode(spec)),
        memory(region_sizes(bytes.data(), bytes.size())),
        plan(load_plan(bytes.data(), bytes.size(), table, memory.regions)) {
    for (int region : {0, 1}) {
      std::vector<float>& block = memory.block(region);
      for (size_t i = 0; i < block.size(); i++) {
        block[i] = static_cast<float>(i * 2654435761u % 65536) / 65536.0f * 0.1f +
                   (region == 0 ? -0.05f : 0.01f);
      }
    }
  }

  std::vector<uint8_t> bytes;
  Memory memory;
  Plan plan;
};

std::vector<int32_t> parts_of(const Plan& plan, int32_t parts) {
  return std::vector<int32_t>(plan.instructions.size(), parts);
}

int32_t most_pieces(const Plan& plan) {
  int32_t most = 0;
  for (const Instruction& instruction : plan.instructions) {
    most = std::max(most, instruction.pieces);
  }
  return most;
}

struct Cutting {
  explicit Cutting(Fixture& fixture, int threads = 2)
      : pool(threads),
        workspace(make_workspace()),
        lease(pool),
        columns(fixture.plan),
        residence(columns, lease, workspace.get()) {}

  ThreadPool pool;
  Workspace workspace;
  ThreadPool::Lease lease;
  ColumnPieces columns;
  ColumnPieces::Residence residence;
};

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

TEST_CASE("matrices that others touch are never cut") {
  SUBCASE("the optimizer's block") {
    DenseNetwork net = network("adam");
    net.fused = false;
    Fixture f(DensePlan(net).spec());
    CHECK(ColumnPieces(f.plan).size() == 0);
  }
  SUBCASE("an output of the plan") {
    PlanSpec spec = DensePlan(network("")).spec();
    spec.outputs.push_back({"kernel", spec.instructions[0].inputs[1]});
    Fixture f(spec);
    CHECK(ColumnPieces(f.plan).size() == kColumns * kColumns);
  }
  SUBCASE("a second update") {
    PlanSpec spec = DensePlan(network("adam")).spec();
    spec.instructions.push_back(spec.instructions.back());
    spec.instructions.push_back(spec.instructions[spec.instructions.size() - 3]);
    Fixture f(spec);
    CHECK(ColumnPieces(f.plan).size() == 3 * kRows * kColumns);
  }
  SUBCASE("a layer whose input it is") {
    PlanSpec spec = DensePlan(network("")).spec();
    BufferSpec kernel = spec.instructions[0].inputs[1], y = kernel;
    y.region = 4;
    y.offset = spec.sizes[4];
    spec.sizes[4] += kRows * kColumns;
    const BufferSpec other = spec.instructions[1].inputs[1];
    spec.instructions.push_back({"linear", {kernel, other}, {y}, {"linear", 0.0, 0.0}});
    Fixture f(spec);
    CHECK(ColumnPieces(f.plan).size() == kColumns * kColumns);
  }
}

// ---- Values of a step

// Kernels that take pieces of any operand, but for those of some instructions.
class Willing {
 public:
  explicit Willing(Plan& plan, std::vector<size_t> refusing = {}) {
    kernels_.reserve(plan.instructions.size());
    for (size_t i = 0; i < plan.instructions.size(); i++) {
      Instruction& instruction = plan.instructions[i];
      if (!instruction.kernel->takes_pieces) continue;
      bool refuses = std::count(refusing.begin(), refusing.end(), i) > 0;
      kernels_.push_back(*instruction.kernel);
      kernels_.back().takes_pieces = refuses ? none : any;
      instruction.kernel = &kernels_.back();
    }
  }

 private:
  static bool any(const Instruction&, const Operand&, int64_t) { return true; }
  static bool none(const Instruction&, const Operand&, int64_t) { return false; }

  std::vector<Kernel> kernels_;
};

// Which of the hidden values of `network("adam")` are in pieces: the first layer's output and its
// gradient, the second one's and its gradient; 'x': not all operands of one say the same.
std::string cut_values(const Plan& plan) {
  const auto& in = plan.instructions;
  const std::vector<std::vector<const Operand*>> values = {
      {&in[0].outputs[0], &in[1].inputs[0], &in[5].inputs[2], &in[7].inputs[0], &in[11].inputs[0]},
      {&in[5].outputs[0], &in[6].inputs[1], &in[10].inputs[1]},
      {&in[1].outputs[0], &in[2].inputs[0], &in[4].inputs[2], &in[8].inputs[0], &in[12].inputs[0]},
      {&in[4].outputs[0], &in[5].inputs[0], &in[7].inputs[1], &in[11].inputs[1]}};
  std::string result;
  for (const auto& value : values) {
    const int64_t piece = value[0]->piece;
    const auto is_alike = [&](const Operand* x) { return x->piece == piece; };
    const bool alike = std::all_of(value.begin(), value.end(), is_alike);
    result += !alike ? 'x' : piece == 0 ? '-' : piece == kColumns / 2 ? '2' : '?';
  }
  return result;
}

// Those that are cut in two parts.
std::string cut_values(const PlanSpec& spec, std::vector<size_t> refusing = {}) {
  Fixture f(spec);
  Willing willing(f.plan, std::move(refusing));
  std::string result;
  {
    Cutting cutting(f);
    cutting.residence.cut(parts_of(f.plan, 2), {kBatch});
    result = cut_values(f.plan);
    CHECK(f.plan.instructions[0].inputs[0].piece == 0);
    CHECK(f.plan.instructions[2].outputs[0].piece == 0);
  }
  CHECK(cut_values(f.plan) == "----");
  return result;
}

TEST_CASE("a value of a step is in pieces where all take them that read it") {
  const PlanSpec spec = DensePlan(network("adam")).spec();
  CHECK(cut_values(spec) == "2222");
  // What a gradient is multiplied by lies as the gradient does.
  CHECK(cut_values(spec, {2}) == "22--");
  CHECK(cut_values(spec, {6}) == "--22");
  CHECK(cut_values(spec, {5}) == "----");
}

TEST_CASE("a value that the plan shows or another kind of instruction reads stays whole") {
  PlanSpec spec = DensePlan(network("adam")).spec();
  const BufferSpec first = spec.instructions[0].outputs[0];
  SUBCASE("an output") { spec.outputs.push_back({"first", first}); }
  SUBCASE("a reader") {
    BufferSpec other = first;
    other.offset = spec.sizes[4];
    spec.sizes[4] += kBatch * kColumns;
    spec.instructions.push_back({"unary", {first}, {other}, {"tanh", 0.0, 0.0}});
  }
  CHECK(cut_values(spec) == "--22");
}

TEST_CASE("a value's memory may be another's afterwards") {
  PlanSpec spec = DensePlan(network("adam")).spec();
  const BufferSpec x = spec.instructions[0].inputs[0], first = spec.instructions[0].outputs[0];
  BufferSpec part = first;
  part.shape = {kColumns / 2};
  BufferSpec half_x = x;
  half_x.shape = {kRows / 2};
  BufferSpec other = part;
  other.offset = spec.sizes[4];
  spec.sizes[4] += kBatch * kColumns;
  spec.instructions.push_back({"unary", {half_x}, {part}, {"tanh", 0.0, 0.0}});
  spec.instructions.push_back({"unary", {part}, {other}, {"tanh", 0.0, 0.0}});
  CHECK(cut_values(spec) == "2222");
  // What is left of the value is read, under another name.
  BufferSpec rest = part;
  rest.offset += kBatch * kColumns / 2;
  PlanSpec later = spec;
  later.instructions.push_back({"unary", {rest}, {other}, {"tanh", 0.0, 0.0}});
  CHECK(cut_values(later) == "--22");
  later = spec;
  later.instructions.push_back({"linearGuard", {x, first}, {}, {}});
  CHECK(cut_values(later) == "--22");
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
    for (int kind = 0; kind < 4; kind++) {
      DenseNetwork net = network(kind % 2 ? "adam" : "");
      net.bf16 = kind >= 2;
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
