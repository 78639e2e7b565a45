#define MYELIN_ISA_AVX512AMX
#include "../kernels/linear_bf16.h"

namespace myelin {
namespace {

// The rest is as in avx512.
constexpr Kernel kKernels[] = {kLinearBf16, kLinearGradInputBf16, kLinearGradKernelBf16};

}  // namespace

extern const KernelTable kAvx512AmxTable;
const KernelTable kAvx512AmxTable = {kIsa, kWidth, kKernels, 3};

}  // namespace myelin
