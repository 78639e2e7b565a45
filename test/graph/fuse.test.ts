import { describe, expect, it } from "vitest";
import { backward } from "../../lib/graph/backward.ts";
import { fuse } from "../../lib/graph/fuse.ts";
import { GraphBuilder, type Node, type Value } from "../../lib/graph/graph.ts";
import { add, linear, loss } from "../../lib/ops/functions.ts";

/** Two dense layers; the hidden one may be read a second time. */
function network({ twice = false } = {}): { graph: GraphBuilder; gradients: Value[] } {
  const graph = new GraphBuilder({ training: true });
  const parameter = (name: string, shape: number[]): Value =>
    graph.parameter({ name, shape, initialize: () => {} });
  const [first, second] = [parameter("first", [3, 4]), parameter("second", [4, 4])];
  const hidden = linear(graph.input("x", [3]), first, undefined, { function: "tanh" });
  const output = linear(hidden, second);
  const total = twice ? add(output, hidden) : output;
  const scalar = loss("meanSquaredError", total, graph.input("y", [4]));
  return { graph, gradients: [...backward(scalar, [first, second]).values()] };
}

const names = (nodes: readonly Node[]): string[] => nodes.map(({ op }) => op.name);

describe("fuse", () => {
  it("joins the gradient of a layer's input with that of the activation before it", () => {
    const { graph, gradients } = network();
    const before = names(graph.nodes);
    expect(before).toContain("unaryGrad");
    const nodes = fuse(graph.nodes, gradients);
    expect(names(nodes)).not.toContain("unaryGrad");
    expect(nodes).toHaveLength(before.length - 1);
    const joined = nodes.find(({ op }) => op.name === "linearGradInput") as Node;
    expect(joined.attributes).toEqual({ function: "tanh", alpha: 0, beta: 0 });
    expect(joined.inputs).toHaveLength(3);
    const reader = graph.nodes.find(({ op }) => op.name === "unaryGrad") as Node;
    expect(joined.outputs).toEqual(reader.outputs);
  });

  it("leaves a value that has a second reader", () => {
    const { graph, gradients } = network({ twice: true });
    expect(names(fuse(graph.nodes, gradients))).toEqual(names(graph.nodes));
  });

  it("leaves a value that is kept", () => {
    const { graph, gradients } = network();
    const kept = graph.nodes.filter(({ op }) => op.name === "linearGradInput");
    const values = [...gradients, ...kept.flatMap(({ outputs }) => outputs)];
    expect(names(fuse(graph.nodes, values))).toEqual(names(graph.nodes));
  });
});
