export type { Callback, Logs, Progress, Resumable, TrainingContext } from "./callback.ts";
export { type CheckpointOptions, checkpoint } from "./checkpoint.ts";
export { type CsvLoggerOptions, csvLogger } from "./csv-logger.ts";
export { type EarlyStopping, type EarlyStoppingOptions, earlyStopping } from "./early-stopping.ts";
export { lambda } from "./lambda.ts";
export {
  type LearningRateLogger,
  type LearningRateLoggerOptions,
  learningRateLogger,
} from "./learning-rate-logger.ts";
export type { MonitorMode } from "./monitor.ts";
export { type OutputStream, type ProgressBarOptions, progressBar } from "./progress-bar.ts";
export { type ReduceOnPlateauOptions, reduceOnPlateau } from "./reduce-on-plateau.ts";
