#include "column_pieces.h"

#include <algorithm>
#include <cstring>

namespace myelin {
namespace {

// Kernels divide narrower matrices by rows: `owns_columns` in kernels/common.h.
constexpr int64_t kFewestColumns = 64;
// Smaller ones are not worth moving.
constexpr int64_t kSmallest = 16 * 1024;
// A piece is whole vectors of every ISA, whole cache lines, and whole units of depth of matrix
// units: sums along pieces are then those along the whole.
constexpr int64_t kUnit = 32;

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

// A matrix of `rows` times `pieces` blocks, each `length` floats: whole, block p of row r comes at
// r * pieces + p; cut, at p * rows + r.
struct Blocks {
  int64_t rows, pieces, length;
  bool cutting;

  // Whether the memory of a thread has room for what `move` needs.
  bool fit() const {
    return length + rows * pieces / static_cast<int64_t>(sizeof(float)) < kWorkspaceFloats;
  }

  // Where the block comes from that goes to `place`.
  int64_t source(int64_t place) const {
    int64_t a = cutting ? rows : pieces, b = cutting ? pieces : rows;
    return place % a * b + place / a;
  }

  // Moves all blocks in place, along the cycles of the permutation.
  void move(float* data, float* workspace) const {
    size_t bytes = static_cast<size_t>(length) * sizeof(float);
    float* first = workspace;
    auto* moved = reinterpret_cast<unsigned char*>(workspace + length);
    std::memset(moved, 0, static_cast<size_t>(rows * pieces));
    for (int64_t start = 0; start < rows * pieces; start++) {
      if (moved[start] || source(start) == start) continue;
      std::memcpy(first, data + start * length, bytes);
      int64_t to = start;
      for (int64_t from = source(to); from != start; to = from, from = source(to)) {
        std::memcpy(data + to * length, data + from * length, bytes);
        moved[to] = 1;
      }
      std::memcpy(data + to * length, first, bytes);
      moved[to] = 1;
    }
  }
};

}  // namespace

ColumnPieces::ColumnPieces(Plan& plan) : plan_(plan) {
  find_layers();
  find_values();
  join_saved();
}

void ColumnPieces::find_layers() {
  for (const Instruction& instruction : plan_.instructions) {
    const Operand& kernel = instruction.outputs[0];
    if (!instruction.kernel->takes_pieces || !is_matrix(kernel) || !updates(instruction)) continue;
    if (kernel.shape[1] < kFewestColumns || kernel.size < kSmallest) continue;
    Layer layer{{kernel.shape[1], {}}, kernel.shape[0], {}};
    for (int i = 0; i < instruction.output_count; i++) {
      if (is_matrix(instruction.outputs[i])) layer.matrices.push_back(instruction.outputs[i].data);
    }
    if (!find_users(layer)) continue;
    size_ += kernel.size * static_cast<int64_t>(layer.matrices.size());
    layers_.push_back(std::move(layer));
  }
}

// False: something touches a matrix that cannot have it cut. One instruction may write to the
// matrices, and others may read them as a layer's kernel.
bool ColumnPieces::find_users(Layer& layer) {
  int64_t size = layer.rows * layer.columns;
  bool fit = true;
  // Whether the operand lies where a matrix does.
  const auto visit = [&](size_t instruction, Operand& operand) {
    bool names = false;
    for (const float* matrix : layer.matrices) {
      if (!overlap(operand, plan_.capacity, matrix, size)) continue;
      names = true;
      fit = fit && operand.data == matrix && is_matrix(operand) && operand.shape[0] == layer.rows &&
            operand.shape[1] == layer.columns;
    }
    if (names) layer.uses.push_back({instruction, &operand});
    return names;
  };
  int writers = 0;
  for (size_t i = 0; i < plan_.instructions.size(); i++) {
    Instruction& instruction = plan_.instructions[i];
    int read = 0, written = 0;
    for (int j = 0; j < instruction.input_count; j++) read += visit(i, instruction.inputs[j]);
    for (int j = 0; j < instruction.output_count; j++) written += visit(i, instruction.outputs[j]);
    if (read + written == 0) continue;
    writers += written > 0;
    bool as_kernel = read == 1 && layer.uses.back().operand == &instruction.inputs[kKernelInput];
    fit = fit && instruction.kernel->takes_pieces && (written > 0 || as_kernel);
  }
  for (Port& output : plan_.outputs) fit = fit && !visit(0, output.buffer);
  return fit && writers == 1;
}

// What layers compute for each sample.
void ColumnPieces::find_values() {
  for (size_t i = 0; i < plan_.instructions.size() && !layers_.empty(); i++) {
    Instruction& instruction = plan_.instructions[i];
    Operand& output = instruction.outputs[0];
    if (!instruction.kernel->takes_pieces || instruction.output_count != 1) continue;
    if (!output.batched || output.last() < kFewestColumns) continue;
    Group value{output.last(), {{i, &output}}};
    if (find_users(value)) values_.push_back(std::move(value));
  }
}

// The operand that was written last, before an instruction and in the same step, of those that have
// something of this one's memory; null: none.
const Operand* ColumnPieces::writer_before(size_t instruction, const Operand& operand) const {
  while (instruction-- > 0) {
    const Instruction& before = plan_.instructions[instruction];
    for (const Operand* output = before.outputs; output < before.outputs + before.output_count;
         output++) {
      if (overlap(*output, plan_.capacity, operand.data, operand.elements(plan_.capacity))) {
        return output;
      }
    }
  }
  return nullptr;
}

// False: something reads the value that cannot have it cut, or it may be so. Its memory may be
// that of other values too.
bool ColumnPieces::find_users(Group& value) {
  const Operand& written = *value.uses.front().operand;
  const int64_t size = written.elements(plan_.capacity);
  const auto is_same = [&](const Operand& operand, const Operand& other) {
    return operand.data == other.data && operand.size == other.size &&
           operand.batched == other.batched;
  };
  for (size_t i = 0; i < plan_.instructions.size(); i++) {
    Instruction& instruction = plan_.instructions[i];
    for (int j = 0; j < instruction.input_count; j++) {
      Operand& input = instruction.inputs[j];
      if (!overlap(input, plan_.capacity, written.data, size)) continue;
      const Operand* source = writer_before(i, input);
      if (!source || !is_same(input, *source)) return false;
      if (source != &written) continue;
      if (!instruction.kernel->takes_pieces || input.last() != value.columns) return false;
      value.uses.push_back({i, &input});
    }
  }
  const auto shows = [&](const Port& output) {
    return overlap(output.buffer, plan_.capacity, written.data, size);
  };
  return std::none_of(plan_.outputs.begin(), plan_.outputs.end(), shows);
}

// Puts what an instruction saves for a gradient into one group with the gradient, since they must
// lie alike; where only one of them may be cut, none is.
void ColumnPieces::join_saved() {
  const auto group_of = [&](const Operand* operand) {
    return std::find_if(values_.begin(), values_.end(), [operand](const Group& group) {
      return std::any_of(group.uses.begin(), group.uses.end(),
                         [operand](const Use& use) { return use.operand == operand; });
    });
  };
  for (const Instruction& instruction : plan_.instructions) {
    if (!instruction.kernel->takes_pieces || instruction.input_count <= kSavedInput) continue;
    if (!instruction.inputs[kSavedInput].batched) continue;
    const auto saved = group_of(&instruction.inputs[kSavedInput]);
    const auto gradient = group_of(&instruction.outputs[0]);
    if (saved == gradient) continue;
    if (saved != values_.end() && gradient != values_.end()) {
      saved->uses.insert(saved->uses.end(), gradient->uses.begin(), gradient->uses.end());
    } else if (saved != values_.end()) {
      values_.erase(saved);
      continue;
    }
    values_.erase(gradient);
  }
}

// As many pieces, all alike, as every user of the group has parts; 0: it stays whole.
int64_t ColumnPieces::pieces_of(const Group& group, const std::vector<int32_t>& parts,
                                const std::vector<int64_t>& batches) const {
  int64_t pieces = group.columns;
  for (const Use& use : group.uses) pieces = std::min<int64_t>(pieces, parts[use.instruction]);
  // Fewer pieces than parts would leave threads idle.
  if (pieces < 2 || group.columns % (pieces * kUnit) != 0) return 0;
  for (const Use& use : group.uses) {
    const Instruction& instruction = plan_.instructions[use.instruction];
    if (instruction.pieces != 0 && instruction.pieces != pieces) return 0;
    for (int64_t batch : batches) {
      if (!instruction.kernel->takes_pieces(instruction, *use.operand, batch)) return 0;
    }
  }
  return pieces;
}

// Tells a group's users how its matrices lie; 0: whole.
void ColumnPieces::cut(Group& group, int64_t pieces) {
  group.pieces = pieces;
  for (const Use& use : group.uses) {
    use.operand->piece = pieces > 0 ? group.columns / pieces : 0;
    plan_.instructions[use.instruction].pieces = static_cast<int32_t>(pieces);
  }
}

// A part of all matrices that are cut or put together.
void ColumnPieces::move_some(void* self, const void* cutting, int64_t part, int64_t parts,
                             float* workspace) {
  int64_t index = 0;
  for (const Layer& layer : static_cast<const ColumnPieces*>(self)->layers_) {
    if (layer.pieces == 0) continue;
    Blocks blocks{layer.rows, layer.pieces, layer.columns / layer.pieces,
                  *static_cast<const bool*>(cutting)};
    for (float* matrix : layer.matrices) {
      if (index++ % parts == part) blocks.move(matrix, workspace);
    }
  }
}

void ColumnPieces::Residence::move(bool cutting) {
  int64_t matrices = 0;
  for (const Layer& layer : columns_.layers_) {
    if (layer.pieces > 0) matrices += static_cast<int64_t>(layer.matrices.size());
  }
  if (matrices > 0) lease_.run(move_some, &columns_, &cutting, matrices, workspace_);
}

void ColumnPieces::Residence::cut(const std::vector<int32_t>& parts,
                                  const std::vector<int64_t>& batches) {
  if (cut_) return;
  cut_ = true;
  for (Layer& layer : columns_.layers_) {
    const int64_t pieces = columns_.pieces_of(layer, parts, batches);
    const Blocks blocks{layer.rows, pieces, pieces ? layer.columns / pieces : 0, true};
    if (pieces > 0 && blocks.fit()) columns_.cut(layer, pieces);
  }
  for (Group& value : columns_.values_) {
    const int64_t pieces = columns_.pieces_of(value, parts, batches);
    if (pieces > 0) columns_.cut(value, pieces);
  }
  move(true);
}

void ColumnPieces::Residence::join() {
  if (!cut_) return;
  cut_ = false;
  move(false);
  for (Layer& layer : columns_.layers_) columns_.cut(layer, 0);
  for (Group& value : columns_.values_) columns_.cut(value, 0);
}

}  // namespace myelin
