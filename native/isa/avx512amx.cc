#define MYELIN_ISA_AVX512AMX
#include "../kernels/linear_bf16.h"

namespace myelin {
namespace {

// What is made of matrix products; the rest is as in avx512.
constexpr Kernel kKernels[] = {
    kLinear,
    kLinearGradInput,
    kLinearGradKernel,
    kLinearGuard,
    kLinearUpdate,
    kLinearSgd,
    kLinearRmsprop,
    kLinearAdagrad,
    kLinearAdadelta,
    kLinearAdam,
    kLinearAdamax,
    kLinearNadam,
    kLinearLion,
    kLinearBf16,
    kLinearGradInputBf16,
    kLinearGradKernelBf16,
    kLinearGuardBf16,
    kLinearUpdateBf16,
    kLinearSgdBf16,
    kLinearRmspropBf16,
    kLinearAdagradBf16,
    kLinearAdadeltaBf16,
    kLinearAdamBf16,
    kLinearAdamaxBf16,
    kLinearNadamBf16,
    kLinearLionBf16,
};

}  // namespace

extern const KernelTable kAvx512AmxTable;
const KernelTable kAvx512AmxTable = {kIsa, kWidth, kKernels, sizeof(kKernels) / sizeof(Kernel)};

}  // namespace myelin
