#include "input_places.h"

#include <algorithm>

namespace myelin {
namespace {

// Narrower rows are not worth it; and labels, which become places in memory, must not change
// between a kernel's check and its use, as the caller's data can.
constexpr int64_t kNarrow = 16;

bool overlap(const Operand& a, const Operand& b, int64_t capacity) {
  return a.data < b.data + b.elements(capacity) && b.data < a.data + a.elements(capacity);
}

}  // namespace

InputPlaces::InputPlaces(Plan& plan, bool movable) {
  for (Instruction& instruction : plan.instructions) {
    for (int i = 0; i < instruction.output_count; i++) {
      const Operand& output = instruction.outputs[i];
      written_.push_back({output.data, output.data + output.elements(plan.capacity)});
    }
  }
  for (const Port& port : plan.inputs) {
    const Operand& own = port.buffer;
    Input input{own.data, own.size, {}, movable && own.batched && own.size >= kNarrow};
    // What reads its memory must read the input as it is. Nothing writes there: see plan.cc.
    const auto visit = [&](Operand& operand) {
      if (!overlap(operand, own, plan.capacity)) return;
      const bool whole =
          operand.batched == own.batched && operand.data == own.data && operand.size == own.size;
      if (whole) input.readers.push_back(&operand);
      input.movable = input.movable && whole;
    };
    for (Instruction& instruction : plan.instructions) {
      for (int i = 0; i < instruction.input_count; i++) visit(instruction.inputs[i]);
    }
    for (Port& output : plan.outputs) visit(output.buffer);
    inputs_.push_back(std::move(input));
  }
}

InputPlaces::Reading::Reading(InputPlaces& places, const Job& job) : places_(places), job_(job) {
  for (size_t i = 0; i < places.inputs_.size(); i++) {
    Input& input = places.inputs_[i];
    const Column& column = job.columns[i];
    const auto* data = static_cast<const float*>(column.data);
    // Rows in order, as they are, that no step changes.
    input.in_place =
        input.movable && !job.indices && is_plain(column) &&
        std::none_of(places.written_.begin(), places.written_.end(), [&](const Stretch& stretch) {
          return stretch.overlaps(data, data + column.length);
        });
    input.bound(bound_of(column));
  }
}

InputPlaces::Reading::~Reading() {
  for (Input& input : places_.inputs_) {
    if (input.in_place) input.set(input.region);
    input.in_place = false;
    input.bound(kUnknownLargest);
  }
}

void InputPlaces::Reading::begin_step(int64_t row) {
  for (size_t i = 0; i < places_.inputs_.size(); i++) {
    const Input& input = places_.inputs_[i];
    if (!input.in_place) continue;
    // Instructions take pointers that they could write to, but not to their inputs.
    auto* data = const_cast<float*>(static_cast<const float*>(job_.columns[i].data));
    input.set(data + row * input.row_size);
  }
}

}  // namespace myelin
