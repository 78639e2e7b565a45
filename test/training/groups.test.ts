import { describe, expect, test } from "vitest";
import { optimizers, type ParameterGroup } from "../../lib/index.ts";
import { EXECUTORS } from "../support/executors.ts";
import { weightsOf } from "../support/networks.ts";
import { circle, classifier } from "../support/tasks.ts";

const data = circle(32);

describe.each(EXECUTORS)("parameter groups, %s", (executor) => {
  /** The change of each array by one step of plain gradient descent. */
  function change(groups: readonly ParameterGroup[], weightDecay = 0): Record<string, number[]> {
    const optimizer = optimizers.sgd({ learningRate: 0.5, weightDecay });
    const { network, trainer } = classifier({ executor, groups, optimizer });
    const before = weightsOf(network);
    trainer.fitSync(data, { batchSize: 32 });
    return Object.fromEntries(
      Object.entries(weightsOf(network)).map(([path, after]) => [
        path,
        after.map((value, i) => value - (before[path]?.[i] as number)),
      ]),
    );
  }

  const close = (actual: readonly number[] | undefined, wanted: readonly number[]): void => {
    actual?.forEach((value, i) => {
      expect(value).toBeCloseTo(wanted[i] as number, 6);
    });
    expect(actual).toHaveLength(wanted.length);
  };

  test("a rate of their own", () => {
    const plain = change([]);
    const scaled = change([{ layers: ["out"], learningRateScale: 0.25 }]);
    close(scaled["hidden/kernel"], plain["hidden/kernel"] as number[]);
    close(
      scaled["out/kernel"],
      (plain["out/kernel"] as number[]).map((value) => value / 4),
    );
    close(
      scaled["out/bias"],
      (plain["out/bias"] as number[]).map((value) => value / 4),
    );
  });

  test("a rate of 0 is stillness", () => {
    const still = change([{ layers: ["hidden", "out"], learningRateScale: 0 }]);
    for (const values of Object.values(still)) expect(values.every((value) => value === 0)).toBe(true);
  });

  test("a weight decay of their own", () => {
    const { network } = classifier({ executor });
    const [kernel] = [weightsOf(network)["hidden/kernel"] as number[]];
    const plain = change([]);
    const decayed = change([{ layers: ["hidden"], weightDecay: 0.1 }]);
    close(decayed["out/kernel"], plain["out/kernel"] as number[]);
    close(
      decayed["hidden/kernel"],
      (plain["hidden/kernel"] as number[]).map((value, i) => value - 0.5 * 0.1 * (kernel[i] as number)),
    );
    // It replaces the optimizer's.
    close(
      change([{ layers: ["hidden"], weightDecay: 0 }], 0.1)["hidden/kernel"],
      plain["hidden/kernel"] as number[],
    );
  });
});
