import { MyelinError } from "../errors.ts";
import { OPS } from "../ops/index.ts";
import { formatType, formatValue, type GraphBuilder, sameType, type Value } from "./graph.ts";

/**
 * Re-infers every shape and checks the order of computation: a layer or gradient rule that lies about
 * what it emits is found here and not in a kernel.
 */
export function verify(graph: GraphBuilder): void {
  const known = new Set<Value>([...graph.inputs, ...graph.states.values(), ...graph.slots]);
  for (const node of graph.nodes) {
    const where = `node ${node.id} (${node.op.name}, layer "${node.path}")`;
    if (OPS.get(node.op.name) !== node.op)
      throw new MyelinError("ERR_GRAPH", `${where}: the op is not registered`);
    for (const input of node.inputs) {
      if (!known.has(input))
        throw new MyelinError("ERR_GRAPH", `${where}: ${formatValue(input)} is read before it is computed`);
    }
    for (const attribute of node.op.attributes) {
      const value = node.attributes[attribute];
      const valid =
        attribute === "function" ? node.op.functions?.includes(String(value)) : Number.isFinite(value);
      if (valid !== true)
        throw new MyelinError("ERR_GRAPH", `${where}: attribute ${attribute} is ${String(value)}`);
    }
    const types = node.op.infer(
      node.inputs.map((input) => input.type),
      node.attributes,
      node.outputs[0]?.type,
    );
    node.outputs.forEach((output, i) => {
      const type = types[i];
      if (type === undefined || !sameType(type, output.type)) {
        const wanted = type === undefined ? "nothing" : formatType(type);
        throw new MyelinError(
          "ERR_GRAPH",
          `${where}: output ${i} must be ${wanted}, is ${formatType(output.type)}`,
        );
      }
      known.add(output);
    });
  }
}
