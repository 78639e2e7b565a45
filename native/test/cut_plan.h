// Plans of which matrices can be cut in pieces of columns.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "column_pieces.h"
#include "dense_plan.h"
#include "dispatch.h"
#include "support.h"

namespace myelin::test {

constexpr uint32_t kBatch = 80, kRows = 128, kColumns = 128;

inline DenseNetwork network(const std::string& optimizer) {
  DenseNetwork net;
  net.widths = {kRows, kColumns, kColumns, 10};
  net.functions = {"tanh", "relu", "linear"};
  net.capacity = kBatch;
  net.optimizer = optimizer;
  net.fused = !optimizer.empty();
  if (optimizer == "adam") {
    net.slots = 2;
    net.optimizer_attributes = {0.9, 0.999, 1e-7};
  }
  return net;
}

// A plan of the fastest ISA, and numbers that tell elements apart.
struct Fixture {
  explicit Fixture(const PlanSpec& spec, const KernelTable& table = *usable_tables().front())
      : bytes(encode(spec)),
        memory(region_sizes(bytes.data(), bytes.size())),
        plan(load_plan(bytes.data(), bytes.size(), table, memory.regions)) {
    for (int region : {0, 1}) {
      std::vector<float>& block = memory.block(region);
      for (size_t i = 0; i < block.size(); i++) {
        block[i] = static_cast<float>(i * 2654435761u % 65536) / 65536.0f * 0.1f +
                   (region == 0 ? -0.05f : 0.01f);
      }
    }
  }

  std::vector<uint8_t> bytes;
  Memory memory;
  Plan plan;
};

inline std::vector<int32_t> parts_of(const Plan& plan, int32_t parts) {
  return std::vector<int32_t>(plan.instructions.size(), parts);
}

struct Cutting {
  explicit Cutting(Fixture& fixture, int threads = 2)
      : pool(threads),
        workspace(make_workspace()),
        lease(pool),
        columns(fixture.plan),
        residence(columns, lease, workspace.get()) {}

  ThreadPool pool;
  Workspace workspace;
  ThreadPool::Lease lease;
  ColumnPieces columns;
  ColumnPieces::Residence residence;
};

}  // namespace myelin::test
