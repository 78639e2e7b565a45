#define MYELIN_ISA_AVX512AMX
#include "../kernels/products.h"

namespace myelin {

// The rest is as in avx512.
extern const KernelTable kAvx512AmxTable;
const KernelTable kAvx512AmxTable = {kIsa, kWidth, kProductKernels.kernels,
                                     kProductKernels.count()};

}  // namespace myelin
