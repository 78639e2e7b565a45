// Runs one instruction over and over, as training runs its steps.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "executor.h"

namespace myelin::bench {

Operand matrix(float* data, int64_t rows, int64_t columns);

// An instruction of the kernel with this name and text attribute ("": it has none). Throws
// std::runtime_error where the kernel is not there or refuses its operands.
Instruction make_instruction(const KernelTable& table, const std::string& name,
                             const std::string& function, const std::vector<double>& attributes,
                             const std::vector<Operand>& inputs,
                             const std::vector<Operand>& outputs);

class InstructionRunner {
 public:
  InstructionRunner() : pool_(1), workspace_(make_workspace()) {}
  void run(const Instruction& instruction, int threads, int64_t calls);

 private:
  ThreadPool pool_;
  Workspace workspace_;
  // Kept while it runs the same: it learns whether dividing pays.
  std::unique_ptr<Executor> executor_;
  int threads_ = 0;
};

}  // namespace myelin::bench
