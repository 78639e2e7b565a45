export type { Callback, Logs, Progress, TrainingContext } from "./callback.ts";
