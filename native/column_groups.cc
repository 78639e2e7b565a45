#include "column_groups.h"

#include <algorithm>

namespace myelin {
namespace {

// Kernels divide narrower matrices by rows: `owns_columns` in kernels/common.h.
constexpr int64_t kFewestColumns = 64;
// Smaller ones are not worth moving.
constexpr int64_t kSmallest = 16 * 1024;

// Where a fully connected layer's instructions read its kernel, and where its gradient by the
// input, alone of them, a value of each sample that lies like the output.
constexpr int kKernelInput = 1, kSavedInput = 2;

bool is_matrix(const Operand& x) { return x.rank == 2 && !x.batched; }

bool overlap(const Operand& x, int64_t capacity, const float* data, int64_t size) {
  return x.data < data + size && data < x.data + x.elements(capacity);
}

bool reads(const Instruction& instruction, const float* matrix) {
  const auto is_it = [matrix](const Operand& x) { return x.data == matrix; };
  return std::any_of(instruction.inputs, instruction.inputs + instruction.input_count, is_it);
}

// Whether the first output is one of the inputs, changed in place.
bool updates(const Instruction& instruction) {
  return instruction.output_count > 0 && reads(instruction, instruction.outputs[0].data);
}

// False: something touches a matrix that cannot have it cut. One instruction may write to the
// matrices, and others may read them as a layer's kernel.
bool find_layer_uses(Plan& plan, LayerMatrices& layer) {
  int64_t size = layer.rows * layer.columns;
  bool fit = true;
  // Whether the operand lies where a matrix does.
  const auto visit = [&](size_t instruction, Operand& operand) {
    bool names = false;
    for (const float* matrix : layer.matrices) {
      if (!overlap(operand, plan.capacity, matrix, size)) continue;
      names = true;
      fit = fit && operand.data == matrix && is_matrix(operand) && operand.shape[0] == layer.rows &&
            operand.shape[1] == layer.columns;
    }
    if (names) layer.uses.push_back({instruction, &operand});
    return names;
  };
  int writers = 0;
  for (size_t i = 0; i < plan.instructions.size(); i++) {
    Instruction& instruction = plan.instructions[i];
    int read = 0, written = 0;
    for (int j = 0; j < instruction.input_count; j++) read += visit(i, instruction.inputs[j]);
    for (int j = 0; j < instruction.output_count; j++) written += visit(i, instruction.outputs[j]);
    if (read + written == 0) continue;
    writers += written > 0;
    bool as_kernel = read == 1 && layer.uses.back().operand == &instruction.inputs[kKernelInput];
    fit = fit && instruction.kernel->takes_pieces && (written > 0 || as_kernel);
  }
  for (Port& output : plan.outputs) fit = fit && !visit(0, output.buffer);
  return fit && writers == 1;
}

// The operand that was written last, before an instruction and in the same step, of those that have
// something of this one's memory; null: none.
const Operand* writer_before(const Plan& plan, size_t instruction, const Operand& operand) {
  while (instruction-- > 0) {
    const Instruction& before = plan.instructions[instruction];
    for (const Operand* output = before.outputs; output < before.outputs + before.output_count;
         output++) {
      if (overlap(*output, plan.capacity, operand.data, operand.elements(plan.capacity))) {
        return output;
      }
    }
  }
  return nullptr;
}

// False: something reads the value that cannot have it cut, or that may be. Its memory may be that
// of other values too.
bool find_value_uses(Plan& plan, MatrixGroup& value) {
  const Operand& written = *value.uses.front().operand;
  const int64_t size = written.elements(plan.capacity);
  const auto is_same = [&](const Operand& operand, const Operand& other) {
    return operand.data == other.data && operand.size == other.size &&
           operand.batched == other.batched;
  };
  for (size_t i = 0; i < plan.instructions.size(); i++) {
    Instruction& instruction = plan.instructions[i];
    for (int j = 0; j < instruction.input_count; j++) {
      Operand& input = instruction.inputs[j];
      if (!overlap(input, plan.capacity, written.data, size)) continue;
      const Operand* source = writer_before(plan, i, input);
      if (!source || !is_same(input, *source)) return false;
      if (source != &written) continue;
      if (!instruction.kernel->takes_pieces || input.last() != value.columns) return false;
      value.uses.push_back({i, &input});
    }
  }
  const auto shows = [&](const Port& output) {
    return overlap(output.buffer, plan.capacity, written.data, size);
  };
  return std::none_of(plan.outputs.begin(), plan.outputs.end(), shows);
}

// Puts what an instruction saves for a gradient into one group with the gradient, since they must
// lie alike; where only one of them may be cut, none is.
void join_saved(const Plan& plan, std::vector<MatrixGroup>& values) {
  const auto group_of = [&](const Operand* operand) {
    return std::find_if(values.begin(), values.end(), [operand](const MatrixGroup& group) {
      return std::any_of(group.uses.begin(), group.uses.end(),
                         [operand](const MatrixUse& use) { return use.operand == operand; });
    });
  };
  for (const Instruction& instruction : plan.instructions) {
    if (!instruction.kernel->takes_pieces || instruction.input_count <= kSavedInput) continue;
    if (!instruction.inputs[kSavedInput].batched) continue;
    const auto saved = group_of(&instruction.inputs[kSavedInput]);
    const auto gradient = group_of(&instruction.outputs[0]);
    if (saved == gradient) continue;
    if (saved != values.end() && gradient != values.end()) {
      saved->uses.insert(saved->uses.end(), gradient->uses.begin(), gradient->uses.end());
    } else if (saved != values.end()) {
      values.erase(saved);
      continue;
    }
    values.erase(gradient);
  }
}

}  // namespace

std::vector<LayerMatrices> find_layer_matrices(Plan& plan) {
  std::vector<LayerMatrices> layers;
  for (const Instruction& instruction : plan.instructions) {
    const Operand& kernel = instruction.outputs[0];
    if (!instruction.kernel->takes_pieces || !is_matrix(kernel) || !updates(instruction)) continue;
    if (kernel.shape[1] < kFewestColumns || kernel.size < kSmallest) continue;
    LayerMatrices layer{{kernel.shape[1], {}}, kernel.shape[0], {}};
    for (int i = 0; i < instruction.output_count; i++) {
      if (is_matrix(instruction.outputs[i])) layer.matrices.push_back(instruction.outputs[i].data);
    }
    if (find_layer_uses(plan, layer)) layers.push_back(std::move(layer));
  }
  return layers;
}

std::vector<MatrixGroup> find_layer_values(Plan& plan) {
  std::vector<MatrixGroup> values;
  for (size_t i = 0; i < plan.instructions.size(); i++) {
    Instruction& instruction = plan.instructions[i];
    Operand& output = instruction.outputs[0];
    if (!instruction.kernel->takes_pieces || instruction.output_count != 1) continue;
    if (!output.batched || output.last() < kFewestColumns) continue;
    MatrixGroup value{output.last(), {{i, &output}}};
    if (find_value_uses(plan, value)) values.push_back(std::move(value));
  }
  join_saved(plan, values);
  return values;
}

}  // namespace myelin
