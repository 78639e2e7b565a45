import { type Column, columnLength } from "../data/column.ts";
import type { Dataset } from "../data/dataset.ts";
import { checkNumber, DataError, expected, OptionError, ShapeError } from "../errors.ts";
import { formatType, valueType } from "../graph/graph.ts";
import type { Loss } from "../losses.ts";
import type { Network } from "../network.ts";
import { checkColumns } from "../predictor.ts";
import { formatShape, sizeOf } from "../tensor.ts";
import type { Objective } from "./head.ts";

/** Weight of each class in the loss, by class index. */
export type ClassWeight = Readonly<Record<number, number>>;

/** A dataset's columns in the order of a plan's inputs: inputs, targets, weights. */
export interface Bound {
  readonly columns: readonly Column[];
  readonly weighted: boolean;
  readonly rows: Uint32Array | undefined;
  readonly length: number;
}

/**
 * Checks a dataset against a network and its losses.
 * @throws ShapeError for samples or targets of another shape, DataError for labels out of range
 */
export function bindDataset(
  where: string,
  network: Network,
  objective: Objective,
  dataset: Dataset,
  classWeight?: ClassWeight,
): Bound {
  checkColumns(where, network, dataset.inputs);
  const { losses } = objective;
  if (dataset.targets.length !== losses.length) {
    const wanted = losses.length === 1 ? "a target y" : `${losses.length} targets`;
    throw new ShapeError(`${where}: every sample needs ${wanted}, got ${dataset.targets.length}`);
  }
  dataset.targets.forEach((target, i) => {
    const name = losses.length === 1 ? "y" : `y[${i}]`;
    checkTarget(
      `${where}: ${name}`,
      target,
      losses[i] as Loss,
      network.outputShapes[i] as readonly number[],
      dataset.rows,
    );
  });
  const weight = weightColumn(where, dataset, network, objective, classWeight);
  const columns = [...dataset.inputs, ...dataset.targets, ...(weight === undefined ? [] : [weight])];
  return { columns, weighted: weight !== undefined, rows: dataset.rows, length: dataset.length };
}

function checkTarget(
  where: string,
  target: Column,
  loss: Loss,
  output: readonly number[],
  rows?: Uint32Array,
): void {
  const wanted = loss.targetType(valueType(true, output));
  if (sizeOf(target.shape) !== sizeOf(wanted)) {
    const hint = targetHint(target, loss, output);
    throw new ShapeError(
      `${where} must have shape ${formatType(valueType(true, wanted))} for loss ${loss.name} and output ${formatShape(output)}, ` +
        `got ${formatType(valueType(true, target.shape))}${hint}`,
    );
  }
  checkLabels(where, target, loss, output.at(-1) ?? 1, rows);
}

function targetHint(target: Column, loss: Loss, output: readonly number[]): string {
  const classes = output.at(-1) ?? 1;
  if (loss.sparse && sizeOf(target.shape) === sizeOf(output)) {
    return ` (these look one-hot: use the loss without "sparse")`;
  }
  if (!loss.sparse && sizeOf(target.shape) * classes === sizeOf(output)) {
    return " (for class indices use sparseCategoricalCrossentropy, or data.oneHot)";
  }
  return "";
}

function describeLabels(loss: Loss, classes: number): string | undefined {
  if (loss.labels === "class") return `a class index from 0 to ${classes - 1}`;
  if (loss.labels === "signed") return '-1 or 1 (0 and 1 with the option labels: "zeroOne")';
  return loss.labels === undefined ? undefined : "from 0 to 1";
}

function isLabel(loss: Loss, value: number, classes: number): boolean {
  if (loss.labels === "class") return Number.isInteger(value) && value >= 0 && value < classes;
  if (loss.labels === "signed") return value === -1 || value === 1;
  return value >= 0 && value <= 1;
}

function checkLabels(where: string, target: Column, loss: Loss, classes: number, rows?: Uint32Array): void {
  const wanted = describeLabels(loss, classes);
  if (wanted === undefined) return;
  const size = sizeOf(target.shape);
  const count = rows?.length ?? columnLength(target);
  for (let i = 0; i < count; i++) {
    const row = rows === undefined ? i : (rows[i] as number);
    for (let j = 0; j < size; j++) {
      const value = (target.data[row * size + j] as number) * target.scale + target.offset;
      if (!isLabel(loss, value, classes)) {
        throw new DataError(
          expected(`${where}[${row}]${size > 1 ? `[${j}]` : ""}`, `${wanted} for loss ${loss.name}`, value),
        );
      }
    }
  }
}

/** The dataset's sample weights times the weights of its classes. */
function weightColumn(
  where: string,
  dataset: Dataset,
  network: Network,
  objective: Objective,
  classWeight?: ClassWeight,
): Column | undefined {
  if (classWeight === undefined) return dataset.sampleWeight;
  const [target] = dataset.targets;
  const [loss] = objective.losses;
  if (target === undefined || loss === undefined || dataset.targets.length !== 1) {
    throw new OptionError(`${where}: classWeight needs a network with one output`);
  }
  if (typeof classWeight !== "object" || classWeight === null || Array.isArray(classWeight)) {
    throw new OptionError(expected(`${where}: classWeight`, "an object such as { 0: 1, 1: 5 }", classWeight));
  }
  const classes = Math.max(network.outputShapes[0]?.at(-1) ?? 1, 2);
  for (const [key, weight] of Object.entries(classWeight)) {
    checkNumber(`${where}: class in classWeight`, Number(key), { min: 0, max: classes - 1, integer: true });
    checkNumber(`${where}: classWeight[${key}]`, weight, { min: 0 });
  }
  const data = new Float32Array(columnLength(target));
  const own = dataset.sampleWeight;
  for (let row = 0; row < data.length; row++) {
    const weight = own === undefined ? 1 : (own.data[row] as number) * own.scale + own.offset;
    data[row] = weight * (classWeight[classOf(target, row)] ?? 1);
  }
  return { data, shape: [], scale: 1, offset: 0 };
}

/** The class index of a row: the label itself, or the largest entry of a one-hot row. */
function classOf(target: Column, row: number): number {
  const size = sizeOf(target.shape);
  const value = (i: number): number => (target.data[row * size + i] as number) * target.scale + target.offset;
  if (size === 1) return Math.round(value(0));
  let best = 0;
  for (let i = 1; i < size; i++) if (value(i) > value(best)) best = i;
  return best;
}
