/**
 * A 3-4-4-1 network learns a smooth function of three numbers of very different sizes, which is why they
 * are standardized; the mean absolute error of every hundredth epoch is drawn as a curve.
 */
import { writeFile } from "node:fs/promises";
import { data, layers, Network, optimizers, plotCurves, Random, Trainer } from "myelin";
import { argument, isScript } from "./script.ts";

const EPOCHS = 2000;
const EVERY = 100;

/** Age, income and distance; the target, from 0 to 1, falls with distance and rises with the others. */
function samples(count: number, seed: number): { x: number[][]; y: number[] } {
  const random = new Random(seed);
  const x = Array.from({ length: count }, () => [
    20 + 60 * random.uniform(),
    20_000 + 80_000 * random.uniform(),
    2 * random.uniform(),
  ]);
  const y = x.map(([age = 0, income = 0, distance = 0]) => {
    const wish = (age - 50) / 15 + (income - 60_000) / 25_000 - 2 * (distance - 1);
    return 1 / (1 + Math.exp(-wish));
  });
  return { x, y };
}

export interface RegressionResult {
  /** Mean absolute error after 100, 200, ... epochs. */
  errors: number[];
  /** Of samples that were not trained on. */
  testError: number;
  /** The curve as a picture. */
  svg: string;
  network: Network;
}

export async function regressionCurve(seed = 1): Promise<RegressionResult> {
  const train = samples(60, seed);
  const scaler = new data.StandardScaler().fit(train.x);
  const network = new Network({
    input: [3],
    layers: [
      layers.dense({ units: 4, activation: "relu" }),
      layers.dense({ units: 4, activation: "tanh" }),
      layers.dense({ units: 1, activation: "sigmoid" }),
    ],
    seed,
    preprocessing: { scaler },
  });
  const trainer = new Trainer(network, {
    loss: "meanSquaredError",
    optimizer: optimizers.sgd({ learningRate: 0.05 }),
    metrics: ["meanAbsoluteError"],
  });
  const standardized = { x: scaler.transform(train.x), y: train.y };
  const { logs } = await trainer.fit(standardized, { epochs: EPOCHS, batchSize: 2 });
  const errors = (logs.meanAbsoluteError ?? []).filter((_, epoch) => (epoch + 1) % EVERY === 0);
  const test = samples(200, seed + 1);
  const { meanAbsoluteError } = await trainer.evaluate({ x: scaler.transform(test.x), y: test.y });
  const svg = plotCurves(
    [{ name: "mean absolute error", values: errors, x: errors.map((_, i) => (i + 1) * EVERY) }],
    {
      title: "3-4-4-1 regression",
      xLabel: "epoch",
      yLabel: "mean absolute error",
    },
  );
  return { errors, testError: meanAbsoluteError as number, svg, network };
}

if (isScript(import.meta.url)) {
  const { errors, testError, svg } = await regressionCurve();
  const file = argument("out") ?? "regression-curve.svg";
  await writeFile(file, svg);
  console.log(
    `mean absolute error: ${errors[0]?.toFixed(4)} after ${EVERY} epochs, ${errors.at(-1)?.toFixed(4)} after ${EPOCHS}`,
  );
  console.log(`on new samples: ${testError.toFixed(4)}; the curve is in ${file}`);
}
