import { expected, OptionError } from "../errors.ts";
import type { Value } from "../graph/graph.ts";
import { type Loss, type LossLike, resolveLoss } from "../losses.ts";
import { type Metric, type MetricLike, resolveMetric } from "../metrics.ts";
import type { BuiltGraph, Network } from "../network.ts";
import { add, affine } from "../ops/functions.ts";

/** A loss and metrics for each output of a network. */
export interface Objective {
  readonly losses: readonly Loss[];
  readonly weights: readonly number[];
  readonly metrics: readonly (readonly Metric[])[];
}

export interface Statistic {
  /** Key in logs. */
  readonly name: string;
  readonly metric: Metric;
  readonly value: Value;
}

/** What a training or evaluation adds to a network's graph. */
export interface Head {
  readonly loss: Value;
  readonly statistics: readonly Statistic[];
  readonly targets: readonly Value[];
  readonly predictions: readonly Value[];
}

export interface ObjectiveOptions {
  loss: LossLike | readonly LossLike[];
  lossWeights?: readonly number[] | undefined;
  metrics?: readonly MetricLike[] | readonly (readonly MetricLike[])[] | undefined;
}

/** Resolves names of losses and metrics for the outputs of a network, and tries whether they fit them. */
export function objectiveFor(network: Network, options: ObjectiveOptions): Objective {
  const built = network.build(false);
  const { outputs } = built;
  const likes: readonly LossLike[] = Array.isArray(options.loss) ? options.loss : [options.loss as LossLike];
  if (likes.length !== outputs.length) {
    throw new OptionError(
      `Trainer: loss must have one entry an output (${outputs.length}), got ${likes.length}`,
    );
  }
  const losses = likes.map((like) => resolveLoss(like));
  const given = options.metrics ?? [];
  if (!Array.isArray(given)) throw new OptionError(expected("Trainer: metrics", "a list", given));
  const nested = given.length > 0 && given.every(Array.isArray);
  const lists = nested
    ? (given as readonly (readonly MetricLike[])[])
    : outputs.map(() => given as readonly MetricLike[]);
  if (lists.length !== outputs.length) {
    throw new OptionError(
      `Trainer: metrics must have one list an output (${outputs.length}), got ${lists.length}`,
    );
  }
  const metrics = outputs.map((output, i) =>
    (lists[i] as readonly MetricLike[]).map((metric) =>
      resolveMetric(metric, { loss: losses[i] as Loss, prediction: output.type }),
    ),
  );
  const weights = options.lossWeights ?? losses.map(() => 1);
  if (!Array.isArray(weights)) throw new OptionError(expected("Trainer: lossWeights", "a list", weights));
  if (weights.length !== losses.length || !weights.every(Number.isFinite)) {
    throw new OptionError(
      `Trainer: lossWeights must be ${losses.length} finite numbers, got [${weights.join(", ")}]`,
    );
  }
  const objective = { losses, weights, metrics };
  buildHead(network, built, objective, false);
  return objective;
}

/** Adds targets, losses, penalties and metric statistics to a network's graph. */
export function buildHead(
  network: Network,
  built: BuiltGraph,
  objective: Objective,
  weighted: boolean,
): Head {
  const { graph, outputs } = built;
  const targets = outputs.map((output, i) => {
    const loss = objective.losses[i] as Loss;
    return graph.input(outputs.length === 1 ? "y" : `y[${i}]`, loss.targetType(output.type));
  });
  const weight = weighted ? graph.input("sampleWeight", []) : undefined;
  const results = outputs.map((output, i) =>
    (objective.losses[i] as Loss).build(output, targets[i] as Value, weight),
  );
  const terms = results.map(({ loss }, i) => scale(loss, objective.weights[i] as number));
  const loss = [...terms, ...graph.penalties].reduce((total, term) => add(total, term));
  const predictions = results.map(({ prediction }) => prediction);
  const statistics = objective.metrics.flatMap((metrics, i) =>
    metrics.map((metric) => ({
      name: outputs.length === 1 ? metric.name : `${network.topology.outputNames[i]}.${metric.name}`,
      metric,
      value: metric.statistics(predictions[i] as Value, targets[i] as Value, weight),
    })),
  );
  checkNames(statistics);
  return { loss, statistics, targets, predictions };
}

function scale(loss: Value, weight: number): Value {
  return weight === 1 ? loss : affine(loss, weight);
}

function checkNames(statistics: readonly Statistic[]): void {
  const names = new Set<string>(["loss"]);
  for (const { name } of statistics) {
    if (names.has(name)) throw new OptionError(`Trainer: two quantities are named "${name}"`);
    names.add(name);
  }
}
