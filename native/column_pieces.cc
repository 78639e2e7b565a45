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

// Where a fully connected layer's instructions read its kernel.
constexpr int kKernelInput = 1;

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
  for (const Instruction& instruction : plan.instructions) {
    const Operand& kernel = instruction.outputs[0];
    if (!instruction.kernel->takes_pieces || !is_matrix(kernel) || !updates(instruction)) continue;
    if (kernel.shape[1] < kFewestColumns || kernel.size < kSmallest) continue;
    Layer layer{kernel.shape[0], kernel.shape[1], {}, {}, {}};
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
  const auto visit = [&](Operand& operand) {
    bool names = false;
    for (const float* matrix : layer.matrices) {
      if (!overlap(operand, plan_.capacity, matrix, size)) continue;
      names = true;
      fit = fit && operand.data == matrix && is_matrix(operand) && operand.shape[0] == layer.rows &&
            operand.shape[1] == layer.columns;
    }
    if (names) layer.operands.push_back(&operand);
    return names;
  };
  int writers = 0;
  for (size_t i = 0; i < plan_.instructions.size(); i++) {
    Instruction& instruction = plan_.instructions[i];
    int read = 0, written = 0;
    for (int j = 0; j < instruction.input_count; j++) read += visit(instruction.inputs[j]);
    for (int j = 0; j < instruction.output_count; j++) written += visit(instruction.outputs[j]);
    if (read + written == 0) continue;
    writers += written > 0;
    bool as_kernel = read == 1 && layer.operands.back() == &instruction.inputs[kKernelInput];
    fit = fit && instruction.kernel->takes_pieces && (written > 0 || as_kernel);
    layer.users.push_back(i);
  }
  for (Port& output : plan_.outputs) fit = fit && !visit(output.buffer);
  return fit && writers == 1;
}

// As many pieces, all alike, as every user of the layer has parts; 0: it stays whole.
int64_t ColumnPieces::pieces_of(const Layer& layer, const std::vector<int32_t>& parts,
                                const std::vector<int64_t>& batches) const {
  int64_t pieces = layer.columns;
  for (size_t user : layer.users) {
    pieces = std::min<int64_t>(pieces, parts[user]);
    const Instruction& instruction = plan_.instructions[user];
    for (int64_t batch : batches) {
      if (!instruction.kernel->takes_pieces(instruction, batch)) return 0;
    }
  }
  // Fewer pieces than parts would leave threads idle.
  if (pieces < 2 || layer.columns % (pieces * kUnit) != 0) return 0;
  return Blocks{layer.rows, pieces, layer.columns / pieces, true}.fit() ? pieces : 0;
}

// Tells the layer's users how its matrices lie.
void ColumnPieces::mark(const Layer& layer) {
  for (Operand* operand : layer.operands) {
    operand->piece = layer.pieces > 0 ? layer.columns / layer.pieces : 0;
  }
  for (size_t user : layer.users) {
    plan_.instructions[user].pieces = static_cast<int32_t>(layer.pieces);
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
    layer.pieces = columns_.pieces_of(layer, parts, batches);
    columns_.mark(layer);
  }
  move(true);
}

void ColumnPieces::Residence::join() {
  if (!cut_) return;
  cut_ = false;
  move(false);
  for (Layer& layer : columns_.layers_) {
    layer.pieces = 0;
    columns_.mark(layer);
  }
}

}  // namespace myelin
