// The CPUID instruction. A call traps in virtual machines (75 us): ask once.
#pragma once
#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#define MYELIN_X64 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif

namespace myelin {

struct CpuidResult {
  uint32_t eax, ebx, ecx, edx;
};

// All zeros for a leaf that the CPU does not have.
inline CpuidResult cpuid(uint32_t leaf, uint32_t index = 0) {
  CpuidResult r{};
#if defined(_MSC_VER)
  int out[4];
  __cpuid(out, static_cast<int>(leaf & 0x80000000));
  if (static_cast<uint32_t>(out[0]) < leaf) return r;
  __cpuidex(out, static_cast<int>(leaf), static_cast<int>(index));
  r = {static_cast<uint32_t>(out[0]), static_cast<uint32_t>(out[1]), static_cast<uint32_t>(out[2]),
       static_cast<uint32_t>(out[3])};
#else
  __get_cpuid_count(leaf, index, &r.eax, &r.ebx, &r.ecx, &r.edx);
#endif
  return r;
}

}  // namespace myelin
#endif
