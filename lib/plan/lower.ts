import { fuse } from "../graph/fuse.ts";
import { type GraphBuilder, type Node, type Value, valueType } from "../graph/graph.ts";
import { verify } from "../graph/verify.ts";
import { unary } from "../ops/functions.ts";
import { Random } from "../random.ts";
import { sizeOf } from "../tensor.ts";
import type { StateLayout } from "./layout.ts";
import { type Lifetime, planMemory } from "./memory.ts";
import {
  alignUp,
  type Buffer,
  type Constant,
  type Instruction,
  type NamedBuffer,
  type Plan,
} from "./plan.ts";

export interface LowerOptions {
  readonly name: string;
  readonly graph: GraphBuilder;
  readonly layout: StateLayout;
  readonly capacity: number;
  readonly outputs: readonly { readonly name: string; readonly value: Value }[];
  /** Gradients of parameters, by the parameter's path: they are computed into the gradient region. */
  readonly gradients?: ReadonlyMap<string, Value>;
  /** What follows the computation and writes state: clipping and optimizer, already bound to buffers. */
  readonly updates?: readonly Instruction[];
  /** Instructions that end a step before state is written, given the loss. */
  readonly guards?: (loss: Buffer) => readonly Instruction[];
  /** Elements of the optimizer's slots. */
  readonly slotSize?: number;
}

/** Turns a graph into a flat program: what is needed, in order, each value with its place. */
export function lower(options: LowerOptions): Plan {
  const { graph, layout, capacity, name } = options;
  const pinned = pinGradients(options);
  verify(graph);
  const roots = [...options.outputs.map((output) => output.value), ...pinned.keys()];
  const [guards, effects] = options.gradients === undefined ? [[], []] : [graph.guards, graph.effects];
  const last = new Set([...guards, ...effects]);
  const needed = reachable([...roots, ...[...last].flatMap((node) => node.inputs)]);
  const nodes = graph.nodes.filter((node) => needed.has(node) && !last.has(node));
  const compute = fuse(
    nodes.filter((node) => node.op.view !== true),
    [...roots, ...[...last, ...nodes.filter((node) => node.op.view)].flatMap((node) => node.inputs)],
  );
  const order = [...compute, ...last];
  const inputs = placeInputs(graph, capacity);
  const places = new Map<Value, Buffer>([...inputs.places, ...pinned]);
  const constants = placeConstants(order, places);
  const scratch = placeScratch(order, roots, places, capacity, constants.size);
  const bind = (node: Node): Instruction => ({
    op: node.op,
    inputs: node.inputs.map((input) => locate(input, places, layout)),
    outputs: node.outputs.map((output, i) => {
      const own = node.op.inPlace?.[i];
      return locate(own === undefined ? output : (node.inputs[own] as Value), places, layout);
    }),
    attributes: node.attributes,
    path: node.path,
  });
  const outputs = options.outputs.map(({ name: output, value }) => ({
    name: output,
    buffer: locate(value, places, layout),
  }));
  const loss = (outputs[0] as NamedBuffer).buffer;
  return {
    name,
    capacity,
    sizes: {
      state: layout.size,
      slots: options.slotSize ?? 0,
      gradient: pinned.size === 0 ? 0 : layout.parameterSize,
      input: inputs.size,
      scratch,
    },
    inputs: inputs.named,
    outputs,
    instructions: [
      ...[...compute, ...guards].map(bind),
      ...(options.guards?.(loss) ?? []),
      ...effects.map(bind),
      ...(options.updates ?? []),
    ],
    constants: constants.list,
  };
}

function at0<T>(list: readonly T[]): T {
  return list[0] as T;
}

/** The value whose memory a view shares. */
function base(value: Value): Value {
  let current = value;
  while (current.source.kind === "node" && current.source.op.view === true)
    current = at0(current.source.inputs);
  return current;
}

/** Gives each gradient its place in the gradient region, with a copy where the value has another place already. */
function pinGradients(options: LowerOptions): Map<Value, Buffer> {
  const pinned = new Map<Value, Buffer>();
  for (const [path, gradient] of options.gradients ?? []) {
    const { offset } = options.layout.entry(path);
    let value = base(gradient);
    const taken = pinned.has(value) || value.source.kind !== "node" || value.type.batched;
    if (taken) value = unary("linear", gradient);
    pinned.set(value, { region: "gradient", offset, type: value.type });
  }
  return pinned;
}

function reachable(roots: readonly Value[]): Set<Node> {
  const found = new Set<Node>();
  const pending = [...roots];
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (value.source.kind !== "node" || found.has(value.source)) continue;
    found.add(value.source);
    pending.push(...value.source.inputs);
  }
  return found;
}

function placeInputs(
  graph: GraphBuilder,
  capacity: number,
): { places: [Value, Buffer][]; named: NamedBuffer[]; size: number } {
  let size = 0;
  const places: [Value, Buffer][] = [];
  const named: NamedBuffer[] = [];
  for (const value of graph.inputs) {
    const buffer: Buffer = { region: "input", offset: size, type: value.type };
    places.push([value, buffer]);
    named.push({ name: value.source.kind === "input" ? value.source.name : "", buffer });
    size += alignUp(sizeOf(value.shape) * capacity);
  }
  return { places, named, size };
}

/** A value's buffer; a view has its base's place and its own shape. */
function locate(value: Value, places: ReadonlyMap<Value, Buffer>, layout: StateLayout): Buffer {
  const owner = base(value);
  if (owner.source.kind === "state" && owner.source.state.kind !== "constant") {
    return { region: "state", offset: layout.entry(owner.source.state.path).offset, type: value.type };
  }
  if (owner.source.kind === "slot") {
    const { path, index } = owner.source;
    const offset = index * layout.parameterSize + layout.entry(path).offset;
    return { region: "slots", offset, type: value.type };
  }
  const buffer = places.get(owner);
  if (buffer === undefined) throw new TypeError("a value has no place");
  return { ...buffer, type: value.type };
}

/** Constants that the program reads come first in scratch memory. */
function placeConstants(
  order: readonly Node[],
  places: Map<Value, Buffer>,
): { list: Constant[]; size: number } {
  const list: Constant[] = [];
  let size = 0;
  for (const value of new Set(order.flatMap((node) => node.inputs.map(base)))) {
    if (value.source.kind !== "state" || value.source.state.kind !== "constant") continue;
    const { shape, initialize } = value.source.state;
    const data = new Float32Array(sizeOf(shape));
    initialize(data, shape, new Random(0));
    list.push({ offset: size, data });
    places.set(value, { region: "scratch", offset: size, type: value.type });
    size += alignUp(data.length);
  }
  return { list, size };
}

/** A group of values that share one piece of scratch memory one after the other. */
interface Tenancy {
  readonly values: Value[];
  size: number;
  start: number;
  end: number;
}

/** Plans the scratch region by liveness, from `first` on, entering places for all values that have none; returns its size. */
function placeScratch(
  order: readonly Node[],
  roots: readonly Value[],
  places: Map<Value, Buffer>,
  capacity: number,
  first: number,
): number {
  const lastRead = new Map<Value, number>();
  order.forEach((node, i) => {
    for (const input of node.inputs) lastRead.set(base(input), i);
  });
  for (const root of roots) lastRead.set(base(root), order.length);
  const tenancies = new Map<Value, Tenancy>();
  const homeless = (value: Value): boolean => value.source.kind === "node" && !places.has(value);
  order.forEach((node, i) => {
    node.outputs.forEach((output, position) => {
      if (!homeless(output) || node.op.inPlace?.[position] !== undefined) return;
      const size = sizeOf(output.shape) * (output.batched ? capacity : 1);
      const end = lastRead.get(output) ?? i;
      const input = node.inputs[position] === undefined ? undefined : base(node.inputs[position]);
      const tenancy = input === undefined ? undefined : tenancies.get(input);
      const free = node.op.overwrites === true && tenancy !== undefined && lastRead.get(input as Value) === i;
      if (free && tenancy.size === size && tenancy.values.at(-1) === input) {
        tenancy.values.push(output);
        tenancy.end = Math.max(tenancy.end, end);
        tenancies.set(output, tenancy);
      } else {
        tenancies.set(output, { values: [output], size, start: i, end });
      }
    });
  });
  const groups = [...new Set(tenancies.values())];
  const memory = planMemory(groups as readonly Lifetime[]);
  groups.forEach((group, i) => {
    for (const value of group.values) {
      places.set(value, {
        region: "scratch",
        offset: first + (memory.offsets[i] as number),
        type: value.type,
      });
    }
  });
  return first + memory.total;
}

/** A buffer over a block of a region, for instructions that work on blocks instead of values. */
export function blockBuffer(region: Buffer["region"], offset: number, shape: readonly number[]): Buffer {
  return { region, offset, type: valueType(false, shape) };
}
