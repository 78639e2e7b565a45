import { describe, expect, test } from "vitest";
import { layers, type losses, NonFiniteError, ops, optimizers, Trainer } from "../../lib/index.ts";
import { EXECUTORS } from "../support/executors.ts";
import { denseNet, setWeights, weightsOf } from "../support/networks.ts";
import { circle, classifier } from "../support/tasks.ts";

const line = { x: [[1], [2], [3], [4]], y: [2, 4, 6, 8] };

const regression = (executor: "reference" | "native", learningRate: number) => {
  const network = denseNet({ input: 1, units: [1], activations: ["linear"], executor });
  const trainer = new Trainer(network, { loss: "mse", optimizer: optimizers.sgd({ learningRate }) });
  return { network, trainer };
};

async function failureOf(act: () => unknown): Promise<NonFiniteError> {
  try {
    await act();
  } catch (error) {
    expect(error).toBeInstanceOf(NonFiniteError);
    return error as NonFiniteError;
  }
  return expect.fail("no error was thrown");
}

describe.each(EXECUTORS)("a training that diverges, %s", (executor) => {
  test.each(["fit", "fitSync"] as const)(
    "%s says when, keeps finite weights, and can train again",
    async (method) => {
      const { network, trainer } = regression(executor, 1e3);
      const error = await failureOf(() =>
        trainer[method](line, { epochs: 1000, batchSize: 2, shuffle: false }),
      );
      expect(error.code).toBe("ERR_NOT_FINITE");
      expect(error.message).toMatch(
        /^the loss or a gradient became NaN or infinite at epoch \d+, batch [12] \(step \d+\); the network keeps its weights of before that step\. A lower learning rate/,
      );
      expect(error.step).toBe(trainer.step);
      expect(error.epoch).toBe(Math.floor(error.step / 2));
      expect(error.message).toContain(
        `at epoch ${error.epoch + 1}, batch ${(error.step % 2) + 1} (step ${error.step + 1})`,
      );
      expect([...network.state].every(Number.isFinite)).toBe(true);
      network.initialize();
      const calm = new Trainer(network, { loss: "mse", optimizer: optimizers.sgd({ learningRate: 0.02 }) });
      expect(calm.fitSync(line, { epochs: 300, batchSize: 2 }).loss.at(-1)).toBeLessThan(0.01);
    },
  );

  test("an update that overflows in the last step is found, too", async () => {
    const { network, trainer } = regression(executor, 1e38);
    setWeights(network, { "dense/kernel": [0] });
    const before = weightsOf(network);
    const data = { x: [[100]], y: [100] };
    const error = await failureOf(() => trainer.fit(data, { epochs: 1 }));
    expect(error.message).toMatch(
      /an update before step 2 made weights NaN or infinite; the network keeps its weights of the last copy that was finite, and the optimizer starts anew/,
    );
    expect(weightsOf(network)).toEqual(before);
    expect(trainer.fitSync(line, { epochs: 0 }).epochs).toBe(0);
  });

  test("nothing is written in the step that fails: weights, slots and running statistics", async () => {
    const { network, trainer } = classifier({
      executor,
      layers: [layers.batchNormalization(), layers.dense({ units: 1, activation: "exponential" })],
      loss: "mse",
      optimizer: optimizers.adam(),
    });
    setWeights(network, { "dense/bias": [200] });
    const [before, slots] = [[...network.state], [...trainer.slots]];
    const error = await failureOf(() => trainer.fit(circle(8)));
    expect([error.epoch, error.step]).toEqual([0, 0]);
    expect([...network.state]).toEqual(before);
    expect([...trainer.slots]).toEqual(slots);
  });

  test("a loss of one's own that divides by zero", async () => {
    const loss: losses.LossCallback = (p, t) => ops.divide(p, ops.subtract(t, t));
    const { trainer } = classifier({ executor, loss });
    const error = await failureOf(() => trainer.fitSync(circle(8)));
    expect(error.step).toBe(0);
  });

  test("a source of batches says which", async () => {
    const { network, trainer } = regression(executor, 1e12);
    const batches = (): (typeof line)[] => Array.from({ length: 50 }, () => line);
    const error = await failureOf(() => trainer.fit(batches));
    expect(error.message).toMatch(/became NaN or infinite at epoch 1, batch \d+/);
    expect([...network.state].every(Number.isFinite)).toBe(true);
  });

  test("callbacks are closed", async () => {
    const { trainer } = regression(executor, 1e6);
    const called: string[] = [];
    const callbacks = [
      { onTrainEnd: () => void called.push("end"), onClose: () => void called.push("close") },
    ];
    await failureOf(() => trainer.fit(line, { epochs: 100, callbacks }));
    expect(called).toEqual(["close"]);
  });
});
