// What a kernel is: the contract between the plan loader, the executor and kernels/.
#pragma once
#include <cstdint>
#include <limits>

#include "philox.h"

namespace myelin {

constexpr int kMaxRank = 8;
constexpr int kMaxInputs = 10;
constexpr int kMaxOutputs = 8;
constexpr int kMaxAttributes = 16;

// Floats of private working memory that every thread has for packing.
constexpr int64_t kWorkspaceFloats = 512 * 1024;

// A bound on magnitudes that nobody has looked at.
constexpr double kUnknownLargest = std::numeric_limits<double>::infinity();

// A plan's buffer, resolved to memory. `size` counts elements of one sample where `batched`
// (the batch leads and is not in `shape`), of the whole otherwise.
struct Operand {
  float* data;
  int64_t size;
  int64_t shape[kMaxRank];
  int32_t rank;
  bool batched;
  // Not 0: a matrix in pieces of so many columns, one after the other; see column_pieces.h.
  int64_t piece = 0;
  // No element is of larger magnitude, as far as is known without a look: of data, when a run
  // began.
  double largest = kUnknownLargest;

  int64_t elements(int64_t batch) const { return batched ? size * batch : size; }
  int64_t last() const { return rank ? shape[rank - 1] : 1; }
  // Rows of `last()` elements.
  int64_t rows(int64_t batch) const { return last() ? elements(batch) / last() : 0; }
};

struct Kernel;

struct Instruction {
  const Kernel* kernel;
  int32_t input_count;
  int32_t output_count;
  int32_t attribute_count;
  int32_t pieces;  // of each matrix that is in pieces, and parts it is then run in; 0: none is
  Operand inputs[kMaxInputs];
  Operand outputs[kMaxOutputs];
  // In the order in which the op declares them; a function's name is its index in
  // `Kernel::functions`.
  double attributes[kMaxAttributes];
};

// What differs from step to step.
struct StepContext {
  int64_t batch;  // samples in this step
  uint64_t step;  // optimizer steps done before this one, over the network's life
  float learning_rate;
  uint32_t seed[2];
  float* workspace;  // kWorkspaceFloats of this thread's own
  bool* failed;      // set by `guard`: the step ends before any state is written
};

struct Kernel {
  const char* name;
  // Accepted values of the text attribute (always the first one), ended by null; null: none.
  const char* const* functions;
  // At load: null, or what is wrong with the operands' shapes or the attributes.
  const char* (*check)(const Instruction&);
  // Elementary operations of a step, from which the executor decides on threads; null: one per
  // output element.
  int64_t (*work)(const Instruction&, int64_t batch);
  // The most parts into which outputs can be divided; null: only 1 (never divided).
  int64_t (*parts)(const Instruction&, int64_t batch);
  // Computes part `part` of `parts`: disjoint outputs, the same bits for any division.
  void (*run)(const Instruction&, const StepContext&, int64_t part, int64_t parts);
  // Whether an operand of the instruction may be in pieces of columns, as many as there are parts;
  // null: none may. Each part writes the piece of its number.
  bool (*takes_pieces)(const Instruction&, const Operand&, int64_t batch) = nullptr;
};

// What a kernel for a whole plan is chosen by.
struct PlanView {
  int64_t capacity;
  const Instruction* instructions;
  int count;
  const Operand* inputs;  // of the plan
  int input_count;
  const Operand* outputs;
  int output_count;
};

// Steps one after the other, whose rows a plan kernel reads where they lie. Like a job's, an
// epoch's last one may have fewer rows than the others.
struct Steps {
  int64_t count;
  int64_t batch_size;
  int64_t epoch_rows;
  int64_t row;                 // of the epoch, at which the first step begins
  const uint32_t* order;       // the rows to read, from the first step's on; null: as they lie
  const float* const* inputs;  // the plan's, from row 0 on
  int64_t last_row;            // that all of them have; `order` may be written to during a run
  const float* learning_rates;
  bool constant_rate;  // one for all steps
  float* losses;       // one for each step; null: not wanted
};

// Does all that a plan's instructions do in a step, on memory of its own: an object of `bytes`
// bytes on a 64 byte boundary, zeros before `build`.
struct PlanKernel {
  // 0: this is not its kind of plan.
  int64_t (*bytes)(const PlanView&);
  void (*build)(const PlanView&, void* self);
  // Copies the state that steps change from the plan's memory, and back.
  void (*load)(void* self);
  // Returns the steps done: all, or those before one that is not finite, which sets `failed`. The
  // context is the first step's, but for batch and learning rate, which `Steps` says.
  int64_t (*run)(void* self, const StepContext&, const Steps&);
  void (*store)(void* self);
};

// Writes the words of `blocks` blocks, of which the counters differ in their lower 32 bits only;
// `blocks` is a multiple of the vector width.
using RandomWords = void (*)(const PhiloxPosition&, uint32_t* out, int64_t blocks);

// One ISA variant: all kernels compiled for it.
struct KernelTable {
  const char* isa;
  int vector_width;  // floats
  const Kernel* kernels;
  int count;
  const PlanKernel* plan_kernels = nullptr;  // those that are tried first come first
  int plan_kernel_count = 0;
  RandomWords random_words = nullptr;
  float (*largest)(const float* x, int64_t n) = nullptr;  // magnitude; NaN where one is not finite
};

}  // namespace myelin
