import { DataError, expected, MyelinError, ShapeError } from "../errors.ts";
import { formatShape, sameShape } from "../tensor.ts";
import type { Column } from "./column.ts";
import { Dataset, type DatasetSource } from "./dataset.ts";

/** Batches, one after the other. */
export type BatchIterable = Iterable<DatasetSource | Dataset> | AsyncIterable<DatasetSource | Dataset>;

/** Batches for data that does not fit in memory; a function is asked for a fresh pass every epoch. */
export type BatchSource = BatchIterable | (() => BatchIterable);

/** Whether `data` is a source of batches rather than the data itself. */
export function isBatchSource(data: unknown): data is BatchSource {
  if (typeof data === "function") return true;
  if (typeof data !== "object" || data === null || Array.isArray(data) || ArrayBuffer.isView(data))
    return false;
  return Symbol.asyncIterator in data || Symbol.iterator in data;
}

/**
 * The batches of a source as datasets, each validated as `Dataset.from` does. The next batch is
 * asked for while the caller works on the current one. All batches must have the first one's columns.
 * @throws DataError or ShapeError that starts with `batch 3: `; an error of the source itself is its `cause`
 */
export async function* batchStream(source: BatchSource): AsyncGenerator<Dataset, void, undefined> {
  const iterator = open(source);
  let first: Dataset | undefined;
  let pending = ask(iterator);
  try {
    for (let number = 0; ; number++) {
      const { value, error } = await pending;
      if (error !== undefined) throw located(number, error.thrown);
      if (value === undefined || value.done) return;
      pending = ask(iterator);
      const batch = convert(value.value, number, first);
      first ??= batch;
      yield batch;
    }
  } finally {
    // The caller may have stopped early: let the request in flight end, then close the source.
    const { value } = await pending;
    if (value !== undefined && !value.done) await iterator.return?.();
  }
}

type Answer =
  | { value: IteratorResult<DatasetSource | Dataset>; error?: undefined }
  | { value?: undefined; error: { thrown: unknown } };

type BatchIterator = Iterator<DatasetSource | Dataset> | AsyncIterator<DatasetSource | Dataset>;

function open(source: BatchSource): BatchIterator {
  const iterable: BatchIterable = typeof source === "function" ? source() : source;
  if (typeof iterable === "object" && iterable !== null) {
    if (Symbol.asyncIterator in iterable) return iterable[Symbol.asyncIterator]();
    if (Symbol.iterator in iterable) return iterable[Symbol.iterator]();
  }
  throw new DataError(
    expected("the source of batches", "an iterable or async iterable of { x, y }", iterable),
  );
}

/** Never rejects, so that a batch that is asked for ahead cannot become an unhandled rejection. */
async function ask(iterator: BatchIterator): Promise<Answer> {
  try {
    return { value: await iterator.next() };
  } catch (thrown) {
    return { error: { thrown } };
  }
}

function convert(value: DatasetSource | Dataset, number: number, first: Dataset | undefined): Dataset {
  try {
    const batch = Dataset.from(value);
    if (first !== undefined) checkSameColumns(batch, first);
    return batch;
  } catch (error) {
    throw located(number, error);
  }
}

function checkSameColumns(batch: Dataset, first: Dataset): void {
  checkSameShapes("x", batch.inputs, first.inputs);
  checkSameShapes("y", batch.targets, first.targets);
  const weighted = batch.sampleWeight !== undefined;
  if (weighted === (first.sampleWeight !== undefined)) return;
  throw new DataError(
    `sampleWeight must be in all batches or in none; batch 0 has ${weighted ? "none" : "it"}`,
  );
}

function checkSameShapes(name: string, columns: readonly Column[], first: readonly Column[]): void {
  if (columns.length !== first.length) {
    throw new ShapeError(`${name} must have ${first.length} columns as in batch 0, got ${columns.length}`);
  }
  columns.forEach((column, i) => {
    const before = (first[i] as Column).shape;
    if (sameShape(column.shape, before)) return;
    const samples = `samples of shape ${formatShape(before)} as in batch 0`;
    throw new ShapeError(`${name} must have ${samples}, got ${formatShape(column.shape)}`);
  });
}

function located(number: number, thrown: unknown): Error {
  const message = `batch ${number}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  if (thrown instanceof ShapeError) return new ShapeError(message, { cause: thrown });
  if (thrown instanceof MyelinError) return new DataError(message, { cause: thrown });
  return new DataError(`${message} (thrown by the source of batches)`, { cause: thrown });
}
