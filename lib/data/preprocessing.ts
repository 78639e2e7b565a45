import { DataError, describe } from "../errors.ts";
import { LabelEncoder, type LabelEncoderJSON, OneHotEncoder, type OneHotEncoderJSON } from "./encoders.ts";
import { fieldsOf } from "./json.ts";
import { MinMaxScaler, type MinMaxScalerJSON, StandardScaler, type StandardScalerJSON } from "./scalers.ts";

/** Something that was fitted to data and is saved with a model, told apart by `kind`. */
export type Preprocessing = StandardScaler | MinMaxScaler | LabelEncoder | OneHotEncoder;

/** What `toJSON()` of a preprocessing object gives. */
export type PreprocessingJSON = StandardScalerJSON | MinMaxScalerJSON | LabelEncoderJSON | OneHotEncoderJSON;

type Kind = Preprocessing["kind"];

const kReaders: { readonly [K in Kind]: (json: unknown, where: string) => Preprocessing } = {
  standardScaler: StandardScaler.fromJSON,
  minMaxScaler: MinMaxScaler.fromJSON,
  labelEncoder: LabelEncoder.fromJSON,
  oneHotEncoder: OneHotEncoder.fromJSON,
};

/**
 * The preprocessing object that `toJSON()` described, from a file that may hold anything.
 * @param where how messages name it
 * @throws DataError that names the field that is wrong
 */
export function preprocessingFromJSON(json: unknown, where = "preprocessing"): Preprocessing {
  const { kind } = fieldsOf(json, where);
  if (typeof kind === "string" && Object.hasOwn(kReaders, kind)) return kReaders[kind as Kind](json, where);
  throw new DataError(
    `${where}.kind must be one of ${Object.keys(kReaders).join(", ")}, got ${describe(kind)}`,
  );
}
