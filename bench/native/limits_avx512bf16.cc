#define MYELIN_ISA_AVX512BF16
#include "limits_kernels.h"

namespace myelin::bench {

const Limits kAvx512Bf16Limits = kLimits;

}  // namespace myelin::bench
