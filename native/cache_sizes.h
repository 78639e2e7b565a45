// How large the caches of this machine's CPUs are.
#pragma once
#include <cstdint>

namespace myelin {

// Bytes of data cache that a core has.
struct CacheSizes {
  int64_t l1 = 32 << 10;
  int64_t l2 = 512 << 10;
};

// Detected once: CPUID traps in virtual machines (75 us a call). What cannot be found out, or is
// not believable, is what nearly every CPU has.
const CacheSizes& cache_sizes();

}  // namespace myelin
