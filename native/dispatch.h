// Which ISA variants of the kernels this machine can run.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "kernel.h"

namespace myelin {

// Each isa/*.cc defines the one it is named after; those of avx512bf16 and avx512amx list only what
// differs from avx512, and that of avx512vl only what all three have beside it.
extern const KernelTable kScalarTable;
extern const KernelTable kNeonTable;
extern const KernelTable kAvx2Table;
extern const KernelTable kAvx512Table;
extern const KernelTable kAvx512VlTable;
extern const KernelTable kAvx512Bf16Table;
extern const KernelTable kAvx512AmxTable;

// The tables that run here, best first; the last is always `scalar`. Detected once: CPUID traps in
// virtual machines (75 us a call).
const std::vector<const KernelTable*>& usable_tables();

// The usable table with this name, or null.
const KernelTable* find_table(std::string_view isa);

// The table that MYELIN_ISA names, or the best one where it is unset or empty. Throws
// std::invalid_argument, with the usable names, for a name that cannot run here.
const KernelTable& default_table();

// "avx512amx, avx512bf16, avx512, avx2, scalar"
std::string usable_names();

}  // namespace myelin
