/** What a layer's `call` composes: functions from values to values, each emitting into the values' graph. */
export {
  add,
  divide,
  equal,
  greater,
  greaterEqual,
  maximum,
  minimum,
  multiply,
  negativePart,
  subtract,
} from "./binary.ts";
export { linear, linearGradients, linearGradKernel } from "./linear.ts";
export { loss } from "./loss.ts";
export { batchNormalization, layerNormalization, movingAverage } from "./norm.ts";
export { dropout, gaussianNoise } from "./random.ts";
export { broadcast, reduce } from "./reduce.ts";
export { concatenate, permute, reshape, slice } from "./shape.ts";
export { logSoftmax, softmax } from "./softmax.ts";
export { affine, unary } from "./unary.ts";
