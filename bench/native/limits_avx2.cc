#define MYELIN_ISA_AVX2
#include "limits_kernels.h"

namespace myelin::bench {

const Limits kAvx2Limits = kLimits;

}  // namespace myelin::bench
