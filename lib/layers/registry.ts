import { OptionError, unknownName } from "../errors.ts";
import { activation, prelu } from "./activation.ts";
import { dense } from "./dense.ts";
import { Layer, type LayerConfig } from "./layer.ts";
import { add, average, concatenate, multiply } from "./merge.ts";
import { dropout, gaussianNoise } from "./noise.ts";
import { batchNormalization, layerNormalization } from "./normalization.ts";
import { flatten, reshape } from "./shape.ts";

/** Makes a layer from the options that a model file holds; it checks them itself. */
export type LayerFactory = (options: never) => Layer;

const FACTORIES: Readonly<Record<string, LayerFactory>> = {
  activation,
  add,
  average,
  batchNormalization,
  concatenate,
  dense,
  dropout,
  flatten,
  gaussianNoise,
  layerNormalization,
  multiply,
  prelu,
  reshape,
};

/**
 * The layer of a kind with the options that a model file holds.
 * @param custom factories of the user's own layers, by kind
 */
export function createLayer(
  kind: string,
  options: LayerConfig,
  custom: Readonly<Record<string, LayerFactory>> = {},
): Layer {
  const factories = { ...FACTORIES, ...custom };
  if (!Object.hasOwn(factories, kind)) throw unknownName("layer kind", kind, Object.keys(factories));
  const layer = (factories[kind] as (options: LayerConfig) => Layer)(options);
  if (!(layer instanceof Layer))
    throw new OptionError(`the factory of layer kind "${kind}" must return a Layer`);
  return layer;
}
