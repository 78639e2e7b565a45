// Shapes and labels that the compiler holds against each other. Checked by `tsc`, never run.
import { layers, Network, Trainer } from "../../lib/index.ts";

const classifier = new Network({
  input: [4],
  layers: [
    layers.dense({ units: 8, activation: "relu" }),
    layers.dropout({ rate: 0.1 }),
    layers.dense({ units: 3 }),
  ],
});
classifier.predict([1, 2, 3, 4]);
classifier.predict([[1, 2, 3, 4]]);
classifier.predict(new Float32Array(4));
// @ts-expect-error one number is no sample of four
classifier.predict(1);
// @ts-expect-error a dimension too many
classifier.predict([[[1, 2, 3, 4]]]);

const sparse = new Trainer(classifier, { loss: "sparseCategoricalCrossentropy" });
sparse.fitSync({ x: [[1, 2, 3, 4]], y: [2] });
sparse.fitSync({ x: [[1, 2, 3, 4]], y: Uint8Array.of(2) });
// @ts-expect-error a sparse loss takes one class index a sample
sparse.fitSync({ x: [[1, 2, 3, 4]], y: [[0, 0, 1]] });
// @ts-expect-error samples have four features
sparse.fitSync({ x: [1, 2, 3, 4], y: [2] });

const dense = new Trainer(classifier, { loss: "categoricalCrossentropy" });
dense.fitSync({ x: [[1, 2, 3, 4]], y: [[0, 0, 1]] });
// @ts-expect-error one-hot rows are wanted
dense.fitSync({ x: [[1, 2, 3, 4]], y: [2] });
// @ts-expect-error of the validation data too
dense.fitSync({ x: [[1, 2, 3, 4]], y: [[0, 0, 1]] }, { validationData: { x: [[1, 2, 3, 4]], y: [2] } });

const regressor = new Network({ input: [2, 2], layers: [layers.flatten(), layers.dense({ units: 1 })] });
const squared = new Trainer(regressor, { loss: "mse" });
squared.fitSync({
  x: [
    [
      [1, 2],
      [3, 4],
    ],
  ],
  y: [1],
});
squared.fitSync({
  x: [
    [
      [1, 2],
      [3, 4],
    ],
  ],
  y: [[1]],
});
// @ts-expect-error samples are 2 by 2
squared.fitSync({ x: [[1, 2, 3, 4]], y: [1] });

// What is not literal is not held against anything.
const list = [layers.dense({ units: 2 })];
const open = new Network({ input: [2].map((n) => n), layers: list });
open.predict([[[1]]]);
const widely: Network = classifier;
widely.predict([1]);
const anyTrainer: Trainer = new Trainer(widely, { loss: "mse" });
anyTrainer.fitSync({ x: [[1, 2, 3, 4]], y: [[1, 2, 3]] });
const anyClassifierTrainer: Trainer = sparse;
anyClassifierTrainer.fitSync({ x: [[1]], y: [[1]] });
