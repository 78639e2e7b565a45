import type { Precision } from "./graph/graph.ts";
import { formatBytes } from "./plan/print.ts";
import { sizeOf } from "./tensor.ts";
import type { NetworkLayer, Topology } from "./topology.ts";

/** What a summary is made of. */
export interface Described {
  readonly name: string;
  readonly precision: Precision;
  readonly topology: Topology;
  readonly inputShapes: readonly (readonly number[])[];
  readonly layers: readonly NetworkLayer[];
}

function parameterCount(layer: NetworkLayer, trainable?: boolean): number {
  return layer.weights
    .filter((weight) => trainable === undefined || (weight.trainable && layer.trainable) === trainable)
    .reduce((sum, weight) => sum + sizeOf(weight.shape), 0);
}

const total = (network: Described, trainable?: boolean): number =>
  network.layers.reduce((sum, layer) => sum + parameterCount(layer, trainable), 0);

/** The network as a table: layer, output shape, parameters. */
export function summarize(network: Described): string {
  const inputs = network.topology.inputs.map(({ name }, i) => [
    `${name} (input)`,
    shape(network.inputShapes[i]),
    "0",
  ]);
  const layers = network.layers.map((layer) => [
    `${layer.name} (${layer.kind})${layer.trainable ? "" : " frozen"}`,
    shape(layer.outputShape),
    parameterCount(layer).toLocaleString("en"),
  ]);
  const rows = [["Layer", "Output shape", "Parameters"], ...inputs, ...layers];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  const line = (row: readonly string[]): string =>
    [
      row[0]?.padEnd(widths[0] as number),
      row[1]?.padEnd(widths[1] as number),
      row[2]?.padStart(widths[2] as number),
    ].join("  ");
  const rule = "-".repeat(line(["", "", ""]).length);
  const count = total(network);
  const precision = network.precision === "float32" ? "" : `, ${network.precision} products`;
  return [
    `Network "${network.name}"`,
    ...rows.slice(0, 1).map(line),
    rule,
    ...rows.slice(1).map(line),
    rule,
    `Parameters: ${count.toLocaleString("en")} (${formatBytes(count * 4)}), trained: ${total(network, true).toLocaleString("en")}${precision}`,
  ].join("\n");
}

function shape(dimensions: readonly number[] = []): string {
  return `[${["batch", ...dimensions].join(", ")}]`;
}
