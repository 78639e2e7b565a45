import type { Logs, TrainingContext } from "./callbacks/callback.ts";
import { Dataset, type DatasetSource } from "./data/dataset.ts";
import { checkNumber, checkOptions, expected, OptionError } from "./errors.ts";
import { allocate } from "./executor/allocate.ts";
import { readCheckpoint, type TrainerState, writeCheckpoint } from "./io/checkpoint.ts";
import type { Layer } from "./layers/layer.ts";
import type { Loss, LossLike } from "./losses.ts";
import { confusionMatrix, type MetricLike } from "./metrics.ts";
import { Network, TRAINING } from "./network.ts";
import { type Optimizer, type OptimizerLike, resolveOptimizer, sgd } from "./optimizers.ts";
import { printPlan } from "./plan/print.ts";
import { type Seed, seedWords } from "./random.ts";
import type { Shape } from "./shape-types.ts";
import { type Bound, bindDataset } from "./training/bind.ts";
import { CallbackStates } from "./training/callback-states.ts";
import { checkGroups, type ParameterGroup } from "./training/compile.ts";
import type { EvaluationData, TypedTrainingData } from "./training/data-types.ts";
import { drive, driveSync, type Process, settle } from "./training/drive.ts";
import type { EpochSums } from "./training/epoch.ts";
import { type EvaluateOptions, evaluateSteps, evaluationBatch } from "./training/evaluate.ts";
import { checkPosition, type FitRequest, fitEpochs, type Loaded, type Position } from "./training/fit.ts";
import { type Objective, objectiveFor } from "./training/head.ts";
import { type History, Recorder } from "./training/history.ts";
import { holdData } from "./training/hold.ts";
import { type CheckedFit, checkFit, type FitOptions, type TrainingData } from "./training/options.ts";
import { Programs } from "./training/programs.ts";
import { checkRule, type LearningRule } from "./training/rules.ts";
import { Snapshot } from "./training/snapshot.ts";
import { fitStream } from "./training/stream.ts";

export interface TrainerOptions<K extends LossLike | readonly LossLike[] = LossLike | readonly LossLike[]> {
  /** Name, loss or function; a list for a network with several outputs. Needed unless `rule` is given. */
  loss?: K;
  /** Default adam. */
  optimizer?: OptimizerLike;
  /** Factor of each output's loss. Default 1. */
  lossWeights?: readonly number[];
  /** Watched in training and evaluation; a list of lists for several outputs. */
  metrics?: readonly MetricLike[] | readonly (readonly MetricLike[])[];
  /** Layers with another learning rate or weight decay. */
  groups?: readonly ParameterGroup[];
  /** A classic learning rule in place of backpropagation. */
  rule?: LearningRule;
  /** Of shuffles and dropout. Default: the network's. */
  seed?: Seed;
}

const OPTIONS = ["loss", "optimizer", "lossWeights", "metrics", "groups", "rule", "seed"] as const;

export type { EvaluateOptions } from "./training/evaluate.ts";
export type { History } from "./training/history.ts";

/** `loss` and each metric by its name. */
export interface Evaluation {
  readonly loss: number;
  readonly [metric: string]: number;
}

/** Trains and evaluates a network: loss, optimizer and metrics, with the optimizer's memory. */
export class Trainer<
  const I extends Shape = Shape,
  const L extends readonly Layer[] = readonly Layer[],
  const K extends LossLike | readonly LossLike[] = LossLike | readonly LossLike[],
  D = TypedTrainingData<I, L, K>,
  E = EvaluationData<I, L, K>,
> {
  readonly network: Network;
  readonly optimizer: Optimizer;
  /** The optimizer's slots, one after the other, each laid out like the parameters. */
  readonly slots: Float32Array;
  /** Multiplies every learning rate; reduce-on-plateau lowers it. */
  learningRateFactor = 1;
  readonly #objective: Objective;
  readonly #programs: Programs;
  #seed: readonly [number, number];
  readonly #position: Position = { step: 0, epoch: 0, batch: 0 };
  readonly #callbackStates = new CallbackStates();
  #snapshot: Snapshot | undefined;

  constructor(typed: Network<I, L>, options: TrainerOptions<K>) {
    if (!(typed instanceof Network)) {
      throw new OptionError(expected("Trainer: the first argument", "a Network", typed));
    }
    // What the compiler knows of shapes matters at the edge only.
    const network = typed as unknown as Network;
    checkOptions("Trainer", options, OPTIONS);
    const { rule, groups = [], metrics, lossWeights } = options;
    const loss = options.loss ?? (rule === undefined ? undefined : "meanSquaredError");
    if (loss === undefined) throw new OptionError('Trainer: loss is missing, for example "meanSquaredError"');
    this.network = network;
    const fallback = rule === undefined ? "adam" : sgd({ learningRate: rule.learningRate });
    this.optimizer = resolveOptimizer(options.optimizer ?? fallback);
    this.#objective = objectiveFor(network, { loss, metrics, lossWeights });
    checkGroups(network, groups);
    if (rule !== undefined) checkRule(rule);
    this.#seed = options.seed === undefined ? network.seed : seedWords(options.seed, "Trainer: seed");
    this.slots = allocate(
      network.executor,
      this.optimizer.slots.length * network.layout.parameterSize,
      "the optimizer",
    );
    const { optimizer } = this;
    this.#programs = new Programs(
      network,
      { objective: this.#objective, optimizer, groups, rule },
      this.slots,
    );
    // New memory is zero already, and its pages need not exist before the first step.
    if (this.optimizer.slots.some(({ initial }) => initial !== 0)) this.#resetSlots();
  }

  /** Optimizer steps done. */
  get step(): number {
    return this.#position.step;
  }

  /** Epochs done. */
  get epoch(): number {
    return this.#position.epoch;
  }

  /** The rate of the next step. */
  get learningRate(): number {
    return this.#rate(this.#position.step);
  }

  /**
   * Trains; the event loop stays free. The weights are the network's own and change as it goes.
   * @param data `{ x, y, sampleWeight? }`, a Dataset, or an (async) iterable of batches
   * @throws BusyError while the network is in use; NonFiniteError when the loss is lost; the
   *   signal's reason after an abort. In each case the weights of the last good step stay.
   */
  async fit(data: D, options: FitOptions<E> = {}): Promise<History> {
    const checked = checkFit(data as TrainingData, options as FitOptions);
    const release = this.network.acquire(TRAINING);
    try {
      return await drive(this.#fit(checked), (running) => this.network.noteSteps(running));
    } finally {
      release();
    }
  }

  /** As `fit`, on the calling thread: for small networks and scripts. */
  fitSync(data: D, options: FitOptions<E> = {}): History {
    const checked = checkFit(data as TrainingData, options as FitOptions);
    const release = this.network.acquire(TRAINING);
    try {
      return driveSync(this.#fit(checked));
    } finally {
      release();
    }
  }

  /** Loss and metrics over a dataset, without training. */
  async evaluate(data: E, options: EvaluateOptions = {}): Promise<Evaluation> {
    const release = this.network.acquire("evaluating");
    try {
      return await drive(
        this.#evaluate(Dataset.from(data as DatasetSource), this.#objective, evaluationBatch(options)),
      );
    } finally {
      release();
    }
  }

  /** As `evaluate`, on the calling thread. */
  evaluateSync(data: E, options: EvaluateOptions = {}): Evaluation {
    this.network.requireReadable("evaluate");
    return driveSync(
      this.#evaluate(Dataset.from(data as DatasetSource), this.#objective, evaluationBatch(options)),
    );
  }

  /** Counts by true class (row) and predicted class (column). */
  confusionMatrix(data: E, options: EvaluateOptions = {}): number[][] {
    this.network.requireReadable("confusionMatrix");
    const { losses, weights } = this.#objective;
    const [loss] = losses as [Loss];
    const objective = { ...objectiveFor(this.network, { loss, metrics: [confusionMatrix()] }), weights };
    const bound = bindDataset(
      "confusionMatrix",
      this.network,
      objective,
      Dataset.from(data as DatasetSource),
    );
    const sums = driveSync(this.#sums(bound, objective, evaluationBatch(options), "confusion"));
    return sums.result(0) as number[][];
  }

  /** The plan of a training step as text, with its memory at the end. */
  explain(batchSize = 32): string {
    checkNumber("explain: batchSize", batchSize, { min: 1, integer: true });
    return printPlan(this.#programs.compileTraining(batchSize, false).plan);
  }

  /**
   * Writes a checkpoint: weights, optimizer memory, position, schedule factor and callbacks' states.
   * The file is whole or not there.
   */
  async save(path: string): Promise<void> {
    this.network.requireStill("save");
    await writeCheckpoint(path, this.network, this, this.#state());
  }

  /**
   * Reads a checkpoint of the same architecture and optimizer; `fit(data, { resume: true })` goes on bit by
   * bit as if never stopped. The checkpoint's seed replaces the trainer's.
   * @throws FileError for a file that is damaged or does not fit; nothing has changed then
   */
  async restore(path: string): Promise<void> {
    const release = this.network.acquire("restoring a checkpoint");
    try {
      const { step, epoch, batch, ...state } = await readCheckpoint(path, this.network, this);
      Object.assign(this.#position, { step, epoch, batch });
      this.learningRateFactor = state.learningRateFactor;
      this.#seed = state.seed;
      this.#callbackStates.restore(state.callbacks);
    } finally {
      release();
    }
  }

  *#fit(checked: CheckedFit): Process<History> {
    const recorder = new Recorder();
    const { callbacks, training, validation } = checked;
    const position = this.#position;
    if (!checked.resume) position.epoch = 0;
    if (!checked.resume || !(training instanceof Dataset)) position.batch = 0;
    const held =
      validation &&
      (yield* holdData(
        bindDataset("fit: validationData", this.network, this.#objective, validation),
        this.network.executor,
      ));
    let stopRequested = false;
    const context: TrainingContext = {
      network: this.network,
      trainer: this,
      epochs: checked.epochs,
      batchSize: checked.batchSize,
      samples: training instanceof Dataset ? training.length : undefined,
      stop: () => {
        stopRequested = true;
      },
    };
    const common = {
      position,
      endEpoch: checked.epochs,
      words: this.#seed,
      seed: this.#seed,
      rate: (step: number) => this.#rate(step),
      callbacks,
      context,
      signal: checked.signal,
      stopped: () => stopRequested,
      record: (logs: Logs) => recorder.record(logs),
      losses: recorder.losses,
      snapshot: this.#takeSnapshot(),
      validate: held && (() => this.#validate(held)),
    };
    const bind = (dataset: Dataset): Bound =>
      bindDataset("fit", this.network, this.#objective, dataset, checked.classWeight);
    this.#callbackStates.adopt(callbacks, checked.resume);
    let stopReason: History["stopReason"];
    try {
      for (const callback of callbacks) yield* settle(callback.onTrainBegin?.(context));
      if (training instanceof Dataset) {
        const bound = bind(training);
        const loaded = this.#programs.training(Math.min(checked.batchSize, bound.length), bound.weighted);
        const { batchSize, shuffle, targetLoss } = checked;
        checkPosition(position, Math.ceil(bound.length / batchSize));
        const constantRate = this.optimizer.schedule.name === "constant";
        const request: FitRequest = {
          ...common,
          loaded,
          bound,
          batchSize,
          shuffle,
          constantRate,
          stopBelow: targetLoss,
        };
        stopReason = yield* fitEpochs(request);
      } else {
        const load = (bound: Bound): Loaded => this.#programs.training(bound.length, bound.weighted);
        stopReason = yield* fitStream({ ...common, constantRate: false, source: training, bind, load });
      }
      for (const callback of callbacks) yield* settle(callback.onTrainEnd?.(recorder.last, context));
    } catch (error) {
      common.snapshot.rescue();
      throw error;
    } finally {
      for (const callback of callbacks) yield* settle(callback.onClose?.(context));
    }
    return recorder.history(stopReason);
  }

  /** The weights as they are, in the memory of the last training's copy. */
  #takeSnapshot(): Snapshot {
    const { state, executor } = this.network;
    this.#snapshot ??= new Snapshot(
      state,
      this.slots,
      allocate(executor, state.length, "a copy of the weights"),
      () => this.#resetSlots(),
    );
    this.#snapshot.take();
    return this.#snapshot;
  }

  *#evaluate(dataset: Dataset, objective: Objective, batchSize: number): Process<Evaluation> {
    const bound = bindDataset("evaluate", this.network, objective, dataset);
    return (yield* this.#sums(bound, objective, batchSize, "evaluate")).logs() as Evaluation;
  }

  *#validate(bound: Bound): Process<Logs> {
    return (yield* this.#sums(bound, this.#objective, evaluationBatch({}), "evaluate")).logs("val");
  }

  *#sums(bound: Bound, objective: Objective, batchSize: number, kind: string): Process<EpochSums> {
    const capacity = Math.min(batchSize, bound.length);
    const loaded = this.#programs.evaluation(kind, objective, capacity, bound.weighted);
    return yield* evaluateSteps(loaded, bound, capacity, this.#seed);
  }

  #rate(step: number): number {
    return this.optimizer.schedule.rate(step) * this.learningRateFactor;
  }

  #resetSlots(): void {
    const { parameterSize } = this.network.layout;
    this.optimizer.slots.forEach(({ initial }, i) => {
      this.slots.fill(initial, i * parameterSize, (i + 1) * parameterSize);
    });
  }

  #state(): TrainerState {
    const { step, epoch, batch } = this.#position.reached ?? this.#position;
    return {
      ...{ step, epoch, batch, seed: this.#seed },
      learningRateFactor: this.learningRateFactor,
      callbacks: this.#callbackStates.current(),
    };
  }
}
