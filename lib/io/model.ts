import { type Preprocessing, preprocessingFromJSON } from "../data/preprocessing.ts";
import { expected, FileError, OptionError } from "../errors.ts";
import type { Precision } from "../graph/graph.ts";
import type { LayerFactory } from "../layers/registry.ts";
import { StateLayout } from "../plan/layout.ts";
import { buildGraph, type Ends, type Topology, topologyOf } from "../topology.ts";
import { architectureFromJSON, architectureToJSON, asFileError } from "./architecture.ts";
import { verifyChecksum } from "./checksum.ts";
import { isMyelinFile, readFields, writeFile } from "./format.ts";
import { objectAt, seedAt } from "./json.ts";
import { checkPath, readSafetensors } from "./safetensors.ts";
import { checkTensors, copyWeights, readWeights, shapesOf, type WeightMap, type Weights } from "./weights.ts";

/** Preprocessing objects by the names under which they are saved with a model. */
export type PreprocessingMap = Record<string, Preprocessing>;

/** What is saved of a network. */
export interface Model extends Weights {
  readonly name: string;
  readonly seed: readonly [number, number];
  readonly precision: Precision;
  readonly topology: Topology;
  readonly preprocessing: Readonly<PreprocessingMap>;
  layer(name: string): { readonly trainable: boolean };
}

/** What a model file holds, checked. */
export interface LoadedModel extends Ends {
  readonly name: string;
  readonly seed: readonly [number, number];
  readonly precision: Precision;
  readonly preprocessing: PreprocessingMap;
  readonly weights: WeightMap;
}

/** Writes weights, architecture, seed and preprocessing as they are at the call, whole or not at all. */
export async function saveModel(path: string, model: Model): Promise<void> {
  checkPath("save: path", path);
  const architecture = architectureToJSON(model, (layer) => model.layer(layer).trainable);
  const { seed } = model;
  const preprocessing = checkPreprocessing("save: preprocessing", model.preprocessing);
  await writeFile(path, "model", { architecture, seed, preprocessing }, copyWeights(model));
}

/** Throws unless every entry is one of the objects that can be saved. */
export function checkPreprocessing(where: string, preprocessing: unknown): Readonly<PreprocessingMap> {
  if (typeof preprocessing !== "object" || preprocessing === null || Array.isArray(preprocessing)) {
    throw new OptionError(expected(where, "an object of scalers and encoders by name", preprocessing));
  }
  for (const [name, value] of Object.entries(preprocessing) as [string, Partial<Preprocessing> | null][]) {
    if (typeof value?.kind === "string" && typeof value.toJSON === "function") continue;
    throw new OptionError(expected(`${where}.${name}`, "a scaler or encoder of `data`", value));
  }
  return preprocessing as PreprocessingMap;
}

/**
 * Reads a model file. Memory is taken only for tensors whose shapes agree with the architecture and the
 * file's size.
 * @param layers factories of the user's own layers, by kind
 */
export async function loadModel(
  path: string,
  layers: Readonly<Record<string, LayerFactory>> = {},
): Promise<LoadedModel> {
  return readSafetensors(checkPath("Network.load: path", path), async (file) => {
    const { where } = file;
    const fields = await readFields(file, "model", ["architecture", "seed", "preprocessing"]);
    const place = `${where}: architecture`;
    const { connections, ...network } = architectureFromJSON(fields.architecture, place, layers);
    const layout = asFileError(place, () => layoutOf(network, connections));
    const seed = seedAt(fields.seed, `${where}: seed`);
    const preprocessing = readPreprocessing(fields.preprocessing, `${where}: preprocessing`);
    checkTensors(file, shapesOf(layout));
    return { ...network, seed, preprocessing, weights: await readWeights(file, layout) };
  });
}

/** The places of the weights, found without making room for them. */
function layoutOf(ends: Ends, connections: number): StateLayout {
  const topology = topologyOf(ends);
  if (topology.steps.length !== connections) throw new FileError("some layers lead to no output");
  return new StateLayout(buildGraph(topology, { training: false }).graph);
}

function readPreprocessing(json: unknown, where: string): PreprocessingMap {
  const entries = Object.entries(objectAt(json, where)).map(([name, value]) => {
    const place = `${where}.${name}`;
    return [name, asFileError(where, () => preprocessingFromJSON(value, place))] as const;
  });
  return Object.fromEntries(entries);
}

/** Reads the weights of a network, and nothing else, from a model file, a checkpoint or a file of another program. */
export async function loadWeights(path: string, layout: StateLayout): Promise<WeightMap> {
  return readSafetensors(checkPath("loadWeights: path", path), async (file) => {
    const own = isMyelinFile(file);
    if (own && file.metadata.has("checksum")) await verifyChecksum(file);
    // What a checkpoint holds besides has a colon in its name, which no layer's name may have.
    checkTensors(file, shapesOf(layout), (name) => own && name.includes(":"));
    return readWeights(file, layout);
  });
}
