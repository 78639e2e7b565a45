// Every kernel: the same names as the ops of lib/ops.
#pragma once
#include "binary.h"
#include "gradient.h"
#include "linear.h"
#include "linear_bf16.h"
#include "linear_optimizer.h"
#include "linear_update.h"
#include "loss.h"
#include "metrics.h"
#include "norm.h"
#include "optimizer.h"
#include "random.h"
#include "reduce.h"
#include "shape.h"
#include "small_step.h"
#include "softmax.h"
#include "unary.h"

namespace myelin {
namespace {

constexpr Kernel kKernels[] = {
    kLinear,
    kLinearGradInput,
    kLinearGradKernel,
    kLinearBf16,
    kLinearGradInputBf16,
    kLinearGradKernelBf16,
    kLinearGuard,
    kLinearUpdate,
    kLinearSgd,
    kLinearRmsprop,
    kLinearAdagrad,
    kLinearAdadelta,
    kLinearAdam,
    kLinearAdamax,
    kLinearNadam,
    kLinearLion,
    kLinearGuardBf16,
    kLinearUpdateBf16,
    kLinearSgdBf16,
    kLinearRmspropBf16,
    kLinearAdagradBf16,
    kLinearAdadeltaBf16,
    kLinearAdamBf16,
    kLinearAdamaxBf16,
    kLinearNadamBf16,
    kLinearLionBf16,
    kUnary,
    kUnaryGrad,
    kBinary,
    kReduce,
    kReduceMaxGrad,
    kBroadcast,
    kSoftmax,
    kSoftmaxGrad,
    kLogSoftmax,
    kLogSoftmaxGrad,
    kLoss,
    kAccuracy,
    kConfusion,
    kThresholdCounts,
    kRegressionSums,
    kBatchNormalization,
    kBatchNormalizationGrad,
    kMovingAverage,
    kLayerNormalization,
    kLayerNormalizationGrad,
    kDropout,
    kGaussianNoise,
    kPermute,
    kConcatenate,
    kSlice,
    kPad,
    kGuard,
    kClipValue,
    kClipNorm,
    kSgd,
    kRmsprop,
    kAdagrad,
    kAdadelta,
    kAdam,
    kAdamax,
    kNadam,
    kLion,
};

constexpr KernelTable kTable = {
    kIsa,          kWidth,
    kKernels,      static_cast<int>(sizeof(kKernels) / sizeof(Kernel)),
    kPlanKernels,  static_cast<int>(sizeof(kPlanKernels) / sizeof(PlanKernel)),
    random::words, largest_of};

}  // namespace
}  // namespace myelin
