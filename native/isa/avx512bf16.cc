#define MYELIN_ISA_AVX512BF16
#include "../kernels/linear_bf16.h"

namespace myelin {

// The rest is as in avx512.
extern const KernelTable kAvx512Bf16Table;
const KernelTable kAvx512Bf16Table = {kIsa, kWidth, kBf16Kernels, kBf16KernelCount};

}  // namespace myelin
