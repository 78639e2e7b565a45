// How a plan's matrices lie while its steps are divided over threads: in pieces of columns, one for
// each thread.
#pragma once
#include <cstdint>
#include <vector>

#include "column_groups.h"
#include "thread_pool.h"

namespace myelin {

// A thread computes and updates some columns of a layer's kernel, and computes those columns of its
// output. In a row-major matrix they lie between those of the other threads, and a CPU that
// prefetches along a row takes lines that the next one is about to write: on some processors an
// update takes several times as long for that. So during a run each thread's columns are one
// stretch of memory.
//
// A layer's matrices, its kernel and the optimizer's slots, are cut where nothing but kernels that
// take pieces touches them. They change in place; until they are whole again, who else reads them
// finds their elements in another order. What a step computes anew is written in pieces, where
// those who read it take them.
class ColumnPieces {
 public:
  explicit ColumnPieces(Plan& plan);
  ColumnPieces(const ColumnPieces&) = delete;
  ColumnPieces& operator=(const ColumnPieces&) = delete;

  // Floats of all matrices of parameters that may be cut.
  int64_t size() const { return size_; }

  // During a run, on whose threads matrices are cut and put together; they are whole after it.
  class Residence {
   public:
    Residence(ColumnPieces& columns, ThreadPool::Lease& lease, float* workspace)
        : columns_(columns), lease_(lease), workspace_(workspace) {}
    ~Residence() { join(); }
    Residence(const Residence&) = delete;
    Residence& operator=(const Residence&) = delete;

    bool is_cut() const { return cut_; }

    // Cuts matrices into as many pieces as `parts` says of every instruction that touches them, for
    // steps of these batch sizes.
    void cut(const std::vector<int32_t>& parts, const std::vector<int64_t>& batches);
    void join();

   private:
    void move(bool cutting);

    ColumnPieces& columns_;
    ThreadPool::Lease& lease_;
    float* workspace_;
    bool cut_ = false;
  };

 private:
  int64_t pieces_of(const MatrixGroup& group, const std::vector<int32_t>& parts,
                    const std::vector<int64_t>& batches) const;
  void cut(MatrixGroup& group, int64_t pieces);
  static void move_some(void* self, const void* cutting, int64_t part, int64_t parts,
                        float* workspace);

  Plan& plan_;
  std::vector<LayerMatrices> layers_;
  std::vector<MatrixGroup> values_;
  int64_t size_ = 0;
};

}  // namespace myelin
