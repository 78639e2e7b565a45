// Every kernel: the same names as the ops of lib/ops.
#pragma once
#include "binary.h"
#include "gradient.h"
#include "loss.h"
#include "metrics.h"
#include "norm.h"
#include "optimizer.h"
#include "products.h"
#include "random.h"
#include "reduce.h"
#include "shape.h"
#include "small_step.h"
#include "softmax.h"
#include "unary.h"

namespace myelin {
namespace {

// All but those of products.h.
constexpr Kernel kKernels[] = {
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

constexpr auto kAllKernels = join(kProductKernels.kernels, kKernels);

constexpr KernelTable kTable = {kIsa,
                                kWidth,
                                kAllKernels.kernels,
                                kAllKernels.count(),
                                kPlanKernels,
                                static_cast<int>(sizeof(kPlanKernels) / sizeof(PlanKernel)),
                                random::words,
                                largest_of};

}  // namespace
}  // namespace myelin
