#include "runner.h"

#include <limits>
#include <stdexcept>

#include "dispatch.h"

namespace myelin::bench {

Operand matrix(float* data, int64_t rows, int64_t columns) {
  return {data, rows * columns, {rows, columns}, 2, false};
}

Instruction make_instruction(const KernelTable& table, const std::string& name,
                             const std::string& function, const std::vector<double>& attributes,
                             const std::vector<Operand>& inputs,
                             const std::vector<Operand>& outputs) {
  Instruction instruction{};
  for (int i = 0; i < table.count; i++) {
    if (name == table.kernels[i].name) instruction.kernel = &table.kernels[i];
  }
  if (!instruction.kernel) throw std::runtime_error("there is no kernel " + name);
  for (const Operand& x : inputs) instruction.inputs[instruction.input_count++] = x;
  for (const Operand& y : outputs) instruction.outputs[instruction.output_count++] = y;
  if (!function.empty()) {
    int index = 0;
    const char* const* names = instruction.kernel->functions;
    while (names[index] && function != names[index]) index++;
    if (!names[index]) throw std::runtime_error(name + " has no function " + function);
    instruction.attributes[instruction.attribute_count++] = index;
  }
  for (double value : attributes) instruction.attributes[instruction.attribute_count++] = value;
  if (const char* wrong = instruction.kernel->check(instruction)) {
    throw std::runtime_error(name + ": " + wrong);
  }
  return instruction;
}

namespace {

bool same(const Operand& a, const Operand& b) {
  return a.data == b.data && a.size == b.size && a.shape[0] == b.shape[0];
}

bool same(const Instruction& a, const Instruction& b) {
  if (a.kernel != b.kernel || a.attributes[0] != b.attributes[0]) return false;
  for (int i = 0; i < a.input_count; i++) {
    if (!same(a.inputs[i], b.inputs[i])) return false;
  }
  return same(a.outputs[0], b.outputs[0]);
}

}  // namespace

void InstructionRunner::run(const Instruction& instruction, int threads, int64_t calls) {
  static const std::atomic<bool> never{false};
  const float learning_rate = 1e-3f;
  const bool known =
      executor_ && threads == threads_ && same(executor_->plan().instructions[0], instruction);
  if (!known) {
    pool_.set_threads(threads);
    threads_ = threads;
    executor_ = std::make_unique<Executor>(Plan{&default_table(), 1, {}, {}, {instruction}});
  }
  Job job;
  job.epoch_rows = job.batch_size = 1;
  job.epochs = calls;
  job.learning_rates = &learning_rate;
  job.learning_rate_count = 1;
  job.budget = std::numeric_limits<double>::infinity();
  job.stop_below = std::numeric_limits<double>::quiet_NaN();
  executor_->run(job, {&pool_, workspace_.get()}, never);
}

}  // namespace myelin::bench
