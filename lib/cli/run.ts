import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { FileError, OptionError } from "../errors.ts";
import { setThreads } from "../executor/native.ts";
import { timeReference } from "./compare.ts";
import { type Digits, describeDigits, loadDigits } from "./data.ts";
import { describeModel, makeTrainer } from "./model.ts";
import { type DigitsOptions, HELP, readOptions } from "./options.ts";
import { describeExecutor, reportSamples, reportSpeed, reportTest, writeCurves } from "./report.ts";
import { type Output, percent, Terminal } from "./terminal.ts";
import { type TrainingRecord, train } from "./training.ts";

/** As a shell reports a process that ended by Ctrl-C. */
const INTERRUPTED = 130;

/** The folder must be there before time is spent on training. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new FileError(`--out: cannot make the folder ${folder}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function checkBatch({ train }: Digits, batch: number): void {
  if (batch <= train.length) return;
  throw new OptionError(
    `--batch must be at most the number of training images (${train.length}), got ${batch}`,
  );
}

function describeTraining({ seconds, logs, interrupted }: TrainingRecord, epochs: number): string {
  const done = logs.loss?.length ?? 0;
  const validation = logs.valAccuracy?.at(-1);
  const accuracy = validation === undefined ? "" : `, validation accuracy ${percent(validation)}`;
  return interrupted
    ? `Stopped after ${done} of ${epochs} epochs (${seconds.toFixed(1)} s)${accuracy}`
    : `Trained in ${seconds.toFixed(1)} s${accuracy}`;
}

async function trainDigits(options: DigitsOptions, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const { epochs, batch, seed, executor, out } = options;
  if (options.threads !== undefined) setThreads(options.threads);
  await makeFolder(out);
  terminal.heading("Myelin: handwritten digits");
  const digits = await loadDigits(options);
  checkBatch(digits, batch);
  terminal.fact("images", digits.source);
  terminal.fact("", describeDigits(digits));
  const steps = Math.ceil(digits.train.length / batch) * epochs;
  const trainer = makeTrainer({ executor, seed, steps });
  const { network } = trainer;
  terminal.fact("network", describeModel(network));
  terminal.fact("executor", describeExecutor(network));
  terminal.line();
  const record = await train(trainer, { ...digits, epochs, batchSize: batch, signal }, terminal);
  terminal.line(terminal.style("bold", describeTraining(record, epochs)));
  await reportTest(trainer, digits.test, terminal);
  if (!record.interrupted) {
    await reportSamples(network, digits.test, terminal);
    const native = network.executor.kind === "native";
    const reference = native ? await timeReference(digits.train, { batchSize: batch, seed }) : undefined;
    reportSpeed(trainer, batch, record, reference, terminal);
  }
  const curves = await writeCurves(record.logs, out);
  const model = join(out, "digits.safetensors");
  await network.save(model);
  terminal.heading("Written");
  if (curves !== undefined) terminal.fact("curves", curves);
  terminal.fact("model", model);
  return record.interrupted ? INTERRUPTED : 0;
}

/**
 * Does what the command line says and gives the exit code.
 * @param signal ends the training; what was learned is reported and saved all the same
 */
export async function runDigits(
  args: readonly string[],
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const options = readOptions(args);
  if (options.help) {
    output.write(HELP);
    return 0;
  }
  return await trainDigits(options, new Terminal(output), signal);
}
