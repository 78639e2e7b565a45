import {
  BusyError,
  checkNumber,
  checkOptions,
  expected,
  MyelinError,
  OptionError,
  ShapeError,
} from "./errors.ts";
import type { Executor, Program, Regions } from "./executor/executor.ts";
import { chooseExecutor, type ExecutorName } from "./executor/native.ts";
import { GraphBuilder, type Value } from "./graph/graph.ts";
import { checkShape, type Layer, SymbolicTensor } from "./layers/layer.ts";
import { StateLayout } from "./plan/layout.ts";
import { lower } from "./plan/lower.ts";
import type { Plan } from "./plan/plan.ts";
import { printPlan } from "./plan/print.ts";
import { type PredictInput, Predictor } from "./predictor.ts";
import { Random, type Seed, seedWords, streams } from "./random.ts";
import { summarize } from "./summary.ts";
import type { Tensor } from "./tensor.ts";
import { type Topology, topologyOf } from "./topology.ts";

interface CommonOptions {
  /** Name of the network. Default "network". */
  name?: string;
  /** Decides initial weights, dropout masks and shuffles. Default: random, readable as `network.seed`. */
  seed?: Seed;
  /** Default: native where it loads, else reference with a warning. */
  executor?: ExecutorName;
}

/** A chain of layers. */
export interface SequentialOptions extends CommonOptions {
  /** Shape of one sample. */
  input: readonly number[];
  layers: readonly Layer[];
}

/** Any acyclic graph of layers, connected by `apply`. */
export interface FunctionalOptions extends CommonOptions {
  inputs: readonly SymbolicTensor[];
  outputs: readonly SymbolicTensor[];
}

export type NetworkOptions = SequentialOptions | FunctionalOptions;

/** One array of a layer; `data` is live: it changes as the network trains, and writing to it changes the network. */
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

/** A graph of the whole network with its ends. */
export interface BuiltGraph {
  readonly graph: GraphBuilder;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** The output of every layer application. */
  readonly values: ReadonlyMap<SymbolicTensor, Value>;
}

const OPTIONS = ["name", "seed", "executor", "input", "layers", "inputs", "outputs"] as const;

/** Samples of one step of prediction; more are done in several. */
const PREDICT_CAPACITY = 128;

/**
 * Layers with their memory: the typed description is compiled once to a plan that predicts, and by a
 * Trainer to one that trains.
 */
export class Network {
  readonly name: string;
  readonly seed: readonly [number, number];
  readonly executor: Executor;
  /** Shapes of one sample at each input and output. */
  readonly inputShapes: readonly (readonly number[])[];
  readonly outputShapes: readonly (readonly number[])[];
  readonly layers: readonly NetworkLayer[];
  readonly topology: Topology;
  /** Where each weight lies in `state`. */
  readonly layout: StateLayout;
  /** All weights and running statistics, one block. */
  readonly state: Float32Array;
  readonly #frozen = new Map<string, boolean>();
  #predictor: Predictor | undefined;
  #busy: string | undefined;

  constructor(options: NetworkOptions) {
    checkOptions("Network", options, OPTIONS);
    this.name = options.name ?? "network";
    const random = (): number => Math.floor(Math.random() * 2 ** 32);
    this.seed = options.seed === undefined ? [random(), random()] : seedWords(options.seed, "Network: seed");
    if (options.executor !== undefined && !["native", "reference"].includes(options.executor)) {
      throw new OptionError(expected("Network: executor", '"native" or "reference"', options.executor));
    }
    this.topology = topologyOf(endsOf(options));
    this.executor = chooseExecutor(options.executor);
    const built = this.build(false);
    this.inputShapes = built.inputs.map((value) => value.shape);
    this.outputShapes = built.outputs.map((value) => value.shape);
    this.layout = new StateLayout(built.graph);
    this.state = this.executor.allocate(this.layout.size);
    this.initialize();
    this.layers = this.#describeLayers(built);
  }

  /** Draws all weights anew from the seed (or another one). */
  initialize(seed: Seed = this.seed): void {
    this.requireIdle("initialize");
    let index = 0;
    for (const { declaration, offset, size } of this.layout.entries.values()) {
      const target = this.state.subarray(offset, offset + size);
      declaration.initialize(target, declaration.shape, new Random(seed, streams.weights, index++));
    }
  }

  /** Emits the network into a new graph. */
  build(training: boolean): BuiltGraph {
    const graph = new GraphBuilder({ training });
    const values = new Map<SymbolicTensor, Value>();
    for (const { tensor, name } of this.topology.inputs)
      values.set(tensor, graph.input(name, tensor.shape ?? []));
    for (const { tensor, name } of this.topology.steps) {
      const inputs = tensor.inputs.map((input) => values.get(input) as Value);
      const layer = tensor.layer as Layer;
      const trainable = this.#frozen.get(name) ?? layer.trainable;
      const value = graph.scope(name, trainable, () => callLayer(layer, name, graph, inputs));
      values.set(tensor, value);
    }
    return {
      graph,
      inputs: this.topology.inputs.map(({ tensor }) => values.get(tensor) as Value),
      outputs: this.topology.outputs.map((tensor) => values.get(tensor) as Value),
      values,
    };
  }

  /**
   * The output for one sample (shape as the input's) or for many (one leading dimension more); the
   * result has the same form. A network with several inputs takes a list, one entry an input; one
   * with several outputs has `predictAll`.
   */
  predict(input: PredictInput): Tensor {
    return this.#onlyOutput(this.predictAll(input));
  }

  /** As `predict`, on a thread of its own. */
  async predictAsync(input: PredictInput): Promise<Tensor> {
    return this.#onlyOutput(await this.predictAllAsync(input));
  }

  /** Every output of a network with several. */
  predictAll(input: PredictInput): Tensor[] {
    this.requireIdle("predict");
    return this.#getPredictor().run(input);
  }

  /** Every output of a network with several, computed on a thread of its own. */
  async predictAllAsync(input: PredictInput): Promise<Tensor[]> {
    const release = this.acquire("predicting");
    try {
      return await this.#getPredictor().runAsync(input);
    } finally {
      release();
    }
  }

  /** Freezes (false) or frees a layer's parameters for the trainings that start from now on. */
  setTrainable(layer: string, trainable: boolean): void {
    const found = this.layer(layer);
    if (typeof trainable !== "boolean") {
      throw new OptionError(expected("setTrainable: trainable", "true or false", trainable));
    }
    this.requireIdle("setTrainable");
    this.#frozen.set(found.name, trainable);
  }

  /** The layer of that name. */
  layer(name: string): NetworkLayer {
    const found = this.layers.find((layer) => layer.name === name);
    if (found !== undefined) return found;
    const names = this.layers.map((layer) => layer.name).join(", ");
    throw new OptionError(`the network has no layer "${name}". Layers: ${names}`);
  }

  /** All arrays of all layers, with live data. */
  get weights(): readonly Weight[] {
    return [...this.layout.entries.values()]
      .filter(({ declaration }) => declaration.kind !== "constant")
      .map((entry) => this.#weight(entry.declaration.path));
  }

  /** A table of layers, output shapes and parameters. */
  summary(): string {
    return summarize(this);
  }

  /** The plan that predicts, as text, with its memory at the end. */
  explain(): string {
    return printPlan(this.predictPlan());
  }

  /** The plan that predicts. */
  predictPlan(capacity: number = PREDICT_CAPACITY): Plan {
    checkNumber("capacity", capacity, { min: 1, integer: true });
    const { graph, outputs } = this.build(false);
    const named = outputs.map((value, i) => ({ name: this.topology.outputNames[i] ?? `output_${i}`, value }));
    return lower({ name: "predict", graph, layout: this.layout, capacity, outputs: named });
  }

  /** Loads a plan of this network with its state and the memory that it needs besides. */
  load(plan: Plan, own: { slots?: Float32Array } = {}): { program: Program; regions: Regions } {
    const { executor } = this;
    const regions: Regions = {
      state: this.state,
      slots: own.slots ?? executor.allocate(0),
      gradient: executor.allocate(plan.sizes.gradient),
      input: executor.allocate(plan.sizes.input),
      scratch: executor.allocate(plan.sizes.scratch),
    };
    for (const { offset, data } of plan.constants) regions.scratch.set(data, offset);
    return { program: executor.load(plan, regions), regions };
  }

  /** Marks the network as in use until the returned function is called. */
  acquire(activity: string): () => void {
    this.requireIdle(activity);
    this.#busy = activity;
    return () => {
      this.#busy = undefined;
    };
  }

  /** @throws BusyError while a training or an asynchronous prediction runs */
  requireIdle(wanted: string): void {
    if (this.#busy === undefined) return;
    throw new BusyError(`network "${this.name}" is busy ${this.#busy}: await its end before ${wanted}`);
  }

  #getPredictor(): Predictor {
    this.#predictor ??= new Predictor(this, PREDICT_CAPACITY);
    return this.#predictor;
  }

  #onlyOutput(outputs: readonly Tensor[]): Tensor {
    const [first] = outputs;
    if (first !== undefined && outputs.length === 1) return first;
    throw new MyelinError("ERR_OUTPUTS", `the network has ${outputs.length} outputs: use predictAll`);
  }

  #describeLayers(built: BuiltGraph): NetworkLayer[] {
    const seen = new Map<string, NetworkLayer>();
    const self = this;
    for (const { tensor, name } of this.topology.steps) {
      const descriptor = tensor.layer as Layer;
      if (seen.has(name)) continue;
      const paths = [...this.layout.entries.values()]
        .filter(
          ({ declaration }) => declaration.path.startsWith(`${name}/`) && declaration.kind !== "constant",
        )
        .map(({ declaration }) => declaration.path);
      seen.set(name, {
        name,
        kind: descriptor.kind,
        descriptor,
        outputShape: built.values.get(tensor)?.shape ?? [],
        weights: paths.map((path) => this.#weight(path)),
        get trainable() {
          return self.#frozen.get(name) ?? descriptor.trainable;
        },
      });
    }
    return [...seen.values()];
  }

  #weight(path: string): Weight {
    const { declaration, offset, size } = this.layout.entry(path);
    return {
      name: path.slice(path.indexOf("/") + 1),
      path,
      shape: declaration.shape,
      data: this.state.subarray(offset, offset + size),
      trainable: declaration.kind === "parameter",
    };
  }
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

/** Inputs and outputs of either form. */
function endsOf(options: NetworkOptions): {
  inputs: readonly SymbolicTensor[];
  outputs: readonly SymbolicTensor[];
} {
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
