// What differs between compilers, so that no other file needs an attribute or a pragma.
#pragma once
#include <math.h>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define MYELIN_INLINE __forceinline
#define MYELIN_UNROLL
#define MYELIN_UNROLL_TWICE
#elif defined(__clang__)
#define MYELIN_INLINE inline __attribute__((always_inline))
#define MYELIN_UNROLL _Pragma("clang loop unroll(full)")
#define MYELIN_UNROLL_TWICE _Pragma("clang loop unroll_count(2)")
#else
#define MYELIN_INLINE inline __attribute__((always_inline))
#define MYELIN_UNROLL _Pragma("GCC unroll 32")
#define MYELIN_UNROLL_TWICE _Pragma("GCC unroll 2")
#endif

// Address sanitizers do not see into assembly, but see the same addresses in what it stands for.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MYELIN_ADDRESSES_CHECKED
#endif
#endif
#if defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && !defined(MYELIN_ADDRESSES_CHECKED)
#define MYELIN_ASSEMBLY
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

// Fetches the cache line that holds p to be written to, which takes it from the CPU that has it.
MYELIN_INLINE void prefetch_to_write(const float* p) {
#if defined(_MSC_VER) && !defined(__clang__)
#if defined(_M_X64)
  _m_prefetchw(p);
#else
  __prefetch2(p, 16);  // PSTL1KEEP
#endif
#else
  __builtin_prefetch(p, 1, 3);
#endif
}

// Fetches the cache line that holds p into L2.
MYELIN_INLINE void prefetch(const float* p) {
#if defined(_MSC_VER) && !defined(__clang__)
#if defined(_M_X64)
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1);
#else
  __prefetch(p);
#endif
#else
  __builtin_prefetch(p, 0, 2);
#endif
}

}  // namespace
}  // namespace myelin
