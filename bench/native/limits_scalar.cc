#define MYELIN_ISA_SCALAR
#include "limits_kernels.h"

namespace myelin::bench {

const Limits kScalarLimits = kLimits;

}  // namespace myelin::bench
