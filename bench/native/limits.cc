#include "limits.h"

namespace myelin::bench {

const Limits* find_limits(std::string_view isa) {
  static const Limits* const all[] = {
#if defined(__x86_64__)
      &kAvx512AmxLimits, &kAvx512Bf16Limits, &kAvx512Limits, &kAvx2Limits,
#elif defined(__aarch64__)
      &kNeonLimits,
#endif
      &kScalarLimits};
  for (const Limits* limits : all) {
    if (isa == limits->isa) return limits;
  }
  return nullptr;
}

}  // namespace myelin::bench
