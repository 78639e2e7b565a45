import { describe, expect, it } from "vitest";
import { data, getThreads, layers, Network, rules, setThreads, Trainer } from "../../lib/index.ts";
import { edit, freshNames, refusal, temporaryFolder } from "../io/files.ts";
import { dataFolder } from "../support/data.ts";
import { EXECUTORS } from "../support/executors.ts";

type Precision = "float32" | "bf16";
const fresh = freshNames(temporaryFolder());

function classifier(precision: Precision, executor: (typeof EXECUTORS)[number] = "native"): Network {
  return new Network({
    input: [12],
    layers: [
      layers.dense({ units: 33, activation: "relu" }),
      layers.dense({ units: 5, activation: "softmax" }),
    ],
    seed: 4,
    precision,
    executor,
  });
}

const samples = 70;
const examples = {
  x: { data: Float32Array.from({ length: samples * 12 }, (_, i) => Math.sin(i * i)), shape: [samples, 12] },
  y: Float32Array.from({ length: samples }, (_, i) => i % 5),
};

function train(network: Network, optimizer: "adam" | "sgd" = "adam"): Float32Array {
  const trainer = new Trainer(network, { loss: "sparseCategoricalCrossentropy", optimizer });
  trainer.fitSync(examples, { epochs: 3, batchSize: 32 });
  return network.state;
}

describe.each(EXECUTORS)("precision bf16, %s", (executor) => {
  it("is what training, evaluation and prediction multiply in", () => {
    const network = classifier("bf16", executor);
    const trainer = new Trainer(network, { loss: "sparseCategoricalCrossentropy" });
    for (const plan of [network.explain(), trainer.explain(8)]) {
      const products = plan.match(/^ *\d+ linear\w*/gm) ?? [];
      expect(products.length).toBeGreaterThan(1);
      expect(products.filter((product) => !product.endsWith("Bf16"))).toEqual([]);
    }
    expect(network.summary()).toMatch(/bf16 products$/);
    expect(classifier("float32", executor).summary()).not.toMatch(/bf16/);
    expect(classifier("float32", executor).explain()).not.toMatch(/Bf16/);
  });

  it("predicts nearly what float32 does, but not the same", () => {
    const [rough, exact] = [classifier("bf16", executor), classifier("float32", executor)];
    expect(rough.state).toEqual(exact.state);
    const [a, b] = [rough.predict(examples.x).data, exact.predict(examples.x).data];
    expect(a).not.toEqual(b);
    const worst = Math.max(...a.map((value, i) => Math.abs(value - (b[i] as number))));
    expect(worst).toBeLessThan(0.01);
  });

  it("is saved, and may be another when loaded", async () => {
    const path = fresh();
    await classifier("bf16", executor).save(path);
    expect((await Network.load(path, { executor })).precision).toBe("bf16");
    expect((await Network.load(path, { executor, precision: "float32" })).precision).toBe("float32");
  });
});

describe("precision bf16", () => {
  it.each(["adam", "sgd"] as const)("trains on native as on the reference executor, with %s", (optimizer) => {
    if (EXECUTORS.length < 2) return;
    const [native, reference] = EXECUTORS.map((executor) => train(classifier("bf16", executor), optimizer));
    const worst = Math.max(
      ...(native as Float32Array).map((w, i) => Math.abs(w - (reference?.[i] as number))),
    );
    expect(worst).toBeLessThan(1e-3);
  });

  it("gives the same bits on one thread and on three", () => {
    const threads = getThreads();
    const [one, three] = [1, 3].map((count) => {
      setThreads(count);
      return train(classifier("bf16"));
    });
    setThreads(threads);
    expect(three).toEqual(one);
  });

  it("is refused where it is misspelled", async () => {
    expect(() => classifier("bf61" as Precision)).toThrow(
      'Network: precision must be "float32" or "bf16", got "bf61"',
    );
    const path = fresh();
    await classifier("bf16").save(path);
    await expect(Network.load(path, { precision: "half" as Precision })).rejects.toThrow(
      'Network.load: precision must be "float32" or "bf16", got "half"',
    );
  });

  it("is float32 in files that do not say, and an error where they say something else", async () => {
    const path = fresh();
    await classifier("bf16").save(path);
    const rewrite = (precision: unknown): string =>
      edit(path, fresh(), ({ metadata }) => {
        const fields = JSON.parse(metadata.architecture as string);
        metadata.architecture = JSON.stringify({ ...fields, precision });
      });
    expect((await Network.load(rewrite(undefined))).precision).toBe("float32");
    expect(await refusal(Network.load(rewrite("fp8")))).toMatch(
      /architecture\.precision must be "float32" or "bf16", got "fp8"/,
    );
  });

  it("serves the classic rules too", () => {
    const network = new Network({
      input: [2],
      layers: [layers.dense({ units: 1 })],
      precision: "bf16",
      seed: 1,
    });
    const trainer = new Trainer(network, { rule: rules.deltaRule({ learningRate: 0.1 }) });
    const [x, y] = [
      [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ],
      [0, 1, 2, 3],
    ];
    trainer.fitSync({ x, y }, { epochs: 200, batchSize: 4 });
    expect(network.predict([1, 1]).data[0]).toBeCloseTo(3, 1);
  });

  it("reaches the accuracy of float32 on digits", { timeout: 120_000 }, async () => {
    const folder = dataFolder("mnist");
    const generated = (): [data.Dataset, data.Dataset] => {
      const [train, test] = data.syntheticDigits({ count: 6000, seed: 1 }).split(0.8);
      return [train, test];
    };
    const real = folder === undefined ? undefined : await data.mnist(folder);
    const [train, test] = real === undefined ? generated() : [real.train, real.test];
    const accuracies: number[] = [];
    for (const precision of ["float32", "bf16"] as const) {
      const network = new Network({
        input: [28, 28, 1],
        layers: [
          layers.flatten(),
          layers.dense({ units: 128, activation: "relu" }),
          layers.dense({ units: 10, activation: "softmax" }),
        ],
        seed: 1,
        precision,
      });
      const trainer = new Trainer(network, { loss: "sparseCategoricalCrossentropy", metrics: ["accuracy"] });
      await trainer.fit(train, { epochs: 3, batchSize: 64 });
      accuracies.push((await trainer.evaluate(test)).accuracy as number);
    }
    const [exact, rough] = accuracies as [number, number];
    expect(exact).toBeGreaterThan(real === undefined ? 0.9 : 0.965);
    expect(Math.abs(rough - exact)).toBeLessThan(0.006);
  });
});
