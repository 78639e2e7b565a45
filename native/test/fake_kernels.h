// Kernels whose effects a test can predict.
#pragma once
#include <cmath>

#include "kernel.h"

namespace myelin::test {

inline const char* check_copy(const Instruction& in) {
  if (in.input_count != 1 || in.output_count != 1) return "1 input and 1 output are expected";
  if (in.inputs[0].size != in.outputs[0].size) return "the output must be as large as the input";
  if (in.inputs[0].batched && !in.outputs[0].batched) return "the output must be batched";
  return nullptr;
}

inline int64_t output_elements(const Instruction& in, int64_t batch) {
  return in.outputs[0].elements(batch);
}

// y = x + (attribute 1)
inline void run_add(const Instruction& in, const StepContext& context, int64_t part,
                    int64_t parts) {
  int64_t count = in.outputs[0].elements(context.batch);
  for (int64_t i = count * part / parts; i < count * (part + 1) / parts; i++) {
    in.outputs[0].data[i] = in.inputs[0].data[i] + static_cast<float>(in.attributes[1]);
  }
}

inline const char* check_scalar_output(const Instruction& in) {
  return in.output_count == 1 && in.outputs[0].size == 1 ? nullptr : "expected one scalar";
}

// Counts steps, weighted by the learning rate.
inline void run_count(const Instruction& in, const StepContext& context, int64_t, int64_t) {
  in.outputs[0].data[0] += context.learning_rate;
}

// The step's number, as `counter` has it.
inline void run_clock(const Instruction& in, const StepContext& context, int64_t, int64_t) {
  in.outputs[0].data[0] = static_cast<float>(context.step);
}

// What is known of an input without a look.
inline void run_known(const Instruction& in, const StepContext&, int64_t, int64_t) {
  in.outputs[0].data[0] = static_cast<float>(in.inputs[0].largest);
}

inline const char* check_input(const Instruction& in) {
  return in.input_count == 1 && in.output_count == 0 ? nullptr : "expected one input";
}

inline void run_guard(const Instruction& in, const StepContext& context, int64_t, int64_t) {
  if (!std::isfinite(in.inputs[0].data[0])) *context.failed = true;
}

inline constexpr const char* kAddFunctions[] = {"plus", "minus", nullptr};
inline constexpr Kernel kFakeKernels[] = {
    {"add", kAddFunctions, check_copy, nullptr, output_elements, run_add},
    {"count", nullptr, check_scalar_output, nullptr, nullptr, run_count},
    {"clock", nullptr, check_scalar_output, nullptr, nullptr, run_clock},
    {"guard", nullptr, check_input, nullptr, nullptr, run_guard},
    {"known", nullptr, check_scalar_output, nullptr, nullptr, run_known},
};
inline constexpr KernelTable kFakeTable = {"fake", 1, kFakeKernels, 5};

}  // namespace myelin::test
