#define MYELIN_ISA_AVX512
#include "limits_kernels.h"

namespace myelin::bench {

const Limits kAvx512Limits = kLimits;

}  // namespace myelin::bench
