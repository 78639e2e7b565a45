import { BusyError, checkNumber, checkOptions, expected, MyelinError, OptionError } from "./errors.ts";
import { allocate } from "./executor/allocate.ts";
import type { Executor, Program, Regions } from "./executor/executor.ts";
import { chooseExecutor, type ExecutorName } from "./executor/native.ts";
import { PRECISIONS, type Precision } from "./graph/graph.ts";
import { checkPreprocessing, loadModel, loadWeights, type PreprocessingMap, saveModel } from "./io/model.ts";
import { placeWeights, type WeightMap } from "./io/weights.ts";
import type { Layer } from "./layers/layer.ts";
import type { LayerFactory } from "./layers/registry.ts";
import { StateLayout } from "./plan/layout.ts";
import { lower } from "./plan/lower.ts";
import type { Plan } from "./plan/plan.ts";
import { printPlan } from "./plan/print.ts";
import { type PredictInput, Predictor } from "./predictor.ts";
import { Random, type Seed, seedWords, streams } from "./random.ts";
import type { Shape } from "./shape-types.ts";
import { summarize } from "./summary.ts";
import type { Tensor } from "./tensor.ts";
import {
  type BuiltGraph,
  buildGraph,
  type Chain,
  type Ends,
  endsOf,
  type NetworkLayer,
  type Topology,
  topologyOf,
  type Weight,
} from "./topology.ts";

export type { BuiltGraph, NetworkLayer, Weight } from "./topology.ts";

interface CommonOptions {
  /** Name of the network. Default "network". */
  name?: string;
  /** Decides initial weights, dropout masks and shuffles. Default: random, readable as `network.seed`. */
  seed?: Seed;
  /** Default: native where it loads, else reference with a warning. */
  executor?: ExecutorName;
  /**
   * What matrix products multiply: `"bf16"` rounds their operands to 8 significant bits, which is about twice as
   * fast on wide layers where the processor has instructions for it; sums, weights and all else stay float32.
   * Default float32.
   */
  precision?: Precision;
  /** Scalers and encoders that are saved with the network, by names of your choice. Not applied by itself. */
  preprocessing?: PreprocessingMap;
}

/** What loading takes besides the file. */
export interface LoadOptions {
  /** As for a new network. */
  executor?: ExecutorName;
  /** Default: as it was saved. */
  precision?: Precision;
  /** Factories of your own layers by their `kind`; each takes the options that the layer's `config()` gave. */
  layers?: Readonly<Record<string, LayerFactory>>;
}

/** A chain of layers. */
export interface SequentialOptions<I extends Shape = Shape, L extends readonly Layer[] = readonly Layer[]>
  extends Chain<I, L>,
    CommonOptions {}

/** Any acyclic graph of layers, connected by `apply`. */
export interface FunctionalOptions extends Ends, CommonOptions {}

export type NetworkOptions<I extends Shape = Shape, L extends readonly Layer[] = readonly Layer[]> =
  | SequentialOptions<I, L>
  | FunctionalOptions;

const OPTIONS = [
  "name",
  "seed",
  "executor",
  "precision",
  "preprocessing",
  "input",
  "layers",
  "inputs",
  "outputs",
] as const;

function checkPrecision(where: string, precision: Precision): Precision {
  if (PRECISIONS.includes(precision)) return precision;
  throw new OptionError(expected(where, '"float32" or "bf16"', precision));
}

/** What a network is busy with while a trainer trains it. */
export const TRAINING = "training";

/** Samples of one step of prediction; more are done in several. */
const PREDICT_CAPACITY = 128;

/**
 * Layers with their memory: the typed description is compiled once to a plan that predicts, and by a
 * Trainer to one that trains. Type parameters follow from the constructor's options: the input's shape, the
 * layers, and from these the data that `predict` takes.
 */
export class Network<
  const I extends Shape = Shape,
  const L extends readonly Layer[] = readonly Layer[],
  X = PredictInput<I>,
> {
  /** For the compiler only: what is known of input and layers. */
  declare readonly types?: { readonly input: I; readonly layers: L };
  readonly name: string;
  readonly seed: readonly [number, number];
  readonly executor: Executor;
  readonly precision: Precision;
  /** Shapes of one sample at each input and output. */
  readonly inputShapes: readonly (readonly number[])[];
  readonly outputShapes: readonly (readonly number[])[];
  readonly layers: readonly NetworkLayer[];
  readonly topology: Topology;
  /** Where each weight lies in `state`. */
  readonly layout: StateLayout;
  /** All weights and running statistics, one block. */
  readonly state: Float32Array;
  /** What was fitted to the data and is saved with the network, by name; entries may be added and removed. */
  readonly preprocessing: PreprocessingMap;
  readonly #frozen = new Map<string, boolean>();
  #predictor: Predictor | undefined;
  #busy: string | undefined;
  #stepping = false;

  /** @param weights arrays for every path of the layout, where a file has been read; else they are drawn */
  constructor(options: NetworkOptions<I, L>, weights?: WeightMap) {
    checkOptions("Network", options, OPTIONS);
    this.name = options.name ?? "network";
    if (typeof this.name !== "string") throw new OptionError(expected("Network: name", "text", options.name));
    const random = (): number => Math.floor(Math.random() * 2 ** 32);
    this.seed = options.seed === undefined ? [random(), random()] : seedWords(options.seed, "Network: seed");
    if (options.executor !== undefined && !["native", "reference"].includes(options.executor)) {
      throw new OptionError(expected("Network: executor", '"native" or "reference"', options.executor));
    }
    this.precision = checkPrecision("Network: precision", options.precision ?? "float32");
    this.topology = topologyOf(endsOf(options));
    this.executor = chooseExecutor(options.executor);
    const built = this.build(false);
    this.inputShapes = built.inputs.map((value) => value.shape);
    this.outputShapes = built.outputs.map((value) => value.shape);
    this.layout = new StateLayout(built.graph);
    this.state = allocate(this.executor, this.layout.size, "weights");
    if (weights === undefined) this.initialize();
    else placeWeights(this, weights);
    this.preprocessing = { ...checkPreprocessing("Network: preprocessing", options.preprocessing ?? {}) };
    this.layers = this.#describeLayers(built);
  }

  /**
   * Reads a network that `save` wrote: layers, weights, seed and preprocessing.
   * @throws FileError for a file that is missing, damaged, hostile or of another kind
   */
  static async load(path: string, options: LoadOptions = {}): Promise<Network> {
    checkOptions("Network.load", options, ["executor", "precision", "layers"]);
    const { executor } = options;
    const { weights, ...model } = await loadModel(path, options.layers);
    const { name, seed, inputs, outputs, preprocessing } = model;
    const precision = checkPrecision("Network.load: precision", options.precision ?? model.precision);
    return new Network({ name, seed, inputs, outputs, preprocessing, executor, precision }, weights);
  }

  /**
   * Writes the network as it is at the call: weights as safetensors, which other programs read too, and
   * architecture, seed and preprocessing as JSON in its metadata. The file is whole or not there.
   * @throws FileError where it cannot be written; an older file of that name is then as it was
   */
  async save(path: string): Promise<void> {
    this.requireStill("save");
    await saveModel(path, this);
  }

  /**
   * Reads weights by their paths (`dense_1/kernel`) and shapes from a safetensors file of any program.
   * All weights change, or none when something is wrong.
   */
  async loadWeights(path: string): Promise<void> {
    const release = this.acquire("loading weights");
    try {
      placeWeights(this, await loadWeights(path, this.layout));
    } finally {
      release();
    }
  }

  /** Draws all weights anew from the seed (or another one). */
  initialize(seed: Seed = this.seed): void {
    this.requireIdle("initialize");
    let index = 0;
    for (const { declaration, offset, size } of this.layout.entries.values()) {
      const target = this.state.subarray(offset, offset + size);
      const random = new Random(seed, streams.weights, index++, this.executor.random);
      declaration.initialize(target, declaration.shape, random);
    }
  }

  /** Emits the network into a new graph. */
  build(training: boolean): BuiltGraph {
    return buildGraph(this.topology, { training, precision: this.precision, trainable: this.#frozen });
  }

  /**
   * The output for one sample (shape as the input's) or for many (one leading dimension more); the
   * result has the same form. A network with several inputs takes a list, one entry an input; one
   * with several outputs has `predictAll`.
   */
  predict(input: X): Tensor {
    return this.#onlyOutput(this.predictAll(input));
  }

  /** As `predict`, on a thread of its own. */
  async predictAsync(input: X): Promise<Tensor> {
    return this.#onlyOutput(await this.predictAllAsync(input));
  }

  /** Every output of a network with several. */
  predictAll(input: X): Tensor[] {
    this.requireReadable("predict");
    return this.#getPredictor().run(input as PredictInput);
  }

  /** Every output of a network with several, computed on a thread of its own. */
  async predictAllAsync(input: X): Promise<Tensor[]> {
    const release = this.acquire("predicting");
    try {
      return await this.#getPredictor().runAsync(input as PredictInput);
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
      gradient: allocate(executor, plan.sizes.gradient, "gradients"),
      input: allocate(executor, plan.sizes.input, "a batch"),
      scratch: allocate(executor, plan.sizes.scratch, "the values of a step"),
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

  /** A training tells when its steps begin to run on another thread, and when they rest. */
  noteSteps(running: boolean): void {
    this.#stepping = running;
  }

  /** @throws BusyError while steps of a training run, as weights read then could be of two steps */
  requireStill(wanted: string): void {
    if (!this.#stepping) return;
    throw new BusyError(
      `network "${this.name}" is busy training: ${wanted} from a callback of the training, or await its end`,
    );
  }

  /**
   * For what reads the weights and is done before it returns.
   * @throws BusyError while the network is in use, except to callbacks of its training, which rests then
   */
  requireReadable(wanted: string): void {
    if (this.#busy !== TRAINING || this.#stepping) this.requireIdle(wanted);
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
