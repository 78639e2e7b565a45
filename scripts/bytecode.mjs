// Keeps V8's bytecode of the package for the Node that runs this, with all that a first training and prediction call.
// Run when the package is installed and after each build; without it everything works, but starts later.
import { saveBytecode } from "../dist/bytecode.js";
import { layers, Network, Trainer } from "../dist/index.js";

const inputs = 64;
const rows = 8;
const numbers = (length) => Float32Array.from({ length }, (_, i) => (i % 7) / 7);
const data = {
  x: { data: numbers(rows * inputs), shape: [rows, inputs] },
  y: Float32Array.from({ length: rows }, (_, i) => i % 3),
};

const network = new Network({
  input: [inputs],
  layers: [
    layers.dense({ units: 64, activation: "relu" }),
    layers.dense({ units: 3, activation: "softmax" }),
  ],
});
for (const optimizer of ["adam", "sgd"]) {
  const trainer = new Trainer(network, {
    optimizer,
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  const options = { epochs: 2, batchSize: 4, validationData: data };
  trainer.fitSync(data, options);
  await trainer.fit(data, options);
  trainer.evaluateSync(data);
}
network.predict(data.x.data.subarray(0, inputs));
network.predict(data.x);
network.summary();

saveBytecode();
