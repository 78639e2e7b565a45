export type { Callback, Logs, Progress, TrainingContext } from "./callbacks/callback.ts";
export * as callbacks from "./callbacks/index.ts";
export { Dataset } from "./data/dataset.ts";
export * as data from "./data/index.ts";
export {
  BusyError,
  DataError,
  FileError,
  MyelinError,
  NativeError,
  NonFiniteError,
  OptionError,
  ShapeError,
} from "./errors.ts";
export { executors, getThreads, setThreads } from "./executor/native.ts";
export type { GraphBuilder, Value } from "./graph/graph.ts";
export * as initializers from "./initializers.ts";
export * as layers from "./layers/index.ts";
export { Layer, type LayerConfig, type LayerOptions, SymbolicTensor } from "./layers/layer.ts";
export type { LayerFactory } from "./layers/registry.ts";
export * as losses from "./losses.ts";
export * as metrics from "./metrics.ts";
export {
  type FunctionalOptions,
  type LoadOptions,
  Network,
  type NetworkLayer,
  type NetworkOptions,
  type SequentialOptions,
  type Weight,
} from "./network.ts";
export * as ops from "./ops/functions.ts";
export * as optimizers from "./optimizers.ts";
export { type Panel, type PlotOptions, plotCurves, plotPanels, type Series } from "./plot/curves.ts";
export { Random, type Seed } from "./random.ts";
export * as regularizers from "./regularizers.ts";
export * as schedules from "./schedules.ts";
export type { Tensor } from "./tensor.ts";
export {
  type EvaluateOptions,
  type Evaluation,
  type History,
  Trainer,
  type TrainerOptions,
} from "./trainer.ts";
export type { ClassWeight } from "./training/bind.ts";
export type { ParameterGroup } from "./training/compile.ts";
export type { FitOptions, TrainingData } from "./training/options.ts";
export * as rules from "./training/rules.ts";
