#define MYELIN_ISA_AVX512BF16
#include "../kernels/products.h"

namespace myelin {

// The rest is as in avx512, products of float32 operands too.
extern const KernelTable kAvx512Bf16Table;
const KernelTable kAvx512Bf16Table = {kIsa, kWidth, kBf16Kernels,
                                      sizeof(kBf16Kernels) / sizeof(Kernel)};

}  // namespace myelin
