// Decodes and validates an encoded plan: the trust boundary. Whatever the bytes are, a plan that
// comes out of here touches no memory outside its regions, so that the step loop need not check.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernel.h"

namespace myelin {

constexpr int kRegionCount = 5;
constexpr int kInputRegion = 3;
extern const char* const kRegionNames[kRegionCount];

// Memory of one region; `size` counts floats.
struct Region {
  float* data;
  int64_t size;
};

using Regions = std::array<Region, kRegionCount>;

// A named input or output of a plan.
struct Port {
  std::string name;
  Operand buffer;
};

struct Plan {
  const KernelTable* table;  // whose kernels the instructions are bound to
  int64_t capacity;          // the most samples in a step
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  std::vector<Instruction> instructions;
};

// Says where the plan is wrong, what was expected and what came: "plan refused: ...".
class PlanError : public std::runtime_error {
 public:
  explicit PlanError(const std::string& what) : std::runtime_error("plan refused: " + what) {}
};

// The sizes in floats that a plan asks of its regions. Throws PlanError.
std::array<int64_t, kRegionCount> region_sizes(const uint8_t* bytes, size_t length);

// Decodes a plan and binds it to kernels and memory. Throws PlanError.
Plan load_plan(const uint8_t* bytes, size_t length, const KernelTable& table,
               const Regions& regions);

}  // namespace myelin
