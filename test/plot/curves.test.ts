import { describe, expect, it } from "vitest";
import { DataError, OptionError } from "../../lib/errors.ts";
import { plotCurves, plotPanels } from "../../lib/plot/curves.ts";
import { type Point, thin } from "../../lib/plot/line.ts";

const count = (text: string, piece: string): number => text.split(piece).length - 1;

/** Numbers of all coordinates in a picture. */
function coordinates(svg: string): number[] {
  const paths = [...svg.matchAll(/ d="([^"]*)"/g)].flatMap(([, d]) => [
    ...(d as string).matchAll(/-?[\d.]+/g),
  ]);
  return paths.map(([number]) => Number(number));
}

describe("plotCurves", () => {
  it("draws curves with axes, labels, title and legend", () => {
    const svg = plotCurves(
      [
        { name: "training", values: [1, 0.5, 0.25] },
        { name: "validation", values: Float32Array.of(1.1, 0.7, 0.6) },
      ],
      { title: "Loss", xLabel: "epoch", yLabel: "cross-entropy", width: 500, height: 300 },
    );
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="500" height="300"/);
    for (const text of [">Loss<", ">epoch<", ">cross-entropy<", ">training<", ">validation<"]) {
      expect(svg).toContain(text);
    }
    expect(count(svg, "<path")).toBe(2);
    expect(count(svg, "<circle")).toBe(6);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it("stays inside the picture", () => {
    const values = Array.from({ length: 300 }, (_, i) => Math.sin(i) * 1e4);
    for (const log of [false, true]) {
      const numbers = coordinates(plotCurves([{ name: "a", values }], { log, width: 400, height: 300 }));
      expect(numbers.length).toBeGreaterThan(100);
      expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...numbers)).toBeLessThanOrEqual(400);
    }
  });

  it("leaves gaps where numbers are not finite, or not positive on a logarithmic axis", () => {
    const values = [1, 2, Number.NaN, 3, 4, Number.POSITIVE_INFINITY, 5];
    const gaps = plotCurves([{ name: "a", values }]);
    expect(count(gaps, "M")).toBe(2);
    expect(count(gaps, "<circle")).toBe(5);
    expect(count(plotCurves([{ name: "a", values: [1, 2, 0, 3, 4, -1] }], { log: true }), "M")).toBe(2);
  });

  it("puts values where x says", () => {
    const svg = plotCurves([{ name: "a", values: [3, 2, 1], x: [100, 200, 400] }], { width: 640 });
    const [x0, , x1, , x2] = coordinates(svg) as [number, number, number, number, number];
    expect((x1 - x0) * 2).toBeCloseTo(x2 - x1, 0);
    for (const tick of [100, 200, 300, 400]) expect(svg).toContain(`>${tick}<`);
  });

  it("keeps a picture of very many points small", () => {
    const values = Array.from({ length: 200_000 }, (_, i) => (i === 123_456 ? 50 : Math.sin(i)));
    const svg = plotCurves([{ name: "a", values }]);
    expect(svg.length).toBeLessThan(60_000);
    expect(svg).toContain(">50<");
  });

  it("escapes what XML does not take as it is", () => {
    const svg = plotCurves([{ name: '<a&"b">\u0001\ud800', values: [1, 2] }], { title: "</svg>" });
    expect(svg).toContain("&lt;a&amp;&quot;b&quot;&gt;<");
    expect(count(svg, "</svg>")).toBe(2);
    expect(svg).not.toContain("\u0001");
  });

  it("tells more series apart than there are colours", () => {
    const series = Array.from({ length: 12 }, (_, i) => ({ name: `series ${i}`, values: [i, i + 1] }));
    const svg = plotCurves(series);
    const styles = [...svg.matchAll(/<path [^>]*stroke="([^"]+)"([^>]*)>/g)].map(
      ([, color, rest]) => `${color} ${(rest as string).includes("dasharray")}`,
    );
    expect(new Set(styles).size).toBe(12);
  });

  it("draws a single value and an empty series", () => {
    const svg = plotCurves([
      { name: "one", values: [5] },
      { name: "none", values: [] },
    ]);
    expect(count(svg, "<circle")).toBe(1);
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  it.each([
    [[], {}, OptionError, "series must be a list of at least one { name, values }, got an array of length 0"],
    [[{ values: [1] }], {}, OptionError, "series[0].name must be a string"],
    [[{ name: "a", values: 3 }], {}, OptionError, "series[0].values must be an array of numbers, got 3"],
    [[{ name: "a", values: [1], x: [1, 2] }], {}, OptionError, '("a") has 1 values, but 2 places (x)'],
    [[{ name: "a", value: [1] }], {}, OptionError, 'unknown option "value". Did you mean "values"?'],
    [
      [{ name: "a", values: [1] }],
      { width: 10 },
      OptionError,
      "width must be a finite number of at least 200",
    ],
    [[{ name: "a", values: [1] }], { log: "yes" }, OptionError, "log must be true or false"],
    [[{ name: "a", values: [1] }], { title: 3 }, OptionError, "title must be a string"],
    [[{ name: "a", values: [1] }], { tittle: "" }, OptionError, 'Did you mean "title"?'],
    [[{ name: "a", values: [Number.NaN] }], {}, DataError, "no series has a finite value to show"],
    [
      [{ name: "a", values: [-1] }],
      { log: true },
      DataError,
      "no series has a finite positive value to show",
    ],
  ])("refuses %j with %j", (series, options, kind, message) => {
    const plot = () => plotCurves(series as never, options as never);
    expect(plot).toThrow(kind);
    expect(plot).toThrow(message);
  });
});

describe("plotPanels", () => {
  it("puts plots side by side", () => {
    const panel = (title: string, width: number) => ({
      title,
      width,
      series: [{ name: "a", values: [1, 2] }],
    });
    const svg = plotPanels([panel("Loss", 300), panel("Accuracy", 500)]);
    expect(svg).toContain('width="800" height="400"');
    expect(svg).toContain('<svg x="300" y="0" width="500" height="400">');
    expect(svg).toContain("<title>Loss, Accuracy</title>");
    expect(() => plotPanels([])).toThrow(OptionError);
  });
});

describe("thin", () => {
  it("keeps first, last and extremes of a column of pixels", () => {
    const points: Point[] = [0, 3, 9, -4, 2, 1].map((y, i) => [10 + i / 10, y]);
    expect(thin(points).map(([, y]) => y)).toEqual([0, 9, -4, 1]);
    expect(thin([])).toEqual([]);
    const sparse: Point[] = [
      [0, 1],
      [1, 2],
      [2.5, 3],
    ];
    expect(thin(sparse)).toEqual(sparse);
  });
});
