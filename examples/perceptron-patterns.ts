/**
 * Rosenblatt's perceptron of 1958: 400 photocells (20 by 20), eight threshold units, one for each pattern,
 * and a rule that changes weights only where a unit is wrong.
 */
import { layers, Network, Random, rules, Trainer } from "myelin";
import { isScript } from "./script.ts";

const SIZE = 20;

/** Whether the pattern is dark at a place, from -1 to 1 in both directions. */
const PATTERNS: Readonly<Record<string, (x: number, y: number) => boolean>> = {
  horizontal: (_, y) => Math.abs(y) < 0.2,
  vertical: (x) => Math.abs(x) < 0.2,
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) < 0.15,
  diagonal: (x, y) => Math.abs(x - y) < 0.25,
  circle: (x, y) => Math.abs(Math.hypot(x, y) - 0.7) < 0.15,
  disc: (x, y) => Math.hypot(x, y) < 0.6,
  frame: (x, y) => Math.max(Math.abs(x), Math.abs(y)) > 0.75,
  checkers: (x, y) => Math.floor(x * 2 + 4) % 2 === Math.floor(y * 2 + 4) % 2,
};

export const NAMES: readonly string[] = Object.keys(PATTERNS);

/** The pixels of a pattern, each flipped with probability `noise`. */
export function draw(name: string, noise: number, random: Random): number[] {
  const dark = PATTERNS[name] as (x: number, y: number) => boolean;
  return Array.from({ length: SIZE * SIZE }, (_, i) => {
    const place = (index: number): number => (2 * index + 1) / SIZE - 1;
    const pixel = dark(place(i % SIZE), place(Math.floor(i / SIZE)));
    return pixel !== random.uniform() < noise ? 1 : 0;
  });
}

function dataset(each: number, noise: number, random: Random): { x: number[][]; y: number[][] } {
  const labels = NAMES.flatMap((_, label) => Array.from({ length: each }, () => label));
  return {
    x: labels.map((label) => draw(NAMES[label] as string, noise, random)),
    y: labels.map((label) => NAMES.map((_, unit) => (unit === label ? 1 : 0))),
  };
}

export interface PerceptronResult {
  /** Share of new noisy patterns for which all eight units are right. */
  accuracy: number;
  /** Epochs until no unit was wrong any more. */
  epochs: number;
  network: Network;
}

/** @param noise probability that a pixel is flipped, in training and test */
export function perceptronPatterns({ seed = 1, noise = 0.1 } = {}): PerceptronResult {
  const random = new Random(seed);
  const network = new Network({
    input: [SIZE * SIZE],
    layers: [layers.dense({ units: NAMES.length, activation: "step", kernelInitializer: "zeros" })],
    seed,
  });
  const trainer = new Trainer(network, { rule: rules.perceptron() });
  // The loss counts mistakes: below the smallest share of one it is 0.
  const { epochs } = trainer.fitSync(dataset(20, noise, random), {
    epochs: 200,
    batchSize: 1,
    targetLoss: 1e-6,
  });
  const test = dataset(50, noise, random);
  const { data } = network.predict(test.x);
  const right = test.y.filter((units, i) => units.every((unit, j) => unit === data[i * NAMES.length + j]));
  return { accuracy: right.length / test.y.length, epochs, network };
}

if (isScript(import.meta.url)) {
  const { accuracy, epochs, network } = perceptronPatterns();
  const name = "circle";
  const pixels = draw(name, 0.1, new Random(7));
  for (let row = 0; row < SIZE; row++) {
    console.log(
      pixels
        .slice(row * SIZE, (row + 1) * SIZE)
        .map((pixel) => (pixel === 1 ? "██" : "  "))
        .join(""),
    );
  }
  const units = [...network.predict(pixels).data];
  console.log(`this is a ${name}; units that fire: ${NAMES.filter((_, i) => units[i] === 1).join(", ")}`);
  console.log(
    `no mistakes after ${epochs} epochs; ${(100 * accuracy).toFixed(1)} % of new patterns are right`,
  );
}
