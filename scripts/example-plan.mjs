// Writes the encoded plan of a training step that is large enough for several threads, for the plan
// runner of native/test/replay.cc.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { path } from "./project.mjs";

const load = (module) => import(pathToFileURL(path("dist", module)).href);

export async function writeExamplePlan(file) {
  const { layers, Network, optimizers } = await load("index.js");
  const { objectiveFor } = await load("training/head.js");
  const { compileTraining } = await load("training/compile.js");
  const { encodePlan } = await load("plan/encode.js");
  const network = new Network({
    input: [96],
    layers: [
      layers.dense({ units: 256 }),
      layers.batchNormalization(),
      layers.activation({ activation: "gelu" }),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 128, activation: "tanh" }),
      layers.layerNormalization(),
      layers.dense({ units: 10, activation: "softmax" }),
    ],
    seed: 1,
    executor: "reference",
  });
  const objective = objectiveFor(network, { loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  const options = { objective, optimizer: optimizers.adam(), groups: [] };
  const { plan } = compileTraining(network, options, 64, false);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, encodePlan(plan));
}
