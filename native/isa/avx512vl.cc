#define MYELIN_ISA_AVX512VL
#include "../kernels/small_step.h"

namespace myelin {

// Rows of 8 numbers, for networks that are no wider.
extern const KernelTable kAvx512VlTable;
const KernelTable kAvx512VlTable = {kIsa, kWidth, nullptr, 0, kPlanKernels, 1};

}  // namespace myelin
