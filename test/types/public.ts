// What the compiler must refuse, and what it must know. `npm test` compiles this file; nothing runs it.
import {
  type Evaluation,
  type History,
  layers,
  losses,
  metrics,
  Network,
  optimizers,
  rules,
  schedules,
  type Tensor,
  Trainer,
} from "myelin";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only for types that are the same; `any` is the same as itself only. */
function same<A, B>(..._: Equal<A, B> extends true ? [] : [never]): void {}

const network = new Network({ input: [2], layers: [layers.dense({ units: 1 })] });
const trainer = new Trainer(network, { loss: "meanSquaredError" });
const data = { x: [[1, 2]], y: [1] };

// Options of layers.
// @ts-expect-error misspelled
layers.dense({ units: 1, activaton: "relu" });
// @ts-expect-error not an activation
layers.dense({ units: 1, activation: "rellu" });
// @ts-expect-error missing
layers.dense({});
// @ts-expect-error a number in quotes
layers.dense({ units: "1" });
// @ts-expect-error not an initializer
layers.dense({ units: 1, kernelInitializer: "glorot" });
// @ts-expect-error missing
layers.dropout({});
// @ts-expect-error another layer's option
layers.flatten({ rate: 0.5 });
layers.dense({ units: 1, activation: { name: "leakyRelu", alpha: 0.1 } });
layers.dense({ units: 1, activation: (x) => x });

// A network.
// @ts-expect-error misspelled
new Network({ input: [2], layer: [] });
// @ts-expect-error not a list of layers
new Network({ input: [2], layers: ["dense"] });
// @ts-expect-error not an executor
new Network({ input: [2], layers: [], executor: "gpu" });
// @ts-expect-error a number is no shape
new Network({ input: 2, layers: [] });

// A trainer.
// @ts-expect-error misspelled
new Trainer(network, { loss: "mse", optimiser: "adam" });
// @ts-expect-error not a loss
new Trainer(network, { loss: "meanSquareError" });
// @ts-expect-error not an optimizer
new Trainer(network, { loss: "mse", optimizer: "adamm" });
// @ts-expect-error not a metric
new Trainer(network, { loss: "mse", metrics: ["acuracy"] });
// @ts-expect-error not a rule
new Trainer(network, { rule: "hebbian" });
// @ts-expect-error misspelled
optimizers.adam({ learningrate: 0.1 });
// @ts-expect-error a rate in quotes
optimizers.sgd({ learningRate: "0.1" });
// @ts-expect-error missing
schedules.exponentialDecay({ initialLearningRate: 0.1 });
// @ts-expect-error misspelled
losses.huber({ detla: 1 });
// @ts-expect-error misspelled
metrics.auc({ thresholds: 3 });
// @ts-expect-error misspelled
rules.perceptron({ rate: 1 });
new Trainer(network, { loss: [losses.huber(), "mse"], metrics: [[metrics.auc()], ["accuracy"]] });
new Trainer(network, {
  loss: (prediction) => prediction,
  optimizer: optimizers.adam({ learningRate: (step) => 1 / step }),
});

// Training and prediction.
// @ts-expect-error misspelled
trainer.fit(data, { epoch: 3 });
// @ts-expect-error not an option of evaluate
trainer.evaluate(data, { epochs: 3 });
// @ts-expect-error text is no data
trainer.fit({ x: [["a", "b"]], y: [1] });
// @ts-expect-error text is no input
network.predict("12");
// @ts-expect-error read only
network.layers = [];
trainer.fit(
  (async function* () {
    yield data;
  })(),
);

// No any in what comes back.
same<ReturnType<Network["predict"]>, Tensor>();
same<ReturnType<Network["predictAsync"]>, Promise<Tensor>>();
same<Tensor["data"], Float32Array>();
same<ReturnType<Trainer["fit"]>, Promise<History>>();
same<ReturnType<Trainer["fitSync"]>, History>();
same<ReturnType<Trainer["evaluate"]>, Promise<Evaluation>>();
same<Evaluation["loss"], number>();
same<Evaluation["accuracy"], number>();
same<History["loss"], readonly number[]>();
same<Network["weights"][number]["data"], Float32Array>();
// @ts-expect-error any is not a number
same<unknown, number>();
