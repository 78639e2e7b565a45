export { checkClasses, checkFinite } from "./checks.ts";
export type { Column, ColumnSource, DataSource, NestedArray } from "./column.ts";
export { type CsvColumnOptions, type CsvOptions, type CsvSource, readCsv } from "./csv.ts";
export {
  type Batch,
  Dataset,
  type DatasetParts,
  type DatasetSource,
  type SplitOptions,
} from "./dataset.ts";
export { type SyntheticDigitsOptions, syntheticDigits } from "./digits.ts";
export type { DownloadProgress } from "./download.ts";
export { LabelEncoder, type LabelEncoderJSON, OneHotEncoder, type OneHotEncoderJSON } from "./encoders.ts";
export { parseIdx, readIdx } from "./idx.ts";
export type { Label } from "./json.ts";
export type { Filling, MissingPolicy } from "./missing.ts";
export { type MnistOptions, mnist, mnistCache, type TrainAndTest } from "./mnist.ts";
export { type Preprocessing, type PreprocessingJSON, preprocessingFromJSON } from "./preprocessing.ts";
export { MinMaxScaler, type MinMaxScalerJSON, StandardScaler, type StandardScalerJSON } from "./scalers.ts";
export { type BatchIterable, type BatchSource, batchStream, isBatchSource } from "./stream.ts";
export { Table, type TableDatasetOptions, type TableParts } from "./table.ts";
export type {
  CategoryColumn,
  NumericColumn,
  TableColumn,
  TableColumnType,
  TextColumn,
} from "./table-columns.ts";
