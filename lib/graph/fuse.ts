import type { Node, Value } from "./graph.ts";

/** How often each value is read. */
function countReads(nodes: readonly Node[], kept: readonly Value[]): Map<Value, number> {
  const reads = new Map<Value, number>();
  for (const value of [...nodes.flatMap((node) => node.inputs), ...kept]) {
    reads.set(value, (reads.get(value) ?? 0) + 1);
  }
  return reads;
}

/**
 * Joins nodes with the only reader of their output where their op offers it (`absorbs`). The joined node
 * stands in the reader's place and has the reader's outputs.
 * @param nodes in the order of computation
 * @param kept values that somebody reads besides the nodes
 */
export function fuse(nodes: readonly Node[], kept: readonly Value[]): Node[] {
  const reads = countReads(nodes, kept);
  const makers = new Map<Value, Node>();
  const absorbed = new Set<Node>();
  const joined = nodes.map((node) => {
    for (const input of node.inputs) {
      const maker = makers.get(input);
      if (maker?.outputs.length !== 1 || reads.get(input) !== 1) continue;
      const fusion = maker.op.absorbs?.(maker, node);
      if (fusion === undefined) continue;
      absorbed.add(maker);
      return { ...node, ...fusion };
    }
    for (const output of node.outputs) makers.set(output, node);
    return node;
  });
  return joined.filter((node) => !absorbed.has(node));
}
