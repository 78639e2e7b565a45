// What differs between compilers, so that no other file needs an attribute or a pragma.
#pragma once
#include <math.h>

#if defined(_MSC_VER) && !defined(__clang__)
#define MYELIN_INLINE __forceinline
#define MYELIN_UNROLL
#elif defined(__clang__)
#define MYELIN_INLINE inline __attribute__((always_inline))
#define MYELIN_UNROLL _Pragma("clang loop unroll(full)")
#else
#define MYELIN_INLINE inline __attribute__((always_inline))
#define MYELIN_UNROLL _Pragma("GCC unroll 32")
#endif

namespace myelin {
namespace {

constexpr float kNaN = NAN;
constexpr float kInfinity = INFINITY;

// Sets a flag that several threads may set at the same time.
MYELIN_INLINE void raise_flag(bool* flag) {
#if defined(_MSC_VER) && !defined(__clang__)
  *static_cast<volatile bool*>(flag) = true;
#else
  __atomic_store_n(flag, true, __ATOMIC_RELAXED);
#endif
}

}  // namespace
}  // namespace myelin
