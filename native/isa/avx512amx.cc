#define MYELIN_ISA_AVX512AMX
#include "../kernels/linear_bf16.h"

namespace myelin {

// The rest is as in avx512.
extern const KernelTable kAvx512AmxTable;
const KernelTable kAvx512AmxTable = {kIsa, kWidth, kBf16Kernels, kBf16KernelCount};

}  // namespace myelin
