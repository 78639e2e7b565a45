/**
 * Learning without errors. Hebb's rule associates patterns with others and recalls them from damaged
 * ones; Oja's rule finds the direction in which data vary most.
 */
import { layers, Network, Random, rules, Trainer } from "myelin";
import { isScript } from "./script.ts";

const INPUTS = 64;
const OUTPUTS = 32;

const signs = (count: number, random: Random): number[] =>
  Array.from({ length: count }, () => (random.uniform() < 0.5 ? -1 : 1));

export interface AssociationResult {
  /** Share of output signs that are right when the input is whole. */
  whole: number;
  /** The same with every tenth input sign flipped. */
  damaged: number;
}

/** Pairs of random patterns of -1 and 1, stored in one pass and recalled as the signs of the sums. */
export function association({ pairs = 4, seed = 1 } = {}): AssociationResult {
  const random = new Random(seed);
  const x = Array.from({ length: pairs }, () => signs(INPUTS, random));
  const y = Array.from({ length: pairs }, () => signs(OUTPUTS, random));
  const memory = layers.dense({ units: OUTPUTS, useBias: false, kernelInitializer: "zeros" });
  const network = new Network({ input: [INPUTS], layers: [memory] });
  new Trainer(network, { rule: rules.hebbian({ learningRate: 1 / INPUTS }) }).fitSync(
    { x, y },
    { batchSize: 1 },
  );
  const wanted = y.flat();
  const recall = (cues: number[][]): number => {
    const { data } = network.predict(cues);
    const right = data.filter((value, i) => value > 0 === (wanted[i] as number) > 0);
    return right.length / data.length;
  };
  return {
    whole: recall(x),
    damaged: recall(x.map((signs) => signs.map((sign, i) => (i % 10 === 0 ? -sign : sign)))),
  };
}

export interface ComponentResult {
  /** The weights that Oja's rule found. */
  direction: [number, number];
  /** |cosine| of the angle to the direction along which the data were drawn. */
  alignment: number;
}

/** Points spread along the direction (3, 4) / 5 four times as far as across it. */
export function principalComponent(seed = 1): ComponentResult {
  const random = new Random(seed);
  const x = Array.from({ length: 500 }, () => {
    const [along, across] = [random.normal(), random.normal() / 4];
    return [0.6 * along - 0.8 * across, 0.8 * along + 0.6 * across];
  });
  const network = new Network({ input: [2], layers: [layers.dense({ units: 1, useBias: false })], seed });
  const trainer = new Trainer(network, { rule: rules.oja({ learningRate: 0.01 }) });
  // The rule has no targets: zeros stand for them.
  trainer.fitSync({ x, y: x.map(() => 0) }, { epochs: 10, batchSize: 1 });
  const [a = 0, b = 0] = network.layer("dense").weights[0]?.data ?? [];
  return { direction: [a, b], alignment: Math.abs(0.6 * a + 0.8 * b) / Math.hypot(a, b) };
}

if (isScript(import.meta.url)) {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  for (const pairs of [2, 4, 8, 16, 32]) {
    const { whole, damaged } = association({ pairs });
    console.log(
      `${pairs} pairs: ${percent(whole)} of the signs recalled, ${percent(damaged)} from damaged patterns`,
    );
  }
  const { direction, alignment } = principalComponent();
  console.log(`first principal component: [${direction.map((value) => value.toFixed(3)).join(", ")}]`);
  console.log(`cosine to the true one: ${alignment.toFixed(4)}`);
}
