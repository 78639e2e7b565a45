#include "plan.h"

#include <cmath>
#include <cstring>
#include <string_view>

#include "plan_reader.h"

namespace myelin {

const char* const kRegionNames[kRegionCount] = {"state", "slots", "gradient", "input", "scratch"};

namespace {

constexpr char kMagic[4] = {'M', 'Y', 'P', 'L'};
constexpr uint32_t kVersion = 1;
constexpr uint32_t kNumberTag = 0;
constexpr uint32_t kTextTag = 1;
// No buffer can be larger: region sizes are 32 bit.
constexpr int64_t kMaxElements = UINT32_MAX;

std::string region_name(uint32_t region) {
  return "region " + std::to_string(region) + " (" + kRegionNames[region] + ")";
}

// The memory that an operand can touch, [begin, end).
struct Extent {
  const float* begin;
  const float* end;

  bool overlaps(const Extent& other) const { return begin < other.end && other.begin < end; }
  bool operator==(const Extent&) const = default;
};

class Loader {
 public:
  Loader(const uint8_t* bytes, size_t length) : reader_(bytes, length) {}

  void header() {
    if (std::memcmp(reader_.take(4), kMagic, 4) != 0) {
      throw PlanError("not a plan: the first bytes must be \"MYPL\"");
    }
    uint32_t version = reader_.word();
    if (version != kVersion) {
      throw PlanError("version " + std::to_string(version) + ", expected " +
                      std::to_string(kVersion));
    }
    capacity_ = reader_.word();
    if (capacity_ == 0) throw PlanError("capacity must be at least 1, got 0");
    uint32_t count = reader_.word();
    if (count != kRegionCount) {
      throw PlanError(std::to_string(count) + " regions, expected " + std::to_string(kRegionCount));
    }
    for (int64_t& size : sizes_) size = reader_.word();
  }

  Plan body(const KernelTable& table, const Regions& regions) {
    bind(regions);
    Plan plan{};
    plan.table = &table;
    plan.capacity = capacity_;
    plan.inputs = ports("input");
    for (const Port& port : plan.inputs) check_input(port);
    plan.outputs = ports("output");
    uint32_t count = reader_.word();
    for (uint32_t i = 0; i < count; i++) {
      plan.instructions.push_back(instruction(i, table));
    }
    reader_.expect_end();
    return plan;
  }

  const std::array<int64_t, kRegionCount>& sizes() const { return sizes_; }

 private:
  void bind(const Regions& regions) {
    for (uint32_t i = 0; i < kRegionCount; i++) {
      if (regions[i].size < sizes_[i]) {
        throw PlanError(region_name(i) + " must have at least " + std::to_string(sizes_[i]) +
                        " elements, got " + std::to_string(regions[i].size));
      }
    }
    regions_ = &regions;
  }

  std::vector<Port> ports(const char* kind) {
    std::vector<Port> result;
    uint32_t count = reader_.word();
    for (uint32_t i = 0; i < count; i++) {
      std::string_view name = reader_.text();
      Operand buffer = operand(std::string(kind) + " " + quoted(name));
      result.push_back({std::string(name), buffer});
    }
    return result;
  }

  // The rows of the caller's columns are gathered there.
  void check_input(const Port& port) {
    if (!port.buffer.batched || !lies_in(port.buffer, kInputRegion)) {
      throw PlanError("input " + quoted(port.name) + ": must be batched and lie in " +
                      region_name(kInputRegion));
    }
  }

  bool lies_in(const Operand& operand, uint32_t region) const {
    const float* start = (*regions_)[region].data;
    return extent(operand).overlaps({start, start + sizes_[region]});
  }

  Operand operand(const std::string& where) {
    uint32_t region = reader_.word();
    if (region >= kRegionCount) {
      throw PlanError(where + ": region must be below " + std::to_string(kRegionCount) + ", got " +
                      std::to_string(region));
    }
    int64_t offset = reader_.word();
    uint32_t batched = reader_.word();
    if (batched > 1) {
      throw PlanError(where + ": batched must be 0 or 1, got " + std::to_string(batched));
    }
    uint32_t rank = reader_.word();
    if (rank > kMaxRank) {
      throw PlanError(where + ": rank must be at most " + std::to_string(kMaxRank) + ", got " +
                      std::to_string(rank));
    }
    Operand result{};
    result.rank = static_cast<int32_t>(rank);
    result.batched = batched == 1;
    result.size = 1;
    // Divided, not multiplied: the product of what a plan claims may overflow.
    int64_t most = kMaxElements / (result.batched ? capacity_ : 1);
    for (uint32_t i = 0; i < rank; i++) {
      int64_t length = reader_.word();
      if (length == 0) throw PlanError(where + ": axis " + std::to_string(i) + " has length 0");
      if (length > most / result.size) throw PlanError(where + ": shape is too large");
      result.shape[i] = length;
      result.size *= length;
    }
    int64_t end = offset + result.elements(capacity_);
    if (result.size > most || end > sizes_[region]) {
      throw PlanError(where + ": ends at element " + std::to_string(end) + " of " +
                      region_name(region) + ", which has " + std::to_string(sizes_[region]));
    }
    result.data = (*regions_)[region].data + offset;
    return result;
  }

  Instruction instruction(uint32_t index, const KernelTable& table) {
    std::string_view op = reader_.text();
    std::string where = "instruction " + std::to_string(index) + " (" + std::string(op) + ")";
    const Kernel* kernel = find_kernel(table, op);
    if (!kernel) {
      throw PlanError("instruction " + std::to_string(index) + ": unknown op " + quoted(op));
    }
    Instruction result{};
    result.kernel = kernel;
    result.input_count = count(where, "inputs", kMaxInputs);
    for (int32_t i = 0; i < result.input_count; i++) {
      result.inputs[i] = operand(where + ": input " + std::to_string(i));
    }
    result.output_count = count(where, "outputs", kMaxOutputs);
    for (int32_t i = 0; i < result.output_count; i++) {
      std::string which = where + ": output " + std::to_string(i);
      result.outputs[i] = operand(which);
      // A batch must survive its step: `step` may run on it again.
      if (lies_in(result.outputs[i], kInputRegion)) {
        throw PlanError(which + ": must not lie in " + region_name(kInputRegion));
      }
    }
    check_aliasing(where, result);
    attributes(where, result);
    const char* complaint = kernel->check ? kernel->check(result) : nullptr;
    if (complaint) throw PlanError(where + ": " + complaint);
    return result;
  }

  int32_t count(const std::string& where, const char* what, uint32_t most) {
    uint32_t value = reader_.word();
    if (value > most) {
      throw PlanError(where + ": at most " + std::to_string(most) + " " + what + ", got " +
                      std::to_string(value));
    }
    return static_cast<int32_t>(value);
  }

  // The text attribute comes first, and only where the kernel has functions.
  void attributes(const std::string& where, Instruction& instruction) {
    const char* const* functions = instruction.kernel->functions;
    instruction.attribute_count = count(where, "attributes", kMaxAttributes);
    if (functions && instruction.attribute_count == 0) {
      throw PlanError(where + ": a text attribute is expected first");
    }
    for (int32_t i = 0; i < instruction.attribute_count; i++) {
      std::string which = where + ": attribute " + std::to_string(i);
      uint32_t expected = functions && i == 0 ? kTextTag : kNumberTag;
      uint32_t tag = reader_.word();
      if (tag != expected) {
        throw PlanError(which + (expected == kTextTag ? " must be text" : " must be a number") +
                        ", got tag " + std::to_string(tag));
      }
      double value = tag == kTextTag ? function(which, functions) : reader_.number();
      if (std::isnan(value)) throw PlanError(which + " is not a number");
      instruction.attributes[i] = value;
    }
  }

  double function(const std::string& which, const char* const* functions) {
    std::string_view name = reader_.text();
    for (int i = 0; functions[i]; i++) {
      if (name == functions[i]) return i;
    }
    throw PlanError(which + ": unknown function " + quoted(name));
  }

  static const Kernel* find_kernel(const KernelTable& table, std::string_view name) {
    for (int i = 0; i < table.count; i++) {
      if (name == table.kernels[i].name) return &table.kernels[i];
    }
    return nullptr;
  }

  // An output may take the place of an input, whole; anything between is a planner's mistake that
  // would be silent.
  void check_aliasing(const std::string& where, const Instruction& instruction) {
    for (int32_t i = 0; i < instruction.output_count; i++) {
      Extent output = extent(instruction.outputs[i]);
      for (int32_t j = 0; j < instruction.input_count; j++) {
        Extent input = extent(instruction.inputs[j]);
        if (output.overlaps(input) && output != input) {
          throw PlanError(where + ": output " + std::to_string(i) + " overlaps part of input " +
                          std::to_string(j));
        }
      }
      for (int32_t j = 0; j < i; j++) {
        if (output.overlaps(extent(instruction.outputs[j]))) {
          throw PlanError(where + ": output " + std::to_string(i) + " overlaps output " +
                          std::to_string(j));
        }
      }
    }
  }

  Extent extent(const Operand& operand) const {
    return {operand.data, operand.data + operand.elements(capacity_)};
  }

  Reader reader_;
  int64_t capacity_ = 0;
  std::array<int64_t, kRegionCount> sizes_{};
  const Regions* regions_ = nullptr;
};

}  // namespace

std::array<int64_t, kRegionCount> region_sizes(const uint8_t* bytes, size_t length) {
  Loader loader(bytes, length);
  loader.header();
  return loader.sizes();
}

Plan load_plan(const uint8_t* bytes, size_t length, const KernelTable& table,
               const Regions& regions) {
  Loader loader(bytes, length);
  loader.header();
  return loader.body(table, regions);
}

}  // namespace myelin
