import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import { FileError } from "../errors.ts";
import { executors, getThreads } from "../executor/native.ts";
import type { Network } from "../network.ts";
import { plotPanels } from "../plot/curves.ts";
import type { Trainer } from "../trainer.ts";
import type { Comparison } from "./compare.ts";
import { confusionTable } from "./confusion.ts";
import { drawGallery, type Exhibit, exhibitsAcross } from "./gallery.ts";
import { grouped, percent, type Terminal } from "./terminal.ts";
import type { TrainingRecord } from "./training.ts";

/** `native, avx512, 2 threads` */
export function describeExecutor(network: Network): string {
  if (network.executor.kind === "reference") return "reference (plain TypeScript)";
  const threads = getThreads();
  return `native, ${executors.native.isa}, ${threads} thread${threads === 1 ? "" : "s"}`;
}

/** Accuracy on the test images and who was taken for whom. */
export async function reportTest(trainer: Trainer, test: Dataset, terminal: Terminal): Promise<number> {
  const { accuracy } = (await trainer.evaluate(test)) as { accuracy?: number };
  const share = accuracy ?? Number.NaN;
  const wrong = Math.round((1 - share) * test.length);
  terminal.heading(
    `Test accuracy ${percent(share)} (${grouped(wrong)} of ${grouped(test.length)} images wrong)`,
  );
  terminal.line();
  for (const line of confusionTable(trainer.confusionMatrix(test), terminal)) terminal.line(line);
  return share;
}

/** What the network makes of each test image. */
async function predictions(network: Network, test: Dataset): Promise<Omit<Exhibit, "pixels">[]> {
  const { data } = await network.predictAsync(test);
  const labels = test.toTensor(0, "targets").data;
  return Array.from(labels, (label, i) => {
    const row = data.subarray(i * 10, i * 10 + 10);
    const predicted = row.reduce((best, value, j) => (value > (row[best] as number) ? j : best), 0);
    return { label, predicted, confidence: row[predicted] as number };
  });
}

/** A row of images that were recognized and one of the worst mistakes. */
export async function reportSamples(network: Network, test: Dataset, terminal: Terminal): Promise<void> {
  const all = (await predictions(network, test)).map((prediction, i) => ({ ...prediction, i }));
  const [right, wrong] = [true, false].map((isRight) =>
    all.filter((p) => (p.label === p.predicted) === isRight),
  );
  wrong?.sort((a, b) => b.confidence - a.confidence);
  for (const [title, found] of [
    ["Recognized", right],
    ["Most confident mistakes", wrong],
  ] as const) {
    const shown = (found ?? []).slice(0, exhibitsAcross(Math.min(terminal.columns, 100)));
    if (shown.length === 0) continue;
    terminal.heading(title);
    const exhibits = shown.map(({ i, ...prediction }) => ({
      ...prediction,
      pixels: test.select([i]).toTensor().data,
    }));
    for (const line of drawGallery(exhibits)) terminal.line(line);
  }
}

/** How fast it was, and how much memory it took. */
export function reportSpeed(
  trainer: Trainer,
  batchSize: number,
  { rate }: TrainingRecord,
  reference: Comparison | undefined,
  terminal: Terminal,
): void {
  terminal.heading("Speed and memory");
  const { kind } = trainer.network.executor;
  terminal.fact(kind, `${grouped(rate).padStart(9)} samples/s in training`);
  if (reference !== undefined) {
    const ratio = rate / reference.rate;
    const slice = `the same work on a slice of ${grouped(reference.images)} images`;
    terminal.fact("reference", `${grouped(reference.rate).padStart(9)} samples/s, ${slice}`);
    terminal.fact("ratio", `${ratio.toFixed(ratio < 10 ? 1 : 0).padStart(9)} times as fast natively`);
  }
  const plan = trainer.explain(batchSize).split("\n").at(-1) ?? "";
  terminal.fact("plan", plan.replace(/^memory: /, ""));
  terminal.fact("process", `${Math.round(process.resourceUsage().maxRSS / 1024)} MiB at most`);
}

/** Writes the curves of loss and accuracy; gives the path, or undefined when no epoch was finished. */
export async function writeCurves(logs: TrainingRecord["logs"], folder: string): Promise<string | undefined> {
  const { loss = [], valLoss = [], accuracy = [], valAccuracy = [] } = logs;
  if (loss.length === 0) return undefined;
  const pair = (training: readonly number[], validation: readonly number[]) => [
    { name: "training", values: training },
    { name: "validation", values: validation },
  ];
  const common = { xLabel: "epoch", width: 560, height: 360 };
  const svg = plotPanels([
    { ...common, title: "Loss", series: pair(loss, valLoss) },
    { ...common, title: "Accuracy", series: pair(accuracy, valAccuracy) },
  ]);
  const path = join(folder, "digits.svg");
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(path, svg);
  } catch (error) {
    throw new FileError(`cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
  return path;
}
