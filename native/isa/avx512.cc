#define MYELIN_ISA_AVX512
#include "../kernels/all.h"

namespace myelin {

extern const KernelTable kAvx512Table;
const KernelTable kAvx512Table = kTable;

}  // namespace myelin
