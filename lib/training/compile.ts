import { checkNumber, checkOptions, expected, OptionError, unknownName } from "../errors.ts";
import { backward } from "../graph/backward.ts";
import type { GraphBuilder, Value } from "../graph/graph.ts";
import type { Network } from "../network.ts";
import { OPS } from "../ops/index.ts";
import type { OpDefinition } from "../ops/op.ts";
import type { Optimizer } from "../optimizers.ts";
import { blocksOf, isLargeMatrix, type StateEntry } from "../plan/layout.ts";
import { blockBuffer, lower } from "../plan/lower.ts";
import type { Buffer, Instruction, Plan } from "../plan/plan.ts";
import { buildHead, type Objective, type Statistic } from "./head.ts";
import type { LearningRule } from "./rules.ts";

/** Layers that are trained with another learning rate or weight decay. */
export interface ParameterGroup {
  /** Names of layers. */
  layers: readonly string[];
  /** Multiplies the optimizer's learning rate. Default 1. */
  learningRateScale?: number;
  /** Replaces the optimizer's weight decay. */
  weightDecay?: number;
}

export interface Compiled {
  readonly plan: Plan;
  /** In the order of the plan's outputs after the loss. */
  readonly statistics: readonly Statistic[];
}

/** The plan that computes loss and metrics of a batch. */
export function compileEvaluation(
  network: Network,
  objective: Objective,
  capacity: number,
  weighted: boolean,
): Compiled {
  const built = network.build(false);
  const { loss, statistics } = buildHead(network, built, objective, weighted);
  const plan = lower({
    name: "evaluate",
    graph: built.graph,
    layout: network.layout,
    capacity,
    outputs: outputsOf(loss, statistics),
  });
  return { plan, statistics };
}

export interface TrainingOptions {
  readonly objective: Objective;
  readonly optimizer: Optimizer;
  readonly groups: readonly ParameterGroup[];
  /** Replaces backpropagation. */
  readonly rule?: LearningRule | undefined;
}

/** Where parameters of different layers differ. */
interface Settings {
  readonly scale: number;
  readonly weightDecay: number;
}

/** The plan of a training step: forwards, backwards, guard, update. */
export function compileTraining(
  network: Network,
  { objective, optimizer, groups, rule }: TrainingOptions,
  capacity: number,
  weighted: boolean,
): Compiled {
  const built = network.build(true);
  const { graph } = built;
  const { loss, statistics, targets } = buildHead(network, built, objective, weighted);
  const gradients =
    rule === undefined
      ? lossGradients(graph, loss)
      : rule.gradients({ graph, output: only(built.outputs), target: only(targets) });
  if (gradients.size === 0)
    throw new OptionError("Trainer: no parameter to train: every layer is frozen or has none");
  const { layout } = network;
  const settings = (path: string): Settings => settingsOf(path, optimizer, groups);
  foldDescent(graph, optimizer, gradients, settings);
  const trained = [...gradients.keys()].map((path) => layout.entry(path));
  const plan = lower({
    name: "train",
    graph,
    layout,
    capacity,
    outputs: outputsOf(loss, statistics),
    gradients,
    guards: (buffer) => guards(buffer, trained),
    updates: [
      ...clipping(optimizer, trained, layout.parameterSize),
      ...updates(layout.parameterSize, optimizer, settings, trained),
    ],
    slotSize: optimizer.slots.length * layout.parameterSize,
  });
  return { plan, statistics };
}

function outputsOf(loss: Value, statistics: readonly Statistic[]): { name: string; value: Value }[] {
  return [{ name: "loss", value: loss }, ...statistics];
}

function only<T>(values: readonly T[]): T {
  if (values.length !== 1) throw new OptionError("Trainer: a learning rule trains networks with one output");
  return values[0] as T;
}

/** Gradients of all trained parameters by their paths. */
function lossGradients(graph: GraphBuilder, loss: Value): Map<string, Value> {
  const parameters = [...graph.states].filter(
    ([, { source }]) =>
      source.kind === "state" && source.state.kind === "parameter" && source.state.trainable,
  );
  const gradients = backward(
    loss,
    parameters.map(([, value]) => value),
  );
  return new Map(
    parameters.flatMap(([path, value]) => {
      const gradient = gradients.get(value);
      return gradient === undefined ? [] : [[path, gradient] as const];
    }),
  );
}

function instruction(
  op: string | OpDefinition,
  inputs: readonly Buffer[],
  outputs: readonly Buffer[],
  attributes: Readonly<Record<string, number>> = {},
): Instruction {
  const definition = typeof op === "string" ? (OPS.get(op) as OpDefinition) : op;
  definition.infer(
    inputs.map((input) => input.type),
    attributes,
  );
  return { op: definition, inputs, outputs, attributes, path: "" };
}

const gradientBlock = (offset: number, shape: readonly number[]): Buffer =>
  blockBuffer("gradient", offset, shape);

/** Values that an instruction may read: kMaxInputs in native/kernel.h. */
const MOST_INPUTS = 10;

/** Ends the step where the loss or a gradient is not finite. */
function guards(loss: Buffer, trained: readonly StateEntry[]): Instruction[] {
  const inputs = [loss, ...blocksOf(trained).map(({ offset, shape }) => gradientBlock(offset, shape))];
  return Array.from({ length: Math.ceil(inputs.length / MOST_INPUTS) }, (_, i) =>
    instruction("guard", inputs.slice(i * MOST_INPUTS, (i + 1) * MOST_INPUTS), []),
  );
}

/**
 * Lets ops that can (`descent`) update their parameters themselves, and takes those off the list of gradients: memory
 * for a gradient, and passes over it, are saved. An optimizer with slots is only worth it for a large matrix: small
 * parameters are updated side by side, in one instruction.
 */
function foldDescent(
  graph: GraphBuilder,
  optimizer: Optimizer,
  gradients: Map<string, Value>,
  settings: (path: string) => Settings,
): void {
  const { plain, op, attributes, slots, clipValue, clipNorm, globalClipNorm } = optimizer;
  if ((clipValue ?? clipNorm ?? globalClipNorm) !== undefined) return;
  const paths = new Map([...gradients].map(([path, gradient]) => [gradient, path]));
  for (const node of new Set([...gradients.values()].map(({ source }) => source))) {
    if (node.kind !== "node" || node.op.descent === undefined) continue;
    const { guard, update, updateBy } = node.op.descent;
    const own = node.outputs.map((output) => paths.get(output));
    if (own.some((path) => path === undefined)) continue;
    const [path] = own as [string];
    const { scale, weightDecay } = settings(path);
    const parameters = (own as string[]).map((name) => graph.states.get(name) as Value);
    const subtracts = plain === true && weightDecay === 0;
    if (!subtracts && !isLargeMatrix((parameters[0] as Value).shape)) continue;
    graph.scope(node.path, true, () => {
      graph.addGuard(guard, node.inputs);
      if (subtracts) return graph.addEffect(update, [...node.inputs, ...parameters], { scale });
      const owned = parameters.flatMap((value) => [value, ...slots.map((_, i) => graph.slot(value, i))]);
      const all = { scale, weightDecay, ...attributes, ...node.attributes };
      return graph.addEffect(updateBy(op), [...node.inputs, ...owned], all);
    });
    for (const name of own as string[]) gradients.delete(name);
  }
}

function clipping(optimizer: Optimizer, trained: readonly StateEntry[], total: number): Instruction[] {
  const clip = (op: string, limit: number, offset: number, size: number): Instruction => {
    const block = gradientBlock(offset, [size]);
    return instruction(op, [block], [block], { limit });
  };
  const { clipValue, clipNorm, globalClipNorm } = optimizer;
  return [
    ...(clipValue === undefined ? [] : [clip("clipValue", clipValue, 0, total)]),
    ...(clipNorm === undefined
      ? []
      : trained.map(({ offset, size }) => clip("clipNorm", clipNorm, offset, size))),
    ...(globalClipNorm === undefined ? [] : [clip("clipNorm", globalClipNorm, 0, total)]),
  ];
}

function settingsOf(path: string, optimizer: Optimizer, groups: readonly ParameterGroup[]): Settings {
  const layer = path.split("/")[0] as string;
  const group = groups.find(({ layers }) => layers.includes(layer));
  return {
    scale: group?.learningRateScale ?? 1,
    weightDecay: group?.weightDecay ?? optimizer.weightDecay,
  };
}

/** One instruction for each block of parameters that share their settings. */
function updates(
  parameterSize: number,
  optimizer: Optimizer,
  settings: (path: string) => Settings,
  trained: readonly StateEntry[],
): Instruction[] {
  const bySettings = new Map<string, { settings: Settings; entries: StateEntry[] }>();
  for (const entry of trained) {
    const own = settings(entry.declaration.path);
    const key = `${own.scale} ${own.weightDecay}`;
    const known = bySettings.get(key);
    if (known === undefined) bySettings.set(key, { settings: own, entries: [entry] });
    else known.entries.push(entry);
  }
  return [...bySettings.values()].flatMap(({ settings: own, entries }) =>
    blocksOf(entries).map(({ offset, shape }) => {
      const parameters = blockBuffer("state", offset, shape);
      const slots = optimizer.slots.map((_, i) => blockBuffer("slots", i * parameterSize + offset, shape));
      const inputs = [parameters, gradientBlock(offset, shape), ...slots];
      return instruction(optimizer.op, inputs, [parameters, ...slots], { ...own, ...optimizer.attributes });
    }),
  );
}

/** Checks the names and numbers of parameter groups against a network. */
export function checkGroups(network: Network, groups: readonly ParameterGroup[]): void {
  if (!Array.isArray(groups)) throw new OptionError(expected("Trainer: groups", "a list", groups));
  const names = network.layers.map((layer) => layer.name);
  const seen = new Set<string>();
  groups.forEach((group, i) => {
    const where = `Trainer: groups[${i}]`;
    checkOptions(where, group, ["layers", "learningRateScale", "weightDecay"]);
    if (!Array.isArray(group.layers)) throw new OptionError(`${where}: layers must be a list of layer names`);
    for (const layer of group.layers) {
      if (!names.includes(layer)) throw unknownName(`layer (${where})`, layer, names);
      if (seen.has(layer)) throw new OptionError(`${where}: layer "${layer}" is in two groups`);
      seen.add(layer);
    }
    checkNumber(`${where}: learningRateScale`, group.learningRateScale ?? 1, { min: 0 });
    checkNumber(`${where}: weightDecay`, group.weightDecay ?? 0, { min: 0 });
  });
}
