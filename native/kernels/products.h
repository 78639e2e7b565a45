// Every kernel that is made of matrix products: all that variants with an instruction for these
// have of their own.
#pragma once
#include "linear_bf16.h"

namespace myelin {
namespace {

constexpr Kernel kLinearKernels[] = {
    kLinear,       kLinearGradInput, kLinearGradKernel, kLinearGuard,    kLinearUpdate,
    kLinearSgd,    kLinearRmsprop,   kLinearAdagrad,    kLinearAdadelta, kLinearAdam,
    kLinearAdamax, kLinearNadam,     kLinearLion,
};

constexpr Kernel kBf16Kernels[] = {
    kLinearBf16,         kLinearGradInputBf16, kLinearGradKernelBf16, kLinearGuardBf16,
    kLinearUpdateBf16,   kLinearSgdBf16,       kLinearRmspropBf16,    kLinearAdagradBf16,
    kLinearAdadeltaBf16, kLinearAdamBf16,      kLinearAdamaxBf16,     kLinearNadamBf16,
    kLinearLionBf16,
};

template <int kCount>
struct KernelList {
  Kernel kernels[kCount];

  static constexpr int count() { return kCount; }
};

template <int kFirst, int kSecond>
constexpr KernelList<kFirst + kSecond> join(const Kernel (&first)[kFirst],
                                            const Kernel (&second)[kSecond]) {
  KernelList<kFirst + kSecond> list = {};
  for (int i = 0; i < kFirst; ++i) list.kernels[i] = first[i];
  for (int i = 0; i < kSecond; ++i) list.kernels[kFirst + i] = second[i];
  return list;
}

constexpr auto kProductKernels = join(kLinearKernels, kBf16Kernels);

}  // namespace
}  // namespace myelin
