// Runs an encoded plan without Node: for sanitizers, debuggers and profilers.
//   replay PLAN [--isa NAME] [--threads N] [--batch N] [--rows N] [--epochs N] [--rate X]
//          [--state FILE] [--column FILE]...
// Files hold little endian floats: the state region at the start, and one column for each plan
// input, in order. Without them both are filled from a fixed generator. Prints plan outputs that
// are not batched, step by step, and a hash of the state at the end: equal for equal bits.
#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "dispatch.h"
#include "executor.h"
#include "plan_builder.h"

namespace myelin::test {
namespace {

struct Options {
  std::string plan;
  std::string isa;
  std::string state;
  std::string scratch;
  std::vector<std::string> columns;
  int threads = 1;
  int64_t batch = 0;  // 0: the plan's capacity
  int64_t rows = 0;   // 0: as many as the first column has, or four batches
  int64_t epochs = 1;
  float rate = 0.01f;
};

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; i++) {
    std::string name = arguments[i];
    if (!name.starts_with("--")) {
      options.plan = name;
      continue;
    }
    if (++i == count) throw std::invalid_argument(name + " needs a value");
    std::string value = arguments[i];
    if (name == "--isa") {
      options.isa = value;
    } else if (name == "--state") {
      options.state = value;
    } else if (name == "--scratch") {
      options.scratch = value;
    } else if (name == "--column") {
      options.columns.push_back(value);
    } else if (name == "--threads") {
      options.threads = std::stoi(value);
    } else if (name == "--batch") {
      options.batch = std::stoll(value);
    } else if (name == "--rows") {
      options.rows = std::stoll(value);
    } else if (name == "--epochs") {
      options.epochs = std::stoll(value);
    } else if (name == "--rate") {
      options.rate = std::stof(value);
    } else {
      throw std::invalid_argument("unknown option " + name);
    }
  }
  if (options.plan.empty()) throw std::invalid_argument("usage: replay PLAN [options]");
  return options;
}

std::string read(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) throw std::invalid_argument("cannot read " + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<float> read_floats(const std::string& name) {
  std::string bytes = read(name);
  std::vector<float> floats(bytes.size() / sizeof(float));
  std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
  return floats;
}

std::vector<float> random_floats(int64_t count, float low, float high) {
  static std::mt19937 random(1);
  std::vector<float> floats(static_cast<size_t>(count));
  for (float& value : floats) {
    value = low + (high - low) * static_cast<float>(random() >> 8) / 0x1000000;
  }
  return floats;
}

// FNV-1a over the bits.
uint64_t hash(const std::vector<float>& floats) {
  uint64_t result = 0xcbf29ce484222325;
  for (float value : floats) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    for (int shift = 0; shift < 32; shift += 8) {
      result = (result ^ (bits >> shift & 0xff)) * 0x100000001b3;
    }
  }
  return result;
}

class Replay {
 public:
  Replay(const Options& options, const std::string& bytes, const KernelTable& table)
      : options_(options),
        memory_(region_sizes(data(bytes), bytes.size())),
        executor_(load_plan(data(bytes), bytes.size(), table, memory_.regions)) {}

  void run() {
    fill_regions();
    fill_columns();
    prepare_job();
    check_job(executor_.plan(), job_);
    ThreadPool pool(options_.threads);
    Workspace workspace = make_workspace();
    std::atomic<bool> cancelled{false};
    RunResult result = executor_.run(job_, {&pool, workspace.get()}, cancelled);
    print(result);
  }

 private:
  static const uint8_t* data(const std::string& bytes) {
    return reinterpret_cast<const uint8_t*>(bytes.data());
  }

  void fill_regions() {
    int64_t size = static_cast<int64_t>(memory_.block(0).size());
    fill(0, options_.state.empty() ? random_floats(size, -.1f, .1f) : read_floats(options_.state));
    std::vector<float>& scratch = memory_.block(kRegionCount - 1);
    std::fill(scratch.begin(), scratch.end(), 1.0f);
    if (!options_.scratch.empty()) fill(kRegionCount - 1, read_floats(options_.scratch));
  }

  void fill(int region, const std::vector<float>& values) {
    std::vector<float>& block = memory_.block(region);
    std::copy_n(values.begin(), std::min(values.size(), block.size()), block.begin());
  }

  void fill_columns() {
    const Plan& plan = executor_.plan();
    job_.batch_size = options_.batch ? options_.batch : plan.capacity;
    job_.epoch_rows = options_.rows ? options_.rows : 4 * job_.batch_size;
    for (size_t i = 0; i < plan.inputs.size(); i++) {
      int64_t size = plan.inputs[i].buffer.size;
      bool given = i < options_.columns.size();
      columns_.push_back(given ? read_floats(options_.columns[i])
                               : random_floats(job_.epoch_rows * size, 0, 1));
      int64_t length = static_cast<int64_t>(columns_.back().size());
      if (given && i == 0 && !options_.rows) job_.epoch_rows = length / size;
    }
    for (const std::vector<float>& column : columns_) {
      job_.columns.push_back(
          {column.data(), static_cast<int64_t>(column.size()), ElementType::kFloat32, 1, 0});
    }
  }

  void prepare_job() {
    job_.epochs = options_.epochs;
    job_.learning_rates = &options_.rate;
    job_.learning_rate_count = 1;
    job_.seed[0] = 1;
    job_.budget = std::numeric_limits<double>::infinity();
    job_.stop_below = std::numeric_limits<double>::quiet_NaN();
    int64_t steps = Cursor(job_).steps();
    for (const Port& port : executor_.plan().outputs) {
      int64_t times = port.buffer.batched ? job_.epochs * job_.epoch_rows : steps;
      outputs_.emplace_back(static_cast<size_t>(times * port.buffer.size));
    }
    for (std::vector<float>& output : outputs_) {
      job_.outputs.push_back({output.data(), static_cast<int64_t>(output.size())});
    }
  }

  void print(const RunResult& result) {
    const Plan& plan = executor_.plan();
    for (int64_t step = 0; step < result.steps; step++) {
      std::printf("step %" PRId64, step);
      for (size_t i = 0; i < plan.outputs.size(); i++) {
        const Operand& buffer = plan.outputs[i].buffer;
        if (buffer.batched || buffer.size > 8) continue;
        std::printf("  %s", plan.outputs[i].name.c_str());
        for (int64_t k = 0; k < buffer.size; k++) {
          std::printf(" %.9g", outputs_[i][static_cast<size_t>(step * buffer.size + k)]);
        }
      }
      std::printf("\n");
    }
    std::printf("%s after %" PRId64 " steps, state %016" PRIx64 "\n", reason_name(result.reason),
                result.steps, hash(memory_.block(0)));
  }

  const Options& options_;
  Memory memory_;
  Executor executor_;
  Job job_;
  std::vector<std::vector<float>> columns_;
  std::vector<std::vector<float>> outputs_;
};

const KernelTable& chosen_table(const Options& options) {
  if (options.isa.empty()) return default_table();
  const KernelTable* table = find_table(options.isa);
  if (!table) throw std::invalid_argument("--isa must be one of " + usable_names());
  return *table;
}

}  // namespace
}  // namespace myelin::test

int main(int count, char** arguments) {
  using namespace myelin::test;
  try {
    Options options = parse(count, arguments);
    Replay(options, read(options.plan), chosen_table(options)).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "replay: %s\n", error.what());
    return 1;
  }
}
