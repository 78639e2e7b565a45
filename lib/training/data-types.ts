import type { ColumnSource, DataSource } from "../data/column.ts";
import type { Dataset } from "../data/dataset.ts";
import type { BatchSource } from "../data/stream.ts";
import type { Layer } from "../layers/layer.ts";
import type { LossName } from "../losses.ts";
import type { ChainShape, RowsOf, Samples, Shape } from "../shape-types.ts";
import type { NumericArray } from "../tensor.ts";

/** Losses whose targets are one class index a row. */
export type SparseLossName = "sparseCategoricalCrossentropy" | "scce" | "negativeLogLikelihood" | "nll";

/** Any data of one column whose nesting fits a shape; all data where the shape is not known. */
type SamplesOf<S extends Shape> = number extends S["length"]
  ? DataSource | readonly DataSource[]
  : Samples<S> | NumericArray | ColumnSource;

/** Targets as output shape and loss ask for: class indices, rows, or numbers where the output is one wide. */
type TargetsOf<O extends Shape, K> = number extends O["length"]
  ? DataSource | readonly DataSource[]
  : K extends SparseLossName
    ? SamplesOf<RowsOf<O>>
    : K extends LossName
      ? SamplesOf<O> | (O extends readonly [1] ? readonly number[] : never)
      : DataSource;

/** Inputs and targets of these types. */
interface Source<X, Y> {
  readonly x: X;
  readonly y?: Y;
  readonly sampleWeight?: DataSource;
}

/** Data that the compiler holds against a network's shapes and its loss. */
export type EvaluationData<I extends Shape, L extends readonly Layer[], K> =
  | Source<SamplesOf<I>, TargetsOf<ChainShape<I, L>, K>>
  | Dataset;

export type TypedTrainingData<I extends Shape, L extends readonly Layer[], K> =
  | EvaluationData<I, L, K>
  | BatchSource;
