// Which of a plan's matrices may lie in pieces of columns: those that nothing but kernels that take
// pieces touches.
#pragma once
#include <cstdint>
#include <vector>

#include "plan.h"

namespace myelin {

// An operand that names a matrix, and its instruction.
struct MatrixUse {
  size_t instruction;
  Operand* operand;
};

// Matrices that are laid out alike.
struct MatrixGroup {
  int64_t columns;
  std::vector<MatrixUse> uses;
  int64_t pieces = 0;  // 0: whole
};

// A layer's kernel and the optimizer's slots.
struct LayerMatrices : MatrixGroup {
  int64_t rows;
  std::vector<float*> matrices;
};

std::vector<LayerMatrices> find_layer_matrices(Plan& plan);

// What layers compute for each sample: an output, or a gradient together with what it is multiplied
// by.
std::vector<MatrixGroup> find_layer_values(Plan& plan);

}  // namespace myelin
