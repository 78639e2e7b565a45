// Denormal floats (below 1.2e-38) as zeros, for as long as kernels run.
#pragma once
#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#elif defined(_MSC_VER)
#include <intrin.h>
#endif

namespace myelin {

// Sets this thread's floating-point mode, and back at the end: JavaScript needs its denormals.
//
// An optimizer's averages decay into denormals wherever a gradient stays 0 (a dead unit, a pixel
// that is always black) and rounding keeps them there for good; arithmetic on them takes up to
// three times as long.
class FlushDenormals {
 public:
  FlushDenormals() : saved_(read()) { write(saved_ | kFlush); }
  ~FlushDenormals() { write(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__x86_64__) || defined(_M_X64)
  using Mode = uint32_t;
  static constexpr Mode kFlush = 0x8040;  // results (FTZ) and operands (DAZ)
  static Mode read() { return _mm_getcsr(); }
  static void write(Mode mode) { _mm_setcsr(mode); }
#elif defined(__aarch64__)
  using Mode = uint64_t;
  static constexpr Mode kFlush = uint64_t{1} << 24;  // FPCR.FZ: both
  static Mode read() {
    Mode mode;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(mode));
    return mode;
  }
  static void write(Mode mode) { __asm__ __volatile__("msr fpcr, %0" : : "r"(mode)); }
#elif defined(_M_ARM64)
  using Mode = uint64_t;
  static constexpr int kRegister = 0x5a20;  // FPCR: ARM64_SYSREG(3, 3, 4, 4, 0)
  static constexpr Mode kFlush = uint64_t{1} << 24;
  static Mode read() { return static_cast<Mode>(_ReadStatusReg(kRegister)); }
  static void write(Mode mode) { _WriteStatusReg(kRegister, static_cast<__int64>(mode)); }
#else
  using Mode = uint32_t;
  static constexpr Mode kFlush = 0;
  static Mode read() { return 0; }
  static void write(Mode) {}
#endif

  Mode saved_;
};

}  // namespace myelin
