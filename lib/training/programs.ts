import type { Network } from "../network.ts";
import { type Compiled, compileEvaluation, compileTraining, type TrainingOptions } from "./compile.ts";
import type { Loaded } from "./fit.ts";
import type { Objective } from "./head.ts";

/** The programs of one trainer, each compiled anew only when it needs more room or other layers are frozen. */
export class Programs {
  readonly #network: Network;
  readonly #options: TrainingOptions;
  readonly #slots: Float32Array;
  readonly #loaded = new Map<string, Loaded & { capacity: number }>();

  /** @param slots the optimizer's memory */
  constructor(network: Network, options: TrainingOptions, slots: Float32Array) {
    this.#network = network;
    this.#options = options;
    this.#slots = slots;
  }

  /** A training step. @param capacity the largest batch */
  training(capacity: number, weighted: boolean): Loaded {
    const frozen = this.#network.layers.filter((layer) => !layer.trainable).map((layer) => layer.name);
    const key = ["train", weighted, ...frozen].join(" ");
    return this.#load(key, capacity, () => this.compileTraining(capacity, weighted));
  }

  /** A step of evaluation. @param kind tells objectives apart */
  evaluation(kind: string, objective: Objective, capacity: number, weighted: boolean): Loaded {
    const compile = () => compileEvaluation(this.#network, objective, capacity, weighted);
    return this.#load(`${kind} ${weighted}`, capacity, compile);
  }

  /** The plan of a training step and what it tells. */
  compileTraining(capacity: number, weighted: boolean): Compiled {
    return compileTraining(this.#network, this.#options, capacity, weighted);
  }

  #load(key: string, capacity: number, compile: () => Compiled): Loaded {
    const known = this.#loaded.get(key);
    if (known !== undefined && known.capacity >= capacity) return known;
    const { plan, statistics } = compile();
    const { program } = this.#network.load(plan, { slots: this.#slots });
    const loaded = { plan, program, statistics, capacity };
    this.#loaded.set(key, loaded);
    return loaded;
  }
}
