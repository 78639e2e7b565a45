import { expected, FileError, MyelinError } from "../errors.ts";
import { PRECISIONS, type Precision } from "../graph/graph.ts";
import { LAYER_OPTIONS, type Layer, type LayerConfig, SymbolicTensor } from "../layers/layer.ts";
import { createLayer, type LayerFactory } from "../layers/registry.ts";
import type { Ends, Topology } from "../topology.ts";
import { arrayAt, indexAt, objectAt, stringAt, toJson } from "./json.ts";

/** A layer as model files hold it. */
interface LayerJSON {
  readonly name: string;
  readonly kind: string;
  readonly trainable: boolean;
  readonly config: LayerConfig;
}

/** A layer applied once; a shared layer has several of these. Numbers are places in lists. */
interface ConnectionJSON {
  /** In `layers`. */
  readonly layer: number;
  /** In the list of tensors: the inputs first, then the result of each connection. */
  readonly inputs: readonly number[];
}

/** A network without its weights, as JSON. */
export interface ArchitectureJSON {
  readonly name: string;
  readonly precision: Precision;
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly layers: readonly LayerJSON[];
  /** In an order in which each comes after those it reads. */
  readonly connections: readonly ConnectionJSON[];
  /** Tensors, numbered as in `ConnectionJSON`. */
  readonly outputs: readonly number[];
}

const HINT =
  ". Use a name instead of a function, or a layer of your own with a `kind`, " +
  "and give its factory at load: Network.load(path, { layers: { kind: factory } })";

/**
 * Describes a network.
 * @param trainable whether the layer of that name is trained
 * @throws OptionError for a layer whose configuration JSON cannot hold
 */
export function architectureToJSON(
  { name, precision, topology }: { name: string; precision: Precision; topology: Topology },
  trainable: (layer: string) => boolean,
): ArchitectureJSON {
  const layers: LayerJSON[] = [];
  const places = new Map<Layer, number>();
  const tensors = new Map(topology.inputs.map(({ tensor }, i) => [tensor, i]));
  const connections: ConnectionJSON[] = [];
  for (const { tensor, name: layerName } of topology.steps) {
    const layer = tensor.layer as Layer;
    const place = places.get(layer) ?? places.size;
    if (place === places.size) {
      places.set(layer, place);
      const config = configToJSON(`layer "${layerName}"`, layer.config());
      layers.push({ name: layerName, kind: layer.kind, trainable: trainable(layerName), config });
    }
    tensors.set(tensor, tensors.size);
    connections.push({ layer: place, inputs: tensor.inputs.map((input) => tensors.get(input) as number) });
  }
  const inputs = topology.inputs.map((input) => ({ name: input.name, shape: input.tensor.shape ?? [] }));
  const outputs = topology.outputs.map((tensor) => tensors.get(tensor) as number);
  return { name, precision, inputs, layers, connections, outputs };
}

/** Options that a file holds beside the configuration. */
const SHARED: readonly string[] = LAYER_OPTIONS;

/** Functions that initialize are left out: what they made is in the file. */
function configToJSON(where: string, config: LayerConfig): LayerConfig {
  const kept = Object.entries(config).filter(
    ([key, value]) => !SHARED.includes(key) && !(key.endsWith("Initializer") && isNameless(value)),
  );
  return toJson(Object.fromEntries(kept), where, HINT) as LayerConfig;
}

function isNameless(value: unknown): boolean {
  return typeof value === "function" && !("toJSON" in value);
}

/**
 * Makes the layers of a file and connects them.
 * @param custom factories of the user's own layers, by kind
 * @throws FileError that says which part of the description is wrong
 */
export function architectureFromJSON(
  json: unknown,
  where: string,
  custom: Readonly<Record<string, LayerFactory>>,
): Ends & { readonly name: string; readonly precision: Precision; readonly connections: number } {
  const fields = objectAt(json, where);
  const at = (key: string): readonly unknown[] => arrayAt(fields[key], `${where}.${key}`);
  const layers = at("layers").map((layer, i) => layerFromJSON(layer, `${where}.layers[${i}]`, custom));
  const inputs = at("inputs").map((input, i) => inputFromJSON(input, `${where}.inputs[${i}]`));
  const tensors = [...inputs];
  const pick = <T>(list: readonly T[], index: unknown, place: string): T =>
    list[indexAt(index, place, list.length)] as T;
  at("connections").forEach((connection, i) => {
    const place = `${where}.connections[${i}]`;
    const { layer, inputs: sources } = objectAt(connection, place);
    const read = arrayAt(sources, `${place}.inputs`).map((source, j) =>
      pick(tensors, source, `${place}.inputs[${j}]`),
    );
    tensors.push(new SymbolicTensor(pick(layers, layer, `${place}.layer`), read));
  });
  const outputs = at("outputs").map((output, i) => pick(tensors, output, `${where}.outputs[${i}]`));
  return {
    name: stringAt(fields.name, `${where}.name`),
    precision: precisionAt(fields.precision, `${where}.precision`),
    inputs,
    outputs,
    connections: at("connections").length,
  };
}

/** Files of the first version have none: all was float32. */
function precisionAt(value: unknown, where: string): Precision {
  const known = PRECISIONS.find((precision) => precision === (value ?? "float32"));
  if (known !== undefined) return known;
  throw new FileError(expected(where, '"float32" or "bf16"', value));
}

function inputFromJSON(json: unknown, where: string): SymbolicTensor {
  const { name, shape } = objectAt(json, where);
  const dimensions = arrayAt(shape, `${where}.shape`).map((dimension, i) => {
    const size = indexAt(dimension, `${where}.shape[${i}]`);
    if (size === 0) throw new FileError(`${where}.shape[${i}] must be positive, got 0`);
    return size;
  });
  return new SymbolicTensor(undefined, [], dimensions, stringAt(name, `${where}.name`));
}

function layerFromJSON(json: unknown, where: string, custom: Readonly<Record<string, LayerFactory>>): Layer {
  const { name: nameField, kind: kindField, trainable, config } = objectAt(json, where);
  const [name, kind] = [stringAt(nameField, `${where}.name`), stringAt(kindField, `${where}.kind`)];
  const options = { ...objectAt(config, `${where}.config`), name, trainable };
  const layer = asFileError(`${where} (layer "${name}" of kind "${kind}")`, () =>
    createLayer(kind, options, custom),
  );
  if (layer.name === name && layer.trainable === trainable) return layer;
  throw new FileError(
    `${where}: the factory of layer kind "${kind}" must hand the options \`name\` and \`trainable\` on to Layer's constructor`,
  );
}

/** What goes wrong in building what a file describes is the file's error. */
export function asFileError<T>(where: string, build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (error instanceof FileError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const hint = error instanceof MyelinError && /unknown layer kind/.test(message) ? CUSTOM_HINT : "";
    throw new FileError(`${where}: ${message}${hint}`, { cause: error });
  }
}

const CUSTOM_HINT = ". The factory of a layer of your own goes into Network.load(path, { layers })";
