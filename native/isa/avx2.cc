#define MYELIN_ISA_AVX2
#include "../kernels/all.h"

namespace myelin {

extern const KernelTable kAvx2Table;
const KernelTable kAvx2Table = kTable;

}  // namespace myelin
