import { describe, expect, it } from "vitest";
import { confusionTable } from "../../lib/cli/confusion.ts";
import { drawDigit, drawGallery, exhibitsAcross } from "../../lib/cli/gallery.ts";
import { grouped, percent, Terminal } from "../../lib/cli/terminal.ts";
import { FakeStream } from "../callbacks/support.ts";

const plain = new Terminal(new FakeStream(false));

describe("confusionTable", () => {
  const matrix = Array.from({ length: 10 }, (_, i) =>
    Array.from({ length: 10 }, (__, j) => (i === j ? 90 : 0)),
  );
  (matrix[3] as number[])[8] = 10;
  (matrix[4] as number[]).fill(0);

  it("has a row for each class, all of one width", () => {
    const lines = confusionTable(matrix, plain);
    expect(lines).toHaveLength(12);
    const rows = lines.slice(1, 11);
    expect(new Set(rows.map((line) => line.length)).size).toBe(1);
    expect(rows[3]).toBe("     3     ·     ·     ·    90     ·     ·     ·     ·    10     ·   90.0 %");
  });

  it("shows shares of rows and columns, a dash where there is nothing", () => {
    const lines = confusionTable(matrix, plain);
    expect(lines[5]).toMatch(/ 4( {5}·){10} +-$/);
    expect(lines[11]).toMatch(/^right {2}100\.0 100\.0 100\.0 100\.0 {5}- 100\.0.* {2}90\.0 100\.0 {2}%$/);
  });

  it("colours hits and misses on a terminal, and takes no more room for it", () => {
    const stream = Object.assign(new FakeStream(true), { hasColors: () => true });
    const lines = confusionTable(matrix, new Terminal(stream));
    expect(lines[4]).toContain("\u001b[31m    10\u001b[39m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what it is about
    const bare = lines.map((line) => line.replace(/\u001b\[\d+m/g, ""));
    expect(bare).toEqual(confusionTable(matrix, plain));
  });
});

describe("gallery", () => {
  const blank = new Float32Array(784);

  it("draws two by four pixels a character, the rim left out", () => {
    expect(drawDigit(blank)).toEqual(Array(6).fill("\u2800".repeat(12)));
    expect(drawDigit(blank.map(() => 1))).toEqual(Array(6).fill("\u28ff".repeat(12)));
    const dots = blank.slice();
    dots[2 * 28 + 2] = 1;
    dots[5 * 28 + 3] = 1;
    expect(drawDigit(dots)[0]).toBe(`\u2881${"\u2800".repeat(11)}`);
  });

  it("puts images side by side with what was predicted beneath", () => {
    const lines = drawGallery([
      { pixels: blank, label: 7, predicted: 7, confidence: 0.996 },
      { pixels: blank, label: 3, predicted: 5, confidence: 0.42 },
    ]);
    expect(lines).toHaveLength(7);
    expect(lines[6]).toBe("7  100 %       5 42 %, is 3");
    expect((lines[0] as string).length).toBe(27);
    expect(drawGallery([])).toHaveLength(7);
  });

  it("knows how many fit", () => {
    expect([10, 27, 80, 100].map(exhibitsAcross)).toEqual([1, 2, 5, 6]);
  });
});

describe("texts", () => {
  it("group thousands and show percent", () => {
    expect(grouped(1234567.4)).toBe("1,234,567");
    expect(percent(0.98425)).toBe("98.42 %");
    expect(percent(1, 0)).toBe("100 %");
  });
});
