import { type ExecutorName, executors } from "../../lib/executor/native.ts";

/** The executors that this machine has: tests of behaviour run once on each. */
export const EXECUTORS: readonly ExecutorName[] = executors.native.available
  ? ["reference", "native"]
  : ["reference"];
