#include "product.h"

#include <dlfcn.h>

#include "runner.h"

namespace myelin::bench {
namespace {

class MyelinMultiplier final : public Multiplier {
 public:
  explicit MyelinMultiplier(const KernelTable& table) : table_(table) {}

  void run(const Shape& shape, int threads, int64_t calls, float* a, float* b, float* c) override {
    runner_.run(instruction(shape, a, b, c), threads, calls);
  }

  std::string describe() const override { return table_.isa; }

 private:
  Instruction instruction(const Shape& s, float* a, float* b, float* c) const {
    const std::string precision = s.bf16 ? "Bf16" : "";
    const Operand y = matrix(c, s.m, s.n);
    switch (s.mode) {
      case Mode::kNN:
        return make_instruction(table_, "linear" + precision, "linear", {0, 0},
                                {matrix(a, s.m, s.k), matrix(b, s.k, s.n)}, {y});
      case Mode::kNT:
        return make_instruction(table_, "linearGradInput" + precision, "linear", {0, 0},
                                {matrix(a, s.m, s.k), matrix(b, s.n, s.k)}, {y});
      default:
        return make_instruction(table_, "linearGradKernel" + precision, "", {0},
                                {matrix(a, s.k, s.m), matrix(b, s.k, s.n)}, {y});
    }
  }

  const KernelTable& table_;
  InstructionRunner runner_;
};

// Fortran's sgemm with 32-bit or 64-bit integers, column by column.
template <class Int>
using Sgemm = void (*)(const char*, const char*, const Int*, const Int*, const Int*, const float*,
                       const float*, const Int*, const float*, const Int*, const float*, float*,
                       const Int*);
// oneDNN's, row by row.
using DnnlSgemm = int (*)(char, char, int64_t, int64_t, int64_t, float, const float*, int64_t,
                          const float*, int64_t, float, float*, int64_t);

// A library with its ways to multiply, to set the number of threads and to say what it is. What it
// has not is null.
class LibraryMultiplier final : public Multiplier {
 public:
  explicit LibraryMultiplier(const std::string& path)
      : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (!handle_) throw std::runtime_error(dlerror());
    dnnl_ = find<DnnlSgemm>({"dnnl_sgemm"});
    wide_ = find<Sgemm<int64_t>>({"scipy_sgemm_64_", "sgemm_64_"});
    narrow_ = find<Sgemm<int32_t>>({"sgemm_"});
    if (!dnnl_ && !wide_ && !narrow_) throw std::runtime_error(path + " has no sgemm");
  }
  // Left open: the threads of some libraries do not survive their code.
  ~LibraryMultiplier() override = default;
  LibraryMultiplier(const LibraryMultiplier&) = delete;
  LibraryMultiplier& operator=(const LibraryMultiplier&) = delete;

  void run(const Shape& s, int threads, int64_t calls, float* a, float* b, float* c) override {
    if (s.bf16) throw std::runtime_error("only float here");
    set_threads(threads);
    for (int64_t i = 0; i < calls; i++) multiply(s, a, b, c);
  }

  std::string describe() const override {
    using Text = const char* (*)();
    if (auto config = find<Text>({"openblas_get_config", "scipy_openblas_get_config64_"})) {
      return config();
    }
    if (auto version = find<Text>({"bli_info_get_version_str"})) {
      return std::string("BLIS ") + version();
    }
    if (auto version = find<void (*)(char*, int)>({"MKL_Get_Version_String"})) {
      char text[200] = "";
      version(text, sizeof text);
      return text;
    }
    struct DnnlVersion {
      int major, minor, patch;
    };
    if (auto version = find<const DnnlVersion* (*)()>({"dnnl_version"})) {
      return "oneDNN " + std::to_string(version()->major) + "." + std::to_string(version()->minor);
    }
    return "";
  }

 private:
  template <class Function>
  Function find(std::initializer_list<const char*> names) const {
    for (const char* name : names) {
      if (void* found = dlsym(handle_, name)) return reinterpret_cast<Function>(found);
    }
    return nullptr;
  }

  void set_threads(int threads) const {
    // OpenMP's decides for oneDNN, the libraries' own ones for themselves.
    auto set = find<void (*)(int)>({"openblas_set_num_threads", "scipy_openblas_set_num_threads64_",
                                    "MKL_Set_Num_Threads_Local", "omp_set_num_threads"});
    if (auto blis = find<void (*)(int64_t)>({"bli_thread_set_num_threads"})) {
      blis(threads);
    } else if (set) {
      set(threads);
    }
  }

  void multiply(const Shape& s, const float* a, const float* b, float* c) const {
    const bool ta = s.mode == Mode::kTN, tb = s.mode == Mode::kNT;
    if (dnnl_) {
      dnnl_(ta ? 'T' : 'N', tb ? 'T' : 'N', s.m, s.n, s.k, 1, a, ta ? s.m : s.k, b, tb ? s.k : s.n,
            0, c, s.n);
    } else if (wide_) {
      fortran(wide_, s, a, b, c);
    } else {
      fortran(narrow_, s, a, b, c);
    }
  }

  // C by rows is its transpose by columns: op(B)^T op(A)^T.
  template <class Int>
  static void fortran(Sgemm<Int> sgemm, const Shape& s, const float* a, const float* b, float* c) {
    const bool ta = s.mode == Mode::kTN, tb = s.mode == Mode::kNT;
    const Int m = s.m, n = s.n, k = s.k, lda = ta ? m : k, ldb = tb ? k : n;
    const float one = 1, none = 0;
    sgemm(tb ? "T" : "N", ta ? "T" : "N", &n, &m, &k, &one, b, &ldb, a, &lda, &none, c, &n);
  }

  void* handle_;
  DnnlSgemm dnnl_;
  Sgemm<int64_t> wide_;
  Sgemm<int32_t> narrow_;
};

}  // namespace

std::unique_ptr<Multiplier> myelin_multiplier(const KernelTable& table) {
  return std::make_unique<MyelinMultiplier>(table);
}

std::unique_ptr<Multiplier> library_multiplier(const std::string& path) {
  return std::make_unique<LibraryMultiplier>(path);
}

}  // namespace myelin::bench
