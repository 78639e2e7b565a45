import { describe, expect, it } from "vitest";
import { resultOf } from "../support/child.ts";

interface Sample {
  rss: number;
  heapUsed: number;
  external: number;
  arrayBuffers: number;
}

const prelude = `
import { createHash } from "node:crypto";
import { layers, Network, Trainer } from "myelin";
const samples = 64;
const x = { data: Float32Array.from({ length: samples * 8 }, (_, i) => Math.sin(i)), shape: [samples, 8] };
const y = Float32Array.from({ length: samples }, (_, i) => Math.cos(i));
const data = { x, y };
const make = (units = 64, optimizer = "adam") => {
  const network = new Network({
    input: [8], layers: [layers.dense({ units, activation: "relu" }), layers.dense({ units }), layers.dense({ units: 1 })], seed: 1,
  });
  return { network, trainer: new Trainer(network, { loss: "meanSquaredError", optimizer, metrics: ["meanAbsoluteError"] }) };
};
const turn = () => new Promise((resolve) => setImmediate(resolve));
const settle = async () => { for (let i = 0; i < 4; i++) { gc(); await turn(); } };
const fails = async (work, pattern) => {
  try { await work(); } catch (error) { if (pattern.test(error.code + " " + error.name)) return; throw error; }
  throw new Error("nothing was thrown");
};
`;

/** V8's young generation alone may grow to 48 MiB and shrink again, whenever it likes: it is held at its smallest. */
const FIXED_HEAP = ["--expose-gc", "--max-semi-space-size=1"];

/** Memory after a warm-up and after each of five rounds of the same work. */
async function measure(work: string, perRound: number): Promise<Sample[]> {
  return resultOf<Sample[]>(
    `${prelude}
    ${work}
    const results = [];
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < ${perRound}; i++) await work(i);
      await settle();
      results.push(process.memoryUsage());
    }
    console.log(JSON.stringify(results));`,
    { args: FIXED_HEAP },
  );
}

const MiB = 2 ** 20;

/** Sanitizers keep freed memory on purpose, so that the process stays large. */
const sanitized = process.env.LD_PRELOAD?.includes("san") === true;

/**
 * A leak of one object a turn would show: a thousand turns and more are measured after the warm-up. Of
 * the whole process a coarser limit holds: how much malloc keeps in reserve depends on which threads met.
 */
function expectBounded(samples: readonly Sample[]): void {
  const [, first, ...later] = samples as [Sample, Sample, ...Sample[]];
  const last = later.at(-1) as Sample;
  expect(last.heapUsed - first.heapUsed).toBeLessThan(2 * MiB);
  expect(last.external - first.external).toBeLessThan(MiB);
  expect(last.arrayBuffers - first.arrayBuffers).toBeLessThan(MiB);
  if (!sanitized) expect(last.rss - first.rss).toBeLessThan(32 * MiB);
}

describe("memory does not grow", () => {
  it.each([
    [
      "networks, trainers, fit and predict",
      400,
      `const work = async () => {
        const { network, trainer } = make();
        await trainer.fit(data, { epochs: 2, batchSize: 16 });
        trainer.fitSync(data, { epochs: 2, batchSize: 16 });
        network.predict(x);
        await network.predictAsync(x);
      };`,
    ],
    [
      "calls of one network",
      400,
      `const { network, trainer } = make();
      const work = async () => {
        await trainer.fit(data, { epochs: 2, batchSize: 16 });
        await trainer.evaluate(data);
        trainer.fitSync(data, { epochs: 1, batchSize: 16, validationData: data });
        trainer.evaluateSync(data);
        network.predict(x);
        network.predict(new Float32Array(8));
        await network.predictAsync(x);
      };`,
    ],
    [
      "aborted trainings",
      300,
      `const { network, trainer } = make();
      const work = async (i) => {
        const controller = new AbortController();
        const fit = trainer.fit(data, { epochs: 1e6, batchSize: 4, signal: controller.signal });
        if (i % 2) await turn();
        controller.abort();
        await fails(() => fit, /AbortError/);
      };`,
    ],
    [
      "failed trainings",
      300,
      `const { network, trainer } = make(64, "sgd");
      const bad = { x, y: y.map((v) => v * 3e38) };
      const work = async () => {
        await fails(() => trainer.fit(bad, { epochs: 5, batchSize: 4 }), /ERR_NOT_FINITE/);
        await fails(() => trainer.fitSync(bad, { epochs: 5, batchSize: 4 }), /ERR_NOT_FINITE/);
        const busy = trainer.fit(data, { epochs: 1 });
        await fails(() => trainer.fit(data, { epochs: 1 }), /ERR_BUSY/);
        await busy;
        await fails(() => trainer.fit(data, { callbacks: [{ onEpochEnd() { throw new RangeError("mine"); } }] }), /RangeError/);
      };`,
    ],
    [
      "refused plans and jobs",
      1500,
      `const { loadBinding } = await import("myelin/executor/binding.js");
      const { binding } = loadBinding();
      const regions = [0, 0, 0, 0, 0].map(() => new Float32Array(new SharedArrayBuffer(65536)));
      const work = async () => {
        await fails(() => new binding.Program(new Uint8Array(64), regions), /Error/);
        await fails(() => new binding.Program(new Uint8Array(64), regions.slice(1)), /Error/);
        await fails(() => new binding.Program(new Uint8Array(64), regions, "mmx"), /Error/);
        await fails(() => binding.setThreads("many"), /Error/);
      };`,
    ],
  ])("%s", { timeout: 120_000 }, async (_, perRound, work) => {
    expectBounded(await measure(work, perRound));
  });

  it.each(["await trainer.fit", "trainer.fitSync"])(
    "%s in new networks makes the collector run by itself",
    async (fit) => {
      // Each network takes about 10 MB, 120 of them more than 1 GB.
      const { rss } = await resultOf<Sample>(`${prelude}
      let most = 0;
      for (let i = 0; i < 120; i++) {
        const { trainer } = make(700);
        ${fit}(data, { epochs: 1, batchSize: 64 });
        most = Math.max(most, process.memoryUsage().rss);
      }
      console.log(JSON.stringify({ rss: most }));`);
      if (!sanitized) expect(rss).toBeLessThan(600 * MiB);
    },
  );
});

describe("garbage collection while a training runs", () => {
  it("network, trainer and data may be unreachable: the promise is kept", async () => {
    const results = await resultOf<number[]>(
      `${prelude}
      const start = () => {
        const { trainer } = make();
        const own = { x: { data: x.data.slice(), shape: x.shape }, y: y.slice() };
        return trainer.fit(own, { epochs: 300, batchSize: 8 });
      };
      const fits = [];
      for (let i = 0; i < 4; i++) fits.push(start());
      let done = false;
      const all = Promise.all(fits).then((histories) => { done = true; return histories; });
      while (!done) { gc(); new Array(1e4).fill(i => i); await turn(); }
      console.log(JSON.stringify((await all).map(({ loss }) => loss.length)));`,
      { args: ["--expose-gc"] },
    );
    expect(results).toEqual([300, 300, 300, 300]);
  });

  it("collections at every turn change no bit", { timeout: 60_000 }, async () => {
    const [busy, calm] = await resultOf<string[]>(
      `${prelude}
      const train = async (collect) => {
        const { network, trainer } = make();
        let done = false;
        const fit = trainer.fit(data, { epochs: 200, batchSize: 8 }).then(() => { done = true; });
        while (collect && !done) { gc(); await turn(); }
        await fit;
        return createHash("sha256").update(network.state).digest("hex");
      };
      console.log(JSON.stringify([await train(true), await train(false)]));`,
      { args: ["--expose-gc"] },
    );
    expect(busy).toBe(calm);
  });
});
