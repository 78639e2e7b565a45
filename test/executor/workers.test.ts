import { describe, expect, it } from "vitest";
import { resultOf, runScript } from "../support/child.ts";

const task = `
import { layers, Network, Trainer } from "myelin";
const samples = 256;
const x = { data: Float32Array.from({ length: samples * 8 }, (_, i) => Math.sin(i)), shape: [samples, 8] };
const y = Float32Array.from({ length: samples }, (_, i) => Math.cos(i));
const data = { x, y };
const make = (seed) => {
  const network = new Network({
    input: [8], layers: [layers.dense({ units: 64, activation: "tanh" }), layers.dropout({ rate: 0.2 }), layers.dense({ units: 1 })], seed,
  });
  return { network, trainer: new Trainer(network, { loss: "meanSquaredError" }) };
};
const train = async (seed, epochs) => {
  const { network, trainer } = make(seed);
  await trainer.fit(data, { epochs, batchSize: 16 });
  return [...network.state];
};
`;

/** A script whose other threads run the same file. */
const withWorkers = (main: string, worker: string): string => `
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { fileURLToPath } from "node:url";
${task}
const start = (workerData) => new Worker(fileURLToPath(import.meta.url), { workerData });
const message = (worker, event = "message") =>
  new Promise((resolve, reject) => worker.once(event, resolve).once("error", reject));
if (isMainThread) {
  ${main}
} else {
  ${worker}
}
`;

describe("worker threads", () => {
  it("train at once, each with the bits it gets alone", { timeout: 60_000 }, async () => {
    const { together, alone } = await resultOf<{ together: number[][]; alone: number[][] }>(
      withWorkers(
        `const seeds = [1, 2, 3, 4];
        const workers = seeds.map((seed) => start({ seed }));
        const own = train(5, 60);
        const together = await Promise.all(workers.map((worker) => message(worker)));
        together.push(await own);
        const alone = [];
        for (const seed of [...seeds, 5]) alone.push(await train(seed, 60));
        console.log(JSON.stringify({ together, alone }));`,
        `parentPort.postMessage(await train(workerData.seed, 60));`,
      ),
    );
    expect(together).toEqual(alone);
    expect(new Set(alone.map((weights) => JSON.stringify(weights))).size).toBe(5);
  });

  it("are terminated in mid-training, again and again", { timeout: 120_000 }, async () => {
    const { codes, after, same } = await resultOf<{ codes: number[]; after: number[]; same: boolean }>(
      withWorkers(
        `const own = train(7, 400);
        const codes = [];
        for (let i = 0; i < 50; i++) {
          const worker = start({ busy: i % 3 });
          await message(worker);
          await new Promise((resolve) => setTimeout(resolve, (i * 7) % 23));
          codes.push(await worker.terminate());
        }
        const weights = await own;
        const after = await message(start({ seed: 7 }));
        console.log(JSON.stringify({ codes, after: after.slice(0, 3), same: JSON.stringify(weights) === JSON.stringify(await train(7, 400)) }));`,
        `if (workerData.seed) {
          parentPort.postMessage(await train(workerData.seed, 2));
        } else {
          const runs = [1, 2, 3].map((seed) => make(seed));
          parentPort.postMessage("training");
          if (workerData.busy === 2) for (;;) runs[0].trainer.fitSync(data, { epochs: 100, batchSize: 16 });
          for (const { trainer } of workerData.busy === 1 ? runs : runs.slice(1)) trainer.fit(data, { epochs: 1e6, batchSize: 16 });
        }`,
      ),
    );
    expect(codes).toEqual(new Array(50).fill(1));
    expect(after).toHaveLength(3);
    expect(same).toBe(true);
  });

  it("end by process.exit in mid-training", async () => {
    const { code, signal } = await runScript(
      withWorkers(
        `const worker = start({});
        worker.on("exit", (code) => { console.log(code); process.exitCode = code === 5 ? 0 : 1; });`,
        `train(1, 1e6); setTimeout(() => process.exit(5), 100);`,
      ),
    );
    expect({ code, signal }).toEqual({ code: 0, signal: null });
  });
});

describe("the end of the process", () => {
  it("comes by itself after fit, predictAsync and evaluate", async () => {
    const { code, stdout } = await runScript(`${task}
      const { network, trainer } = make(1);
      await trainer.fit(data, { epochs: 3 });
      await trainer.evaluate(data);
      await network.predictAsync(x);
      console.log("last line");`);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "last line\n" });
  });

  it("waits for a training that nobody awaits", async () => {
    const { code, stdout } = await runScript(`${task}
      const { trainer } = make(1);
      trainer.fit(data, { epochs: 400, batchSize: 8 }).then(({ epochs }) => console.log(epochs));
      process.on("exit", () => console.log("exit"));`);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "400\nexit\n" });
  });

  it.each([
    ["process.exit", "process.exit(3)", 3],
    ["an uncaught error", "throw new Error('on purpose')", 1],
    ["process.exit of a callback", "", 4],
  ])("%s in mid-training has its exit code", async (_, statement, wanted) => {
    for (const delay of [0, 1, 30]) {
      const { code, signal } = await runScript(`${task}
        for (const seed of [1, 2, 3]) make(seed).trainer.fit(data, { epochs: 1e6, batchSize: 16 });
        make(4).trainer.fit(data, { epochs: 1e6, callbacks: [{ onEpochEnd(epoch) { if (${wanted} === 4 && epoch === ${delay}) process.exit(4); } }] });
        setTimeout(() => { ${statement} }, ${delay});`);
      expect({ code, signal }).toEqual({ code: wanted, signal: null });
    }
  });

  it("SIGTERM in mid-training ends it at once", async () => {
    const { signal } = await runScript(`${task}
      train(1, 1e6);
      setTimeout(() => process.kill(process.pid, "SIGTERM"), 50);`);
    expect(signal).toBe("SIGTERM");
  });
});
