/**
 * Three species of iris by four lengths: a CSV file becomes a table, the table a dataset, the dataset is
 * standardized and learned. `node examples/iris.ts --data iris.csv` reads a file with the columns
 * sepal_length, sepal_width, petal_length, petal_width and species; without one, flowers are drawn from
 * normal distributions with about the means and deviations of Anderson's and Fisher's.
 */
import { callbacks, data, layers, Network, optimizers, Random, Trainer } from "myelin";
import { argument, isScript } from "./script.ts";

const LENGTHS = ["sepal_length", "sepal_width", "petal_length", "petal_width"] as const;

/** Mean and standard deviation of each length, in centimetres. */
const SPECIES = {
  setosa: [
    [5.0, 0.35],
    [3.4, 0.38],
    [1.5, 0.17],
    [0.2, 0.1],
  ],
  versicolor: [
    [5.9, 0.52],
    [2.8, 0.31],
    [4.3, 0.47],
    [1.3, 0.2],
  ],
  virginica: [
    [6.6, 0.64],
    [3.0, 0.32],
    [5.6, 0.55],
    [2.0, 0.27],
  ],
} as const;

/** A CSV file of generated flowers. */
export function generateFlowers(each: number, seed: number): string {
  const random = new Random(seed);
  const lines = Object.entries(SPECIES).flatMap(([species, lengths]) =>
    Array.from({ length: each }, () => {
      const size = random.normal();
      // The lengths of one flower go together: large flowers are large in everything.
      const values = lengths.map(
        ([mean, deviation]) => mean + deviation * (0.7 * size + 0.7 * random.normal()),
      );
      return [...values.map((value) => Math.max(value, 0.1).toFixed(1)), species].join(",");
    }),
  );
  return [[...LENGTHS, "species"].join(","), ...lines, ""].join("\n");
}

export interface IrisResult {
  source: string;
  /** Of the fifth of the flowers that was not trained on. */
  accuracy: number;
  /** By true and predicted species. */
  confusion: number[][];
  species: readonly string[];
  epochs: number;
}

export async function iris({
  path,
  seed = 1,
}: {
  path?: string | undefined;
  seed?: number;
} = {}): Promise<IrisResult> {
  const table = await data.readCsv(path ?? generateFlowers(50, seed), { columns: { species: "category" } });
  const species = table.column("species");
  if (species.type !== "category") throw new Error("species must be a category");
  const [train, test] = table.dataset({ inputs: LENGTHS, target: "species" }).split(0.8, { seed });
  const scaler = new data.StandardScaler().fit(train);
  const network = new Network({
    input: [LENGTHS.length],
    layers: [
      layers.dense({ units: 16, activation: "relu" }),
      layers.dense({ units: species.categories.length, activation: "softmax" }),
    ],
    seed,
    preprocessing: { lengths: scaler },
  });
  const trainer = new Trainer(network, {
    loss: "sparseCategoricalCrossentropy",
    optimizer: optimizers.adam({ learningRate: 0.01 }),
    metrics: ["accuracy"],
  });
  const { epochs } = await trainer.fit(scaler.transform(train), {
    epochs: 100,
    batchSize: 16,
    callbacks: [callbacks.earlyStopping({ monitor: "loss", patience: 10 })],
  });
  const scaled = scaler.transform(test);
  const { accuracy } = await trainer.evaluate(scaled);
  return {
    source: path ?? "generated flowers",
    accuracy: accuracy as number,
    confusion: trainer.confusionMatrix(scaled),
    species: species.categories,
    epochs,
  };
}

if (isScript(import.meta.url)) {
  const { source, accuracy, confusion, species, epochs } = await iris({ path: argument("data") });
  console.log(`${source}: ${(100 * accuracy).toFixed(1)} % right after ${epochs} epochs`);
  for (const [i, row] of confusion.entries())
    console.log(`  ${species[i]?.padEnd(12)}${row.map((count) => String(count).padStart(4)).join("")}`);
}
