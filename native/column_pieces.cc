#include "column_pieces.h"

#include <algorithm>
#include <cstring>

namespace myelin {
namespace {

// A piece is whole vectors of every ISA, whole cache lines, and whole units of what is packed for a
// matrix unit, along k and across: sums along pieces are then those along the whole.
constexpr int64_t kUnit = 32;

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

ColumnPieces::ColumnPieces(Plan& plan) : plan_(plan), layers_(find_layer_matrices(plan)) {
  for (const LayerMatrices& layer : layers_) {
    size_ += layer.rows * layer.columns * static_cast<int64_t>(layer.matrices.size());
  }
  if (!layers_.empty()) values_ = find_layer_values(plan);
}

// As many pieces, all alike, as every user of the group has parts; 0: it stays whole.
int64_t ColumnPieces::pieces_of(const MatrixGroup& group, const std::vector<int32_t>& parts,
                                const std::vector<int64_t>& batches) const {
  int64_t pieces = group.columns;
  for (const MatrixUse& use : group.uses) {
    pieces = std::min<int64_t>(pieces, parts[use.instruction]);
  }
  // Fewer pieces than parts would leave threads idle.
  if (pieces < 2 || group.columns % (pieces * kUnit) != 0) return 0;
  for (const MatrixUse& use : group.uses) {
    const Instruction& instruction = plan_.instructions[use.instruction];
    if (instruction.pieces != 0 && instruction.pieces != pieces) return 0;
    for (int64_t batch : batches) {
      if (!instruction.kernel->takes_pieces(instruction, *use.operand, batch)) return 0;
    }
  }
  return pieces;
}

// Tells a group's users how its matrices lie; 0: whole.
void ColumnPieces::cut(MatrixGroup& group, int64_t pieces) {
  group.pieces = pieces;
  for (const MatrixUse& use : group.uses) {
    use.operand->piece = pieces > 0 ? group.columns / pieces : 0;
    plan_.instructions[use.instruction].pieces = static_cast<int32_t>(pieces);
  }
}

// A part of all matrices that are cut or put together.
void ColumnPieces::move_some(void* self, const void* cutting, int64_t part, int64_t parts,
                             float* workspace) {
  int64_t index = 0;
  for (const LayerMatrices& layer : static_cast<const ColumnPieces*>(self)->layers_) {
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
  for (const LayerMatrices& layer : columns_.layers_) {
    if (layer.pieces > 0) matrices += static_cast<int64_t>(layer.matrices.size());
  }
  if (matrices > 0) lease_.run(move_some, &columns_, &cutting, matrices, workspace_);
}

void ColumnPieces::Residence::cut(const std::vector<int32_t>& parts,
                                  const std::vector<int64_t>& batches) {
  if (cut_) return;
  cut_ = true;
  for (LayerMatrices& layer : columns_.layers_) {
    const int64_t pieces = columns_.pieces_of(layer, parts, batches);
    const Blocks blocks{layer.rows, pieces, pieces ? layer.columns / pieces : 0, true};
    if (pieces > 0 && blocks.fit()) columns_.cut(layer, pieces);
  }
  for (MatrixGroup& value : columns_.values_) {
    const int64_t pieces = columns_.pieces_of(value, parts, batches);
    if (pieces > 0) columns_.cut(value, pieces);
  }
  move(true);
}

void ColumnPieces::Residence::join() {
  if (!cut_) return;
  cut_ = false;
  move(false);
  for (LayerMatrices& layer : columns_.layers_) columns_.cut(layer, 0);
  for (MatrixGroup& value : columns_.values_) columns_.cut(value, 0);
}

}  // namespace myelin
