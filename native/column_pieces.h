// Where a plan's matrices of parameters lie while its steps are divided over threads: in pieces of
// columns, one for each thread.
#pragma once
#include <cstdint>
#include <vector>

#include "plan.h"
#include "thread_pool.h"

namespace myelin {

// A thread computes and updates some columns of a layer's kernel. In a row-major matrix they lie
// between those of the other threads, and a CPU that prefetches along a row takes lines that the
// next one is about to write: on some processors an update takes several times as long for that.
// So during a run each thread's columns are one stretch of memory.
//
// A layer's matrices, its kernel and the optimizer's slots, are cut where nothing but kernels that
// take pieces touches them. They change in place; until they are whole again, who else reads them
// finds their elements in another order.
class ColumnPieces {
 public:
  explicit ColumnPieces(Plan& plan);
  ColumnPieces(const ColumnPieces&) = delete;
  ColumnPieces& operator=(const ColumnPieces&) = delete;

  // Floats of all matrices that may be cut.
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

    // Cuts each layer's matrices into as many pieces as `parts` says of every instruction that
    // touches them, for steps of these batch sizes.
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
  // The matrices of a layer, laid out alike.
  struct Layer {
    int64_t rows, columns;
    std::vector<float*> matrices;
    std::vector<Operand*> operands;  // all that name one of them
    std::vector<size_t> users;       // instructions that do
    int64_t pieces = 0;              // 0: whole
  };

  bool find_users(Layer& layer);
  int64_t pieces_of(const Layer& layer, const std::vector<int32_t>& parts,
                    const std::vector<int64_t>& batches) const;
  void mark(const Layer& layer);
  static void move_some(void* self, const void* cutting, int64_t part, int64_t parts,
                        float* workspace);

  Plan& plan_;
  std::vector<Layer> layers_;
  int64_t size_ = 0;
};

}  // namespace myelin
