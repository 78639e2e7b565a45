import { expected, OptionError, ShapeError } from "./errors.ts";
import { GraphBuilder, type Precision, type Value } from "./graph/graph.ts";
import { checkShape, type Layer, SymbolicTensor } from "./layers/layer.ts";
import type { Shape } from "./shape-types.ts";

/** Layers one after the other. */
export interface Chain<I extends Shape = Shape, L extends readonly Layer[] = readonly Layer[]> {
  /** Shape of one sample. */
  input: I;
  layers: L;
}

/** Both ends of a graph of layers. */
export interface Ends {
  inputs: readonly SymbolicTensor[];
  outputs: readonly SymbolicTensor[];
}

/**
 * One array of a layer; `data` is live: it changes as the network trains, and writing to it changes the network.
 * While `fit` runs, only its callbacks find it whole.
 */
export interface Weight {
  readonly name: string;
  /** Layer and name: `dense_1/kernel`. */
  readonly path: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
  readonly trainable: boolean;
}

/** A layer in its network. */
export interface NetworkLayer {
  readonly name: string;
  readonly kind: string;
  readonly descriptor: Layer;
  /** Shape of one sample's output. */
  readonly outputShape: readonly number[];
  /** In Keras's order: kernel, bias, ... */
  readonly weights: readonly Weight[];
  readonly trainable: boolean;
}

/** A layer applied once. */
export interface Step {
  readonly tensor: SymbolicTensor;
  /** The layer's name, unique in the network; a shared layer has several steps of one name. */
  readonly name: string;
}

/** The order in which layers are applied, and their names. */
export interface Topology {
  readonly inputs: readonly Step[];
  readonly steps: readonly Step[];
  readonly outputs: readonly SymbolicTensor[];
  /** Names of the layers that give the outputs. */
  readonly outputNames: readonly string[];
}

/**
 * Orders the layers between inputs and outputs so that each comes after those it reads.
 * @throws OptionError for an output that hangs on an input that is not listed, or an input that nothing reads
 */
export function topologyOf(ends: Ends): Topology {
  if (ends.inputs.length === 0 || ends.outputs.length === 0) {
    throw new OptionError("Network: at least one input and one output are needed");
  }
  for (const tensor of [...ends.inputs, ...ends.outputs]) {
    if (!(tensor instanceof SymbolicTensor)) {
      throw new OptionError("Network: inputs come from layers.input(), outputs from layer.apply()");
    }
  }
  const order = sortFrom(ends.outputs);
  const names = new Names();
  for (const tensor of order)
    if (tensor.layer?.name !== undefined) names.reserve(tensor.layer.name, tensor.layer);
  const inputs = ends.inputs.map((tensor, i) => {
    if (tensor.layer !== undefined)
      throw new OptionError(`Network: inputs[${i}] is the output of a layer, not layers.input()`);
    if (!order.includes(tensor)) throw new OptionError(`Network: inputs[${i}] does not lead to any output`);
    return { tensor, name: names.input(tensor.name) };
  });
  const steps: Step[] = [];
  for (const tensor of order) {
    if (tensor.layer !== undefined) steps.push({ tensor, name: names.of(tensor.layer) });
    else if (!ends.inputs.includes(tensor))
      throw new OptionError("Network: an output depends on an input that is not listed");
  }
  const outputNames = distinct(
    ends.outputs.map((tensor) => (tensor.layer === undefined ? "input" : names.of(tensor.layer))),
  );
  return { inputs, steps, outputs: ends.outputs, outputNames };
}

/** Names with a number where a layer gives several outputs. */
function distinct(names: readonly string[]): string[] {
  return names.map((name, i) => {
    const before = names.slice(0, i).filter((other) => other === name).length;
    return before === 0 ? name : `${name}[${before}]`;
  });
}

/** Inputs and outputs of either form. */
export function endsOf(options: Chain | Ends): Ends {
  if ("layers" in options) {
    if ("inputs" in options || "outputs" in options) {
      throw new OptionError("Network: give either `input` and `layers`, or `inputs` and `outputs`");
    }
    if (!Array.isArray(options.layers) || options.layers.length === 0) {
      throw new OptionError(expected("Network: layers", "a list of at least one layer", options.layers));
    }
    const input = new SymbolicTensor(undefined, [], checkShape("Network: input", options.input));
    const output = options.layers.reduce((tensor: SymbolicTensor, layer: Layer, i) => {
      if (typeof layer?.apply !== "function")
        throw new OptionError(expected(`Network: layers[${i}]`, "a layer", layer));
      return layer.apply(tensor);
    }, input);
    return { inputs: [input], outputs: [output] };
  }
  if (!Array.isArray(options.inputs) || !Array.isArray(options.outputs)) {
    throw new OptionError("Network: give either `input` and `layers`, or `inputs` and `outputs`");
  }
  return options;
}

/** A graph of the whole network with its ends. */
export interface BuiltGraph {
  readonly graph: GraphBuilder;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** The output of every layer application. */
  readonly values: ReadonlyMap<SymbolicTensor, Value>;
}

/**
 * Emits the layers into a new graph.
 * @param trainable what replaces the layers' own setting, by name
 */
export function buildGraph(
  topology: Topology,
  options: { training: boolean; precision?: Precision; trainable?: ReadonlyMap<string, boolean> },
): BuiltGraph {
  const graph = new GraphBuilder(options);
  const values = new Map<SymbolicTensor, Value>();
  for (const { tensor, name } of topology.inputs) values.set(tensor, graph.input(name, tensor.shape ?? []));
  for (const { tensor, name } of topology.steps) {
    const inputs = tensor.inputs.map((input) => values.get(input) as Value);
    const layer = tensor.layer as Layer;
    const trainable = options.trainable?.get(name) ?? layer.trainable;
    values.set(
      tensor,
      graph.scope(name, trainable, () => callLayer(layer, name, graph, inputs)),
    );
  }
  return {
    graph,
    inputs: topology.inputs.map(({ tensor }) => values.get(tensor) as Value),
    outputs: topology.outputs.map((tensor) => values.get(tensor) as Value),
    values,
  };
}

function callLayer(layer: Layer, name: string, graph: GraphBuilder, inputs: readonly Value[]): Value {
  let output: Value;
  try {
    output = layer.call(graph, ...inputs);
  } catch (error) {
    throw withLayer(error, name);
  }
  if (output?.graph !== graph || !output.batched) {
    throw new ShapeError(
      `layer "${name}": call must return a value of its graph with the batch, got ${String(output)}`,
    );
  }
  return output;
}

/** Says which layer refused its inputs, where the message does not say so itself. */
function withLayer(error: unknown, name: string): unknown {
  if (!(error instanceof ShapeError) || error.message.startsWith("layer ")) return error;
  return new ShapeError(`layer "${name}": ${error.message}`, { cause: error });
}

/** Every tensor that the outputs depend on, each after its inputs. */
function sortFrom(outputs: readonly SymbolicTensor[]): SymbolicTensor[] {
  const order: SymbolicTensor[] = [];
  const seen = new Set<SymbolicTensor>();
  // An explicit stack: a network may be deeper than the call stack.
  const pending = [...outputs].reverse().map((tensor) => ({ tensor, expanded: false }));
  for (let top = pending.pop(); top !== undefined; top = pending.pop()) {
    if (top.expanded) {
      order.push(top.tensor);
    } else if (!seen.has(top.tensor)) {
      seen.add(top.tensor);
      pending.push({ tensor: top.tensor, expanded: true });
      for (const input of [...top.tensor.inputs].reverse()) pending.push({ tensor: input, expanded: false });
    }
  }
  return order;
}

/** Gives each layer its own name, or its kind with a number. */
class Names {
  readonly #taken = new Map<string, Layer | undefined>();
  readonly #names = new Map<Layer, string>();

  reserve(name: string, layer: Layer): void {
    const owner = this.#taken.get(name);
    if (owner !== undefined && owner !== layer)
      throw new OptionError(`Network: two layers are named "${name}"`);
    this.#taken.set(name, layer);
    this.#names.set(layer, name);
  }

  input(name: string | undefined): string {
    if (name === undefined) return this.fresh("input");
    if (this.#taken.has(name)) throw new OptionError(`Network: the name "${name}" of an input is taken`);
    this.#taken.set(name, undefined);
    return name;
  }

  of(layer: Layer): string {
    const known = this.#names.get(layer);
    if (known !== undefined) return known;
    const name = this.fresh(layer.kind);
    this.#names.set(layer, name);
    return name;
  }

  fresh(kind: string): string {
    let name = kind;
    for (let i = 1; this.#taken.has(name); i++) name = `${kind}_${i}`;
    this.#taken.set(name, undefined);
    return name;
  }
}
