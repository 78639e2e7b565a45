#define MYELIN_ISA_NEON
#include "../kernels/all.h"

namespace myelin {

extern const KernelTable kNeonTable;
const KernelTable kNeonTable = kTable;

}  // namespace myelin
