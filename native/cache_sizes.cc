#include "cache_sizes.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "x64_cpuid.h"

#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace myelin {
namespace {

// Keeps the smallest size found: a block must fit everywhere.
struct Found {
  int64_t l1 = 0;
  int64_t l2 = 0;

  void add(int level, int64_t bytes) {
    if (bytes <= 0 || level < 1 || level > 2) return;
    int64_t& size = level == 1 ? l1 : l2;
    size = size ? std::min(size, bytes) : bytes;
  }
};

#if defined(MYELIN_X64)

// One cache for each index: Intel's leaf 4 and AMD's 0x8000001d agree on the format.
void ask_leaf(Found& found, uint32_t leaf) {
  constexpr uint32_t kNoCache = 0, kInstructions = 2;
  for (uint32_t index = 0; index < 8; index++) {
    CpuidResult r = cpuid(leaf, index);
    uint32_t type = r.eax & 0x1f;
    if (type == kNoCache) break;
    if (type == kInstructions) continue;
    int64_t ways = (r.ebx >> 22) + 1;
    int64_t partitions = (r.ebx >> 12 & 0x3ff) + 1;
    int64_t line = (r.ebx & 0xfff) + 1;
    int64_t sets = int64_t{r.ecx} + 1;
    found.add(static_cast<int>(r.eax >> 5 & 7), ways * partitions * line * sets);
  }
}

void ask_cpuid(Found& found) {
  ask_leaf(found, 4);
  if (!found.l1) ask_leaf(found, 0x8000001d);
  // AMD's older leaves, in KiB; virtual machines may offer no others.
  if (!found.l1) found.add(1, int64_t{cpuid(0x80000005).ecx >> 24} << 10);
  if (!found.l2) found.add(2, int64_t{cpuid(0x80000006).ecx >> 16} << 10);
}

#elif defined(__APPLE__)

int64_t ask(const char* name) {
  int64_t value = 0;
  size_t length = sizeof value;
  return sysctlbyname(name, &value, &length, nullptr, 0) == 0 ? value : 0;
}

// Of the performance cores; a cluster of them has one L2.
void ask_sysctl(Found& found) {
  found.add(1, ask("hw.perflevel0.l1dcachesize"));
  found.add(
      2, ask("hw.perflevel0.l2cachesize") / std::max(ask("hw.perflevel0.cpusperl2"), int64_t{1}));
}

#elif defined(__linux__)

// "48K", "1M"
int64_t parse_size(const std::string& text) {
  char* unit = nullptr;
  int64_t number = std::strtoll(text.c_str(), &unit, 10);
  return *unit == 'K' ? number << 10 : *unit == 'M' ? number << 20 : number;
}

void ask_sysfs(Found& found) {
  for (int index = 0; index < 8; index++) {
    std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + '/';
    std::ifstream level_file(folder + "level"), type_file(folder + "type"),
        size_file(folder + "size");
    int level = 0;
    std::string type, size;
    if (!(level_file >> level && type_file >> type && size_file >> size)) break;
    if (type != "Instruction") found.add(level, parse_size(size));
  }
}

#endif

CacheSizes detect() {
  Found found;
#if defined(MYELIN_X64)
  ask_cpuid(found);
#elif defined(__APPLE__)
  ask_sysctl(found);
#elif defined(__linux__)
  ask_sysfs(found);
#endif
  CacheSizes sizes;
  if (found.l1 >= 8 << 10 && found.l1 <= 1 << 20) sizes.l1 = found.l1;
  if (found.l2 > sizes.l1 && found.l2 <= 64 << 20) sizes.l2 = found.l2;
  return sizes;
}

}  // namespace

const CacheSizes& cache_sizes() {
  static const CacheSizes sizes = detect();
  return sizes;
}

}  // namespace myelin
