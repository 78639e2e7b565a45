#define MYELIN_ISA_NEON
#include "limits_kernels.h"

namespace myelin::bench {

const Limits kNeonLimits = kLimits;

}  // namespace myelin::bench
