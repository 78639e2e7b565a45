#define MYELIN_ISA_SCALAR
#include "../kernels/all.h"

namespace myelin {

extern const KernelTable kScalarTable;
const KernelTable kScalarTable = kTable;

}  // namespace myelin
