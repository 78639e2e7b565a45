import { describe, expect, it } from "vitest";
import { executors, getThreads, setThreads } from "../../lib/index.ts";
import { resultOf } from "../support/child.ts";

interface Report {
  native: { available: boolean; isa?: string; isas?: string[]; reason?: string };
  threads: number;
  errors: Record<string, string>;
  weights?: number[];
}

/** Trains a little and says what ran. */
const script = `
import { executors, getThreads, layers, Network, Trainer } from "myelin";
const report = { native: executors.native, threads: getThreads(), errors: {} };
const options = { input: [3], layers: [layers.dense({ units: 20, activation: "tanh" }), layers.dense({ units: 1 })], seed: 1 };
for (const executor of [undefined, "native", "reference"]) {
  try {
    const network = new Network({ ...options, executor });
    const x = Array.from({ length: 8 }, (_, i) => [i / 8, Math.sin(i), Math.cos(i)]);
    new Trainer(network, { loss: "meanSquaredError" }).fitSync({ x, y: x.map(([a]) => a) }, { epochs: 5, batchSize: 3 });
    if (executor === "native") report.weights = [...network.state];
  } catch (error) {
    report.errors[executor ?? "default"] = error.code + ": " + error.message;
  }
}
console.log(JSON.stringify(report));
`;

const reportWith = (env: Record<string, string>): Promise<Report> => resultOf<Report>(script, { env });

describe("MYELIN_ISA", () => {
  const isas = executors.native.isas ?? [];

  it("finds variants on this machine", () => {
    expect(isas).toContain("scalar");
    expect(executors.native.isa).toBe(process.env.MYELIN_ISA ?? isas[0]);
  });

  it.each(isas)("%s runs where it is forced", async (isa) => {
    const { native, errors, weights = [] } = await reportWith({ MYELIN_ISA: isa });
    expect(native).toEqual({ available: true, isa, isas });
    expect(errors).toEqual({});
    expect(weights.length).toBeGreaterThan(80);
  });

  it("makes a difference: variants round differently", async () => {
    const results = await Promise.all(isas.map((isa) => reportWith({ MYELIN_ISA: isa })));
    const texts = results.map(({ weights }) => JSON.stringify(weights));
    if (isas.length > 1) expect(new Set(texts).size).toBeGreaterThan(1);
  });

  it.each(["sse9", "AVX2", "avx2 "])(
    "refuses %j in words, and never runs something else instead",
    async (isa) => {
      const message = `MYELIN_ISA must be one of ${isas.join(", ")}, got "${isa}"`;
      const { native, errors } = await reportWith({ MYELIN_ISA: isa });
      expect(native).toEqual({ available: false, reason: message });
      expect(errors).toEqual({ default: `ERR_OPTION: ${message}`, native: `ERR_OPTION: ${message}` });
    },
  );

  it("counts as absent when empty", async () => {
    expect((await reportWith({ MYELIN_ISA: "" })).native.isa).toBe(isas[0]);
  });
});

describe("MYELIN_NUM_THREADS", () => {
  it.each([1, 2, 7])("%d is taken over", async (threads) => {
    const report = await reportWith({ MYELIN_NUM_THREADS: String(threads) });
    expect(report.threads).toBe(threads);
    expect(report.errors).toEqual({});
  });

  it.each(["0", "-1", "abc", "2x", "1.5", "1025", "1e9", "99999999999999999999"])(
    "%j is refused in words",
    async (value) => {
      const message = `MYELIN_NUM_THREADS must be an integer from 1 to 1024, got "${value}"`;
      const { native, errors } = await reportWith({ MYELIN_NUM_THREADS: value });
      expect(native).toEqual({ available: false, reason: message });
      expect(errors).toEqual({ default: `ERR_OPTION: ${message}`, native: `ERR_OPTION: ${message}` });
    },
  );
});

describe("setThreads", () => {
  it("sets what getThreads tells", () => {
    const before = getThreads();
    for (const count of [1, 2, 5, before]) {
      setThreads(count);
      expect(getThreads()).toBe(count);
    }
  });

  it.each([0, -1, 1.5, 1025, Number.NaN, Number.POSITIVE_INFINITY, "2", undefined])("refuses %j", (count) => {
    const before = getThreads();
    expect(() => setThreads(count as number)).toThrow(
      /setThreads: the count must be an integer from 1 to 1024/,
    );
    expect(getThreads()).toBe(before);
  });
});
