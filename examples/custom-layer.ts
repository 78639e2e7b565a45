/**
 * A layer of one's own: radial basis functions (Broomhead & Lowe 1988), units that answer to points near
 * their center. Only the forward pass is written; gradients and native code follow from the ops.
 */
import {
  type GraphBuilder,
  initializers,
  Layer,
  layers,
  Network,
  ops,
  optimizers,
  Random,
  Trainer,
  type Value,
} from "myelin";
import { isScript } from "./script.ts";

export interface RadialBasisOptions {
  /** Number of centers. */
  units: number;
}

/** exp(-sharpness · |x - center|²) for each center. [features] -> [units]. */
export class RadialBasis extends Layer {
  readonly kind = "radialBasis";
  readonly #units: number;

  constructor(options: RadialBasisOptions) {
    super();
    this.#units = options.units;
  }

  call(graph: GraphBuilder, x: Value): Value {
    const features = x.shape.at(-1) as number;
    const centers = graph.parameter({
      name: "centers",
      shape: [this.#units, features],
      initialize: initializers.randomUniform({ minval: -1, maxval: 1 }),
    });
    const sharpness = graph.parameter({
      name: "sharpness",
      shape: [this.#units],
      initialize: initializers.constant({ value: 8 }),
    });
    // [1, features] against [units, features]: every center has its difference.
    const difference = ops.subtract(ops.reshape(x, [1, features]), centers);
    const distance = ops.reduce("sum", ops.unary("square", difference), { axes: [1] });
    return ops.unary("exponential", ops.affine(ops.multiply(distance, sharpness), -1));
  }

  override config(): RadialBasisOptions & Record<string, unknown> {
    return { units: this.#units };
  }
}

export interface CustomLayerResult {
  /** Of points that were not trained on. */
  accuracy: number;
  /** The arrays of the layer with their shapes. */
  weights: string[];
}

/** Points in a ring are 1, inside and outside of it 0. */
function ring(count: number, random: Random): { x: number[][]; y: number[] } {
  const x = Array.from({ length: count }, () => [2 * random.uniform() - 1, 2 * random.uniform() - 1]);
  return { x, y: x.map(([a = 0, b = 0]) => (Math.abs(Math.hypot(a, b) - 0.6) < 0.2 ? 1 : 0)) };
}

export async function customLayer(seed = 1): Promise<CustomLayerResult> {
  const random = new Random(seed);
  const network = new Network({
    input: [2],
    layers: [new RadialBasis({ units: 24 }), layers.dense({ units: 1, activation: "sigmoid" })],
    seed,
  });
  const trainer = new Trainer(network, {
    loss: "binaryCrossentropy",
    optimizer: optimizers.adam({ learningRate: 0.05 }),
    metrics: ["accuracy"],
  });
  await trainer.fit(ring(600, random), { epochs: 100 });
  const { accuracy } = await trainer.evaluate(ring(400, random));
  const weights = network
    .layer("radialBasis")
    .weights.map(({ name, shape }) => `${name} [${shape.join(", ")}]`);
  return { accuracy: accuracy as number, weights };
}

if (isScript(import.meta.url)) {
  const { accuracy, weights } = await customLayer();
  console.log(`radialBasis: ${weights.join(", ")}`);
  console.log(`${(100 * accuracy).toFixed(1)} % of new points are right`);
}
