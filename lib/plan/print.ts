import { formatType } from "../graph/graph.ts";
import { type Buffer, type Plan, REGIONS } from "./plan.ts";

function formatBuffer(buffer: Buffer): string {
  return `${buffer.region}+${buffer.offset}${formatType(buffer.type)}`;
}

/** Bytes with a unit: 812 B, 3.1 KiB, 2.0 MiB. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

/** The plan as text: a line for each input, instruction and output, the memory at the end. */
export function printPlan(plan: Plan): string {
  const lines = [`plan ${plan.name}, capacity ${plan.capacity}`];
  for (const { name, buffer } of plan.inputs) lines.push(`  input ${name} -> ${formatBuffer(buffer)}`);
  plan.instructions.forEach(({ op, inputs, outputs, attributes, path }, i) => {
    const values = Object.entries(attributes).map(([key, value]) => `${key}=${value}`);
    const head = `${String(i).padStart(3)} ${[op.name, ...values].join(" ")}`;
    const from = inputs.map(formatBuffer).join(", ");
    const to = outputs.map(formatBuffer).join(", ");
    lines.push(`${head} (${from})${to === "" ? "" : ` -> ${to}`}${path === "" ? "" : `  # ${path}`}`);
  });
  for (const { name, buffer } of plan.outputs) lines.push(`  output ${name} <- ${formatBuffer(buffer)}`);
  const memory = REGIONS.map((region) => `${region} ${formatBytes(plan.sizes[region] * 4)}`);
  const total = REGIONS.reduce((sum, region) => sum + plan.sizes[region] * 4, 0);
  lines.push(`memory: ${memory.join(", ")}, total ${formatBytes(total)}`);
  return lines.join("\n");
}
