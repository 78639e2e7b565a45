#include "dispatch.h"

#include <cstdlib>
#include <stdexcept>

#include "x64_cpuid.h"

#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace myelin {
namespace {

#if defined(MYELIN_X64)

// Which register files the operating system saves.
uint64_t saved_state() {
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
#endif
}

// Asks for the registers of AMX, which a process may use only after that. Linux grants them to all
// threads; other systems are not known to.
bool may_use_tiles() {
#if defined(__linux__) && defined(SYS_arch_prctl)
  constexpr int kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

struct X64Features {
  bool avx2 = false;
  bool avx512 = false;
  bool avx512bf16 = false;
  bool slow_pairs = false;  // vdpbf16ps multiplies no faster than vfmadd
  bool avx512amx = false;
};

// Bits as in Intel's Software Developer's Manual, volume 2, CPUID.
X64Features x64_features() {
  constexpr uint32_t kFma = 1u << 12, kOsxsave = 1u << 27, kF16c = 1u << 29;
  constexpr uint32_t kAvx2 = 1u << 5, kBmi2 = 1u << 8;
  constexpr uint32_t kAvx512f = 1u << 16, kAvx512dq = 1u << 17, kAvx512bw = 1u << 30,
                     kAvx512vl = 1u << 31, kAvx512bf16 = 1u << 5;
  constexpr uint32_t kAmxBf16 = 1u << 22, kAmxTile = 1u << 24;
  constexpr uint32_t kIntel = 0x6c65746e;  // "ntel", the end of "GenuineIntel"
  constexpr uint64_t kYmm = 0x6, kZmm = 0xe6, kTiles = 0x60000;
  X64Features features;
  uint32_t basic = cpuid(1).ecx;
  if (!(basic & kOsxsave)) return features;
  uint64_t saved = saved_state();
  CpuidResult leaf7 = cpuid(7);
  uint32_t extended = leaf7.ebx;
  auto has = [](uint64_t word, uint64_t bits) { return (word & bits) == bits; };
  features.avx2 = has(basic, kFma | kF16c) && has(extended, kAvx2 | kBmi2) && has(saved, kYmm);
  features.avx512 = features.avx2 && has(saved, kZmm) &&
                    has(extended, kAvx512f | kAvx512dq | kAvx512bw | kAvx512vl);
  // The first word of leaf 7 is its last subleaf.
  features.avx512bf16 = features.avx512 && leaf7.eax >= 1 && has(cpuid(7, 1).eax, kAvx512bf16);
  // Intel's does in two cycles what two vfmadd do in one.
  features.slow_pairs = cpuid(0).ecx == kIntel;
  features.avx512amx = features.avx512bf16 && has(saved, kTiles) &&
                       has(leaf7.edx, kAmxBf16 | kAmxTile) && may_use_tiles();
  return features;
}

// All kernels of `base`, with those of `own` in the place of their namesakes. Kernels for whole
// plans are those of `narrow`, then those of `base`.
class Variant {
 public:
  Variant(const KernelTable& own, const KernelTable& base, const KernelTable& narrow)
      : kernels_(base.kernels, base.kernels + base.count),
        plan_kernels_(narrow.plan_kernels, narrow.plan_kernels + narrow.plan_kernel_count),
        table_(base) {
    for (Kernel& kernel : kernels_) {
      for (int i = 0; i < own.count; i++) {
        if (std::string_view(kernel.name) == own.kernels[i].name) kernel = own.kernels[i];
      }
    }
    plan_kernels_.insert(plan_kernels_.end(), base.plan_kernels,
                         base.plan_kernels + base.plan_kernel_count);
    table_.isa = own.isa;
    table_.kernels = kernels_.data();
    table_.plan_kernels = plan_kernels_.data();
    table_.plan_kernel_count = static_cast<int>(plan_kernels_.size());
  }
  const KernelTable* table() const { return &table_; }

 private:
  std::vector<Kernel> kernels_;
  std::vector<PlanKernel> plan_kernels_;
  KernelTable table_;
};

#endif

std::vector<const KernelTable*> detect() {
  std::vector<const KernelTable*> tables;
#if defined(MYELIN_X64)
  X64Features features = x64_features();
  if (features.avx512amx) {
    static const Variant variant(kAvx512AmxTable, kAvx512Table, kAvx512VlTable);
    tables.push_back(variant.table());
  }
  if (features.avx512) {
    static const Variant variant(kAvx512Table, kAvx512Table, kAvx512VlTable);
    tables.push_back(variant.table());
  }
  if (features.avx512bf16) {
    static const Variant variant(kAvx512Bf16Table, kAvx512Table, kAvx512VlTable);
    tables.insert(features.slow_pairs ? tables.end() : tables.end() - 1, variant.table());
  }
  if (features.avx2) tables.push_back(&kAvx2Table);
#elif defined(__aarch64__) || defined(_M_ARM64)
  tables.push_back(&kNeonTable);
#endif
  tables.push_back(&kScalarTable);
  return tables;
}

}  // namespace

const std::vector<const KernelTable*>& usable_tables() {
  static const std::vector<const KernelTable*> tables = detect();
  return tables;
}

const KernelTable* find_table(std::string_view isa) {
  for (const KernelTable* table : usable_tables()) {
    if (isa == table->isa) return table;
  }
  return nullptr;
}

const KernelTable& default_table() {
  const char* wanted = std::getenv("MYELIN_ISA");
  if (!wanted || !*wanted) return *usable_tables().front();
  const KernelTable* table = find_table(wanted);
  if (table) return *table;
  throw std::invalid_argument("MYELIN_ISA must be one of " + usable_names() + ", got \"" + wanted +
                              "\"");
}

std::string usable_names() {
  std::string names;
  for (const KernelTable* table : usable_tables()) {
    if (!names.empty()) names += ", ";
    names += table->isa;
  }
  return names;
}

}  // namespace myelin
