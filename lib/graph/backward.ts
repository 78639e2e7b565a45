import { MyelinError } from "../errors.ts";
import { add } from "../ops/functions.ts";
import type { Node, Value } from "./graph.ts";

/** The values that depend on any of `sources`. */
function dependents(sources: readonly Value[], nodes: readonly Node[]): Set<Value> {
  const found = new Set<Value>(sources);
  for (const node of nodes) {
    if (node.inputs.some((input) => found.has(input))) for (const output of node.outputs) found.add(output);
  }
  return found;
}

/** The values that `target` depends on. */
function ancestors(target: Value): Set<Value> {
  const found = new Set<Value>();
  const pending = [target];
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (found.has(value)) continue;
    found.add(value);
    if (value.source.kind === "node") pending.push(...value.source.inputs);
  }
  return found;
}

/**
 * Reverse-mode differentiation: emits nodes that compute the gradient of a scalar by each of
 * `sources`. A source that the scalar does not depend on has no entry.
 */
export function backward(target: Value, sources: readonly Value[]): Map<Value, Value> {
  const forward = [...target.graph.nodes];
  const wanted = dependents(sources, forward);
  const reaching = ancestors(target);
  const gradients = new Map<Value, Value>([[target, target.graph.one()]]);
  for (let i = forward.length - 1; i >= 0; i--) {
    const node = forward[i] as Node;
    const flows = node.outputs.some(
      (output) => reaching.has(output) && wanted.has(output) && gradients.has(output),
    );
    if (!flows) continue;
    const outputs = node.outputs.map((output) => gradients.get(output));
    if (node.op.vjp === undefined) {
      throw new MyelinError("ERR_NO_GRADIENT", `layer "${node.path}": ${node.op.name} has no gradient`);
    }
    const inputs = target.graph.scope(node.path, true, () => node.op.vjp?.(node, outputs) ?? []);
    node.inputs.forEach((input, position) => {
      const gradient = inputs[position];
      if (gradient === undefined || !wanted.has(input)) return;
      const known = gradients.get(input);
      gradients.set(input, known === undefined ? gradient : add(known, gradient));
    });
  }
  return new Map(
    sources.flatMap((source) => {
      const gradient = gradients.get(source);
      return gradient === undefined ? [] : [[source, gradient] as const];
    }),
  );
}
