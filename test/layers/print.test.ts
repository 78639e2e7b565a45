import { describe, expect, test } from "vitest";
import { layers, Network, Trainer } from "../../lib/index.ts";

const network = (): Network =>
  new Network({
    name: "digits",
    input: [28, 28, 1],
    layers: [
      layers.flatten(),
      layers.dense({ units: 128, activation: "relu" }),
      layers.batchNormalization(),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 10, activation: "softmax", name: "digit" }),
    ],
    executor: "reference",
  });

describe("a network as text", () => {
  test("summary", () => {
    expect(network().summary()).toMatchInlineSnapshot(`
      "Network "digits"
      Layer                                    Output shape        Parameters
      -----------------------------------------------------------------------
      input (input)                            [batch, 28, 28, 1]           0
      flatten (flatten)                        [batch, 784]                 0
      dense (dense)                            [batch, 128]           100,480
      batchNormalization (batchNormalization)  [batch, 128]               512
      dropout (dropout)                        [batch, 128]                 0
      digit (dense)                            [batch, 10]              1,290
      -----------------------------------------------------------------------
      Parameters: 102,282 (399.5 KiB), trained: 102,026"
    `);
  });

  test("summary of a graph with a shared and a frozen layer", () => {
    const ends = [layers.input({ shape: [2], name: "left" }), layers.input({ shape: [2], name: "right" })];
    const shared = layers.dense({ units: 3, trainable: false });
    const outputs = [layers.add().apply(ends.map((end) => shared.apply(end)))];
    expect(new Network({ inputs: ends, outputs, executor: "reference" }).summary()).toMatchInlineSnapshot(`
      "Network "network"
      Layer                 Output shape  Parameters
      ----------------------------------------------
      left (input)          [batch, 2]             0
      right (input)         [batch, 2]             0
      dense (dense) frozen  [batch, 3]             9
      add (add)             [batch, 3]             0
      ----------------------------------------------
      Parameters: 9 (36 B), trained: 0"
    `);
  });

  const small = (): Network =>
    new Network({
      input: [2],
      layers: [
        layers.dense({ units: 3, activation: "tanh" }),
        layers.dense({ units: 1, activation: "sigmoid" }),
      ],
      executor: "reference",
    });

  test("the plan that predicts", () => {
    expect(small().explain()).toMatchInlineSnapshot(`
      "plan predict, capacity 128
        input input -> input+0[batch, 2]
        0 linear function=tanh alpha=0 beta=0 (input+0[batch, 2], state+0[2, 3], state+16[3]) -> scratch+0[batch, 3]  # dense
        1 linear function=sigmoid alpha=0 beta=0 (scratch+0[batch, 3], state+32[3, 1], state+48[1]) -> scratch+384[batch, 1]  # dense_1
        output dense_1 <- scratch+384[batch, 1]
      memory: state 256 B, slots 0 B, gradient 0 B, input 1.0 KiB, scratch 2.0 KiB, total 3.3 KiB"
    `);
  });

  test("the plan of a step of gradient descent", () => {
    const trainer = new Trainer(small(), {
      loss: "binaryCrossentropy",
      optimizer: "sgd",
      metrics: ["accuracy"],
    });
    expect(trainer.explain(4)).toMatchInlineSnapshot(`
      "plan train, capacity 4
        input input -> input+0[batch, 2]
        input y -> input+16[batch, 1]
        0 linear function=tanh alpha=0 beta=0 (input+0[batch, 2], state+0[2, 3], state+16[3]) -> scratch+0[batch, 3]  # dense
        1 linear function=linear alpha=0 beta=0 (scratch+0[batch, 3], state+32[3, 1], state+48[1]) -> scratch+16[batch, 1]
        2 loss function=binaryCrossentropyFromLogits alpha=0 beta=0 sum=0 gradient=1 (scratch+16[batch, 1], input+16[batch, 1]) -> scratch+64[], scratch+32[batch, 1]
        3 unary function=sigmoid alpha=0 beta=0 (scratch+16[batch, 1]) -> scratch+16[batch, 1]
        4 accuracy function=binary threshold=0.5 k=1 (scratch+16[batch, 1], input+16[batch, 1]) -> scratch+48[2]
        5 linearGradInput function=tanh alpha=0 beta=0 (scratch+32[batch, 1], state+32[3, 1], scratch+0[batch, 3]) -> scratch+16[batch, 3]  # dense
        6 linearGuard (input+0[batch, 2], scratch+16[batch, 3])  # dense
        7 linearGuard (scratch+0[batch, 3], scratch+32[batch, 1])
        8 guard (scratch+64[])
        9 linearUpdate scale=1 (input+0[batch, 2], scratch+16[batch, 3], state+0[2, 3], state+16[3]) -> state+0[2, 3], state+16[3]  # dense
       10 linearUpdate scale=1 (scratch+0[batch, 3], scratch+32[batch, 1], state+32[3, 1], state+48[1]) -> state+32[3, 1], state+48[1]
        output loss <- scratch+64[]
        output accuracy <- scratch+48[2]
      memory: state 256 B, slots 0 B, gradient 0 B, input 128 B, scratch 320 B, total 704 B"
    `);
  });
});
