import { binaryOp } from "./binary.ts";
import * as linear from "./linear.ts";
import { linearDescentOps } from "./linear-update.ts";
import { lossOp } from "./loss.ts";
import { accuracyOp, confusionOp, regressionSumsOp, thresholdCountsOp } from "./metrics.ts";
import * as norm from "./norm.ts";
import type { OpDefinition } from "./op.ts";
import * as optimizer from "./optimizer.ts";
import { dropoutOp, gaussianNoiseOp } from "./random.ts";
import { broadcastOp, reduceMaxGradOp, reduceOp } from "./reduce.ts";
import { concatenateOp, padOp, permuteOp, reshapeOp, sliceOp } from "./shape.ts";
import { logSoftmaxGradOp, logSoftmaxOp, softmaxGradOp, softmaxOp } from "./softmax.ts";
import { unaryGradOp, unaryOp } from "./unary.ts";

const definitions: readonly OpDefinition[] = [
  linear.linearOp,
  linear.linearGradInputOp,
  linear.linearGradKernelOp,
  linear.linearBf16Op,
  linear.linearGradInputBf16Op,
  linear.linearGradKernelBf16Op,
  ...linearDescentOps,
  unaryOp,
  unaryGradOp,
  binaryOp,
  reduceOp,
  reduceMaxGradOp,
  broadcastOp,
  reshapeOp,
  permuteOp,
  concatenateOp,
  sliceOp,
  padOp,
  softmaxOp,
  softmaxGradOp,
  logSoftmaxOp,
  logSoftmaxGradOp,
  lossOp,
  accuracyOp,
  confusionOp,
  thresholdCountsOp,
  regressionSumsOp,
  norm.batchNormalizationOp,
  norm.batchNormalizationGradOp,
  norm.movingAverageOp,
  norm.layerNormalizationOp,
  norm.layerNormalizationGradOp,
  dropoutOp,
  gaussianNoiseOp,
  ...optimizer.OPTIMIZERS,
  optimizer.guardOp,
  optimizer.clipValueOp,
  optimizer.clipNormOp,
];

/** Every op by name: the one list that plans, executors and the native kernels agree on. */
export const OPS: ReadonlyMap<string, OpDefinition> = new Map(definitions.map((op) => [op.name, op]));
