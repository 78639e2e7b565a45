import { describe, expect, it } from "vitest";
import { OptionError, ShapeError } from "../lib/errors.ts";
import { loadBinding } from "../lib/executor/binding.ts";
import { fillPermutations, permutation, philox4x32, Random, seedWords } from "../lib/random.ts";

function words(text: string): number[] {
  return text.split(" ").map((word) => Number.parseInt(word, 16));
}

describe("philox4x32", () => {
  // Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
  it.each([
    ["00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
    ["ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"],
    ["243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"],
  ])("counter %s, key %s", (counter, key, answer) => {
    const [c0, c1, c2, c3] = words(counter) as [number, number, number, number];
    const [k0, k1] = words(key) as [number, number];
    const out = new Uint32Array(4);
    philox4x32(c0, c1, c2, c3, k0, k1, out);
    expect([...out]).toEqual(words(answer));
  });

  it("agrees with 64-bit integer arithmetic on arbitrary blocks", () => {
    const mask = 0xffffffffn;
    const slow = (counter: bigint[], key: bigint[]): bigint[] => {
      let [a, b, c, d] = counter as [bigint, bigint, bigint, bigint];
      let [k, l] = key as [bigint, bigint];
      for (let round = 0; round < 10; round++) {
        const p = 0xd2511f53n * a;
        const q = 0xcd9e8d57n * c;
        [a, b, c, d] = [(q >> 32n) ^ b ^ k, q & mask, (p >> 32n) ^ d ^ l, p & mask];
        k = (k + 0x9e3779b9n) & mask;
        l = (l + 0xbb67ae85n) & mask;
      }
      return [a, b, c, d];
    };
    const random = new Random(3);
    const out = new Uint32Array(4);
    for (let trial = 0; trial < 200; trial++) {
      const w = Array.from({ length: 6 }, () => random.next()) as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      philox4x32(...w, out);
      const big = w.map(BigInt);
      expect([...out].map(BigInt)).toEqual(slow(big.slice(0, 4), big.slice(4)));
    }
  });
});

describe("Random", () => {
  it("reads the blocks of its stream in order", () => {
    const random = new Random([0xa4093822, 0x299f31d0], 7, 9);
    const out = new Uint32Array(4);
    for (let block = 0; block < 3; block++) {
      philox4x32(block, 0, 7, 9, 0xa4093822, 0x299f31d0, out);
      expect([random.next(), random.next(), random.next(), random.next()]).toEqual([...out]);
    }
  });

  it("has the same first numbers for ever", () => {
    const random = new Random(42);
    expect([random.next(), random.uniform()]).toEqual([2648858589, 0.7111673951148987]);
    expect([random.normal(), random.normal()]).toEqual([-0.34227012629010733, 0.10078413389327961]);
    expect(random.integer(1000)).toBe(337);
  });

  it("gives the same numbers by a faster source of blocks", () => {
    const { binding } = loadBinding();
    for (const seed of [7, -1, 2 ** 40 + 3]) {
      const [plain, fast] = [new Random(seed, 5, 9), new Random(seed, 5, 9, binding)];
      for (let i = 0; i < 10_001; i++) expect(fast.next()).toBe(plain.next());
    }
  });

  it("carries from the low to the high word of the counter", () => {
    const { binding } = loadBinding();
    const [out, one] = [new Uint32Array(8), new Uint32Array(4)];
    binding?.philox(out, 0xffffffff, 3, 1, 2, 4, 5);
    philox4x32(0xffffffff, 3, 1, 2, 4, 5, one);
    expect([...out.subarray(0, 4)]).toEqual([...one]);
    philox4x32(0, 4, 1, 2, 4, 5, one);
    expect([...out.subarray(4)]).toEqual([...one]);
  });

  it("fills arrays with the same uniform numbers by a faster source", () => {
    const { binding } = loadBinding();
    for (const [seed, low, high] of [
      [7, -0.1, 0.3],
      [-1, 0, 1],
      [2 ** 40 + 3, -1e30, 1e38],
    ] as const) {
      const [plain, fast] = [new Random(seed, 5, 9), new Random(seed, 5, 9, binding)];
      // Lengths around one block and around what is drawn at a time, begun in mid-block or not.
      for (const length of [0, 3, 4, 2047, 2048, 2051, 6000, 1, 100_003]) {
        const [expected, got] = [new Float32Array(length), new Float32Array(length)];
        plain.fillUniform(expected, low, high);
        fast.fillUniform(got, low, high);
        expect(Buffer.compare(Buffer.from(got.buffer), Buffer.from(expected.buffer))).toBe(0);
        expect(fast.normal()).toBe(plain.normal());
      }
    }
  });

  it("refuses wrong arguments of the addon's source", () => {
    const { binding } = loadBinding();
    expect(() => binding?.philox(new Uint32Array(6), 0, 0, 0, 0, 0, 0)).toThrow(/philox: out.*whole blocks/);
    expect(() => binding?.philox(new Float32Array(8) as never, 0, 0, 0, 0, 0, 0)).toThrow(/a Uint32Array/);
    expect(() => binding?.philox(new Uint32Array(8), -1, 0, 0, 0, 0, 0)).toThrow(/philox: low/);
    const fill = (out: unknown, minimum: unknown, key1: unknown): void =>
      binding?.fillUniform(out as Float32Array, minimum as number, 1, 0, 0, 0, 0, 0, key1 as number);
    expect(() => fill(new Float32Array(7), 0, 0)).toThrow(/fillUniform: out.*whole blocks/);
    expect(() => fill(new Float64Array(8), 0, 0)).toThrow(/fillUniform: out.*a Float32Array/);
    expect(() => fill(undefined, 0, 0)).toThrow(/fillUniform: out.*a Float32Array/);
    expect(() => fill(new Float32Array(8), "0", 0)).toThrow(/fillUniform: minimum/);
    expect(() => fill(new Float32Array(8), 0, 2 ** 32)).toThrow(/fillUniform: key1/);
    const taken = new Float32Array(8);
    structuredClone(taken.buffer, { transfer: [taken.buffer] });
    expect(() => fill(taken, 0, 0)).not.toThrow();
  });

  it("gives different sequences for another seed, stream or step", () => {
    const first = (random: Random): number[] => [random.next(), random.next()];
    const sequences = [
      new Random(1),
      new Random(2),
      new Random(1 + 2 ** 32),
      new Random(1, 0),
      new Random(1, 0, 1),
      new Random(-1),
    ].map((random) => first(random).join());
    expect(new Set(sequences).size).toBe(sequences.length);
  });

  it("draws uniform numbers in [0, 1) with the right moments", () => {
    const random = new Random(5);
    let sum = 0;
    let squares = 0;
    const count = 100_000;
    for (let i = 0; i < count; i++) {
      const u = random.uniform();
      expect(u >= 0 && u < 1 && Math.fround(u) === u).toBe(true);
      sum += u;
      squares += u * u;
    }
    expect(sum / count).toBeCloseTo(0.5, 2);
    expect(squares / count).toBeCloseTo(1 / 3, 2);
  });

  it("fills an array with the numbers that single calls give", () => {
    const [one, many] = [new Random(3), new Random(3)];
    expect(many.next()).toBe(one.next());
    const target = new Float32Array(1001);
    many.fillUniform(target, -2, 3);
    for (const value of target) expect(value).toBe(Math.fround(-2 + 5 * one.uniform()));
    expect(many.next()).toBe(one.next());
  });

  it("computes normal numbers as Box and Muller's formula does, to double precision", () => {
    const normals = new Random(11);
    const raw = new Random(11);
    for (let i = 0; i < 20_000; i++) {
      const a = raw.next() >>> 8;
      const b = raw.next() >>> 8;
      const radius = Math.sqrt(-2 * Math.log((a + 1) * 2 ** -24));
      const angle = 2 * Math.PI * b * 2 ** -24;
      expect(Math.abs(normals.normal() - radius * Math.cos(angle))).toBeLessThan(2e-14);
      expect(Math.abs(normals.normal() - radius * Math.sin(angle))).toBeLessThan(2e-14);
    }
  });

  it("draws normal numbers with the moments of the standard normal", () => {
    const random = new Random(6);
    const moments = [0, 0, 0, 0];
    const count = 200_000;
    for (let i = 0; i < count; i++) {
      const z = random.normal();
      for (let k = 0; k < 4; k++) moments[k] = (moments[k] as number) + z ** (k + 1) / count;
    }
    const [m1, m2, m3, m4] = moments as [number, number, number, number];
    expect(Math.abs(m1)).toBeLessThan(0.01);
    expect(Math.abs(m2 - 1)).toBeLessThan(0.02);
    expect(Math.abs(m3)).toBeLessThan(0.05);
    expect(Math.abs(m4 - 3)).toBeLessThan(0.1);
  });

  it.each([1, 2, 3, 10, 1000, 3_000_000_000, 2 ** 32])("draws integers below %d", (n) => {
    const random = new Random(8);
    let sum = 0;
    for (let i = 0; i < 20_000; i++) {
      const value = random.integer(n);
      expect(Number.isInteger(value) && value >= 0 && value < n).toBe(true);
      sum += value / 20_000;
    }
    expect(Math.abs(sum - (n - 1) / 2) / n).toBeLessThan(0.01);
  });

  it("draws every integer equally often", () => {
    const random = new Random(9);
    const counts = new Uint32Array(7);
    for (let i = 0; i < 70_000; i++) {
      const value = random.integer(7);
      counts[value] = (counts[value] as number) + 1;
    }
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquare).toBeLessThan(22.5); // 99.9 % point with 6 degrees of freedom
  });

  it("refuses impossible arguments", () => {
    expect(() => new Random(0.5)).toThrow(OptionError);
    expect(() => new Random(Number.NaN)).toThrow("Random: seed must be a safe integer, got NaN");
    expect(() => new Random([1, -1])).toThrow("Random: seed[1]");
    expect(() => new Random([1] as unknown as [number, number])).toThrow(OptionError);
    expect(() => new Random(1, 2 ** 32)).toThrow("Random: stream");
    for (const n of [0, -1, 1.5, Number.NaN, 2 ** 32 + 1]) {
      expect(() => new Random(1).integer(n)).toThrow(OptionError);
    }
  });

  it("splits seeds beyond 32 bits into words", () => {
    expect(seedWords(1)).toEqual([1, 0]);
    expect(seedWords(2 ** 40 + 5)).toEqual([5, 256]);
    expect(seedWords(-1)).toEqual([0xffffffff, 0xffffffff]);
    expect(seedWords([3, 4])).toEqual([3, 4]);
  });
});

describe("permutation", () => {
  it.each([0, 1, 2, 7, 1000])("holds each of 0..%d-1 once", (length) => {
    const order = permutation(length, 1, 0, 0);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i));
  });

  it("depends on seed, stream and epoch, and on nothing else", () => {
    const base = permutation(20, 1, 2, 3);
    expect(permutation(20, 1, 2, 3)).toEqual(base);
    for (const other of [permutation(20, 2, 2, 3), permutation(20, 1, 3, 3), permutation(20, 1, 2, 4)]) {
      expect(other).not.toEqual(base);
    }
  });

  it.each([1, 4, 3000])("is the same of %d where many are drawn one after the other", (length) => {
    const target = new Uint32Array(3 * length).fill(99);
    fillPermutations(target, length, 1, 2, 0xfffffffe, 5);
    for (const [i, epoch] of [0xfffffffe, 3, 8].entries()) {
      expect(target.subarray(i * length, (i + 1) * length)).toEqual(permutation(length, 1, 2, epoch));
    }
  });

  it("starts a sequence anew with all that was drawn ahead forgotten", () => {
    const random = new Random(1, 2, 3);
    random.normal();
    random.next();
    random.restart(4);
    const other = new Random(1, 2, 4);
    expect([random.normal(), random.next()]).toEqual([other.normal(), other.next()]);
    expect(() => random.restart(-1)).toThrow("Random.restart: step");
  });

  it("has the same order for ever", () => {
    expect([...permutation(10, 7)]).toEqual([0, 4, 9, 1, 6, 8, 7, 3, 5, 2]);
  });

  it("finds each order equally often", () => {
    const counts = new Map<string, number>();
    for (let epoch = 0; epoch < 24_000; epoch++) {
      const order = permutation(4, 3, 0, epoch).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    let chiSquare = 0;
    for (const count of counts.values()) chiSquare += (count - 1000) ** 2 / 1000;
    expect(chiSquare).toBeLessThan(49.7); // 99.9 % point with 23 degrees of freedom
  });

  it("refuses impossible lengths", () => {
    expect(() => permutation(-1, 1)).toThrow(ShapeError);
    expect(() => permutation(2.5, 1)).toThrow("permutation: length");
  });
});
