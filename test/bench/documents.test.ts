import { describe, expect, test } from "vitest";
import { load } from "./support.ts";

describe("documents", () => {
  test("are filled between their marks, and nowhere else", async () => {
    const { fill } = await load<{ fill: (text: string, parts: Record<string, string>) => string }>(
      "report/documents.mjs",
    );
    const page =
      "a\n<!-- bench:one -->\nold\n<!-- /bench:one -->\nb\n<!-- bench:two -->\n<!-- /bench:two -->\n";
    const filled = fill(page, { one: "new\n", three: "lost" });
    expect(filled).toBe(page.replace("old", "new"));
    expect(fill(filled, { one: "new" })).toBe(filled);
  });
});

interface Bar {
  name: string;
  value: number;
  label: string;
}

describe("a bar chart", () => {
  const group = (title: string, ...values: number[]): { title: string; bars: Bar[] } => ({
    title,
    bars: values.map((value, i) => ({ name: `rival ${i}`, value, label: `${value}x` })),
  });

  async function draw(groups: object[], options: object): Promise<string> {
    const { barChart } = await load<{ barChart: (groups: object[], options: object) => string }>(
      "report/chart.mjs",
    );
    return barChart(groups, { title: "Faster & faster", subtitle: "by", ...options });
  }

  /** Widths of the bars; the first rectangle is the background. */
  const widths = (svg: string): number[] =>
    [...svg.matchAll(/<rect [^>]*?width="([\d.]+)"/g)].slice(1).map(([, width]) => Number(width));

  test("is as long as its value, or as its logarithm", async () => {
    const linear = widths(await draw([group("a", 1, 2, 4)], { columns: 1 }));
    expect((linear[2] as number) / (linear[0] as number)).toBeCloseTo(4, 1);
    const logarithmic = widths(await draw([group("a", 1, 10, 100, 0.1)], { log: true, columns: 1 }));
    const [one, ten, hundred, tenth] = logarithmic as [number, number, number, number];
    expect(hundred / ten).toBeCloseTo(2, 1);
    expect(tenth).toBeCloseTo(ten, 0);
    expect(one).toBeLessThan(5);
  });

  test("has every group, bar and label, and escapes them", async () => {
    const svg = await draw([group("first", 1, 2), group("<second>", 3)], { mark: { value: 1, label: "1x" } });
    expect(svg).toContain("Faster &amp; faster");
    expect(svg).toContain("&lt;second&gt;");
    expect(widths(svg)).toHaveLength(3);
    expect(svg).not.toContain("NaN");
  });
});

describe("a run", () => {
  const result = (candidate: string, samplesPerSecond: number, threads?: number): object => ({
    ...{ workload: "xor", candidate, title: candidate, threads, version: "1", samplesPerSecond },
    ratio: 8 / samplesPerSecond,
    slowest: 1,
    fastest: 2,
    stepMicroseconds: 1e6 / samplesPerSecond,
    loss: { initial: 1, final: 0.5 },
  });
  const environment = {
    cpu: "CPU",
    instructionSets: [],
    cpus: 2,
    node: "v20",
    loadAverage: 0,
    date: "2026-01-02T",
  };
  const run = {
    environment,
    options: { rounds: 3 },
    peers: {
      results: [
        result("myelin-native", 8, 1),
        result("torch-eager", 2, 1),
        result("torch-compile", 4, 1),
        result("synaptic", 1),
        result("torch-tuned", 6, 1),
        { workload: "xor", candidate: "tfjs-node", title: "tfjs-node", absent: "not here" },
      ],
    },
  };

  test("is summed up by the faster PyTorch and the others", async () => {
    const { partsOf } = await load<{ partsOf: (run: object, workloads: object[]) => Record<string, string> }>(
      "report/documents.mjs",
    );
    const { summary, short, peers, products } = partsOf(run, [
      { name: "xor", short: "XOR", title: "XOR in full" },
    ]);
    expect(summary).toMatch(/\| XOR +\| +8\.00 \/s \| +8\.00x \| +2\.00x \|/);
    expect(summary).toContain("torch-tuned");
    expect(short).toMatch(/\| XOR +\| +8\.00 \/s \| +8\.00x \| +2\.00x \|/);
    expect(short).not.toContain("torch-tuned");
    expect(peers).toContain("### XOR in full");
    expect(peers).toContain("Absent: tfjs-node (not here).");
    expect(products).toBeUndefined();
  });

  test("stands beside the last ones of other processors", async () => {
    const { partsOf } = await load<{ partsOf: (run: object, workloads: object[]) => Record<string, string> }>(
      "report/documents.mjs",
    );
    const { processors } = partsOf(run, [{ name: "xor", short: "XOR", title: "XOR in full" }]);
    expect(processors).toContain("AMD EPYC");
    expect(processors).toMatch(/\| XOR +\| +[\d.]+ M\/s \|/);
  });

  test("becomes a line of history", async () => {
    const { historyRow } = await load<{ historyRow: (run: object) => { results: object[] } }>(
      "report/history.mjs",
    );
    expect(historyRow(run).results).toHaveLength(5);
    expect(historyRow(run).results[1]).toEqual({
      ...{ suite: "peers", workload: "xor", candidate: "torch-eager", threads: 1, version: "1" },
      samplesPerSecond: 2,
      ratio: 4,
    });
  });
});
