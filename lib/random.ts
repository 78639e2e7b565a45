import { checkNumber, expected, OptionError, ShapeError } from "./errors.ts";

/** A seed as people write it (an integer), or as the two words of the generator's key: `[low, high]`. */
export type Seed = number | readonly [number, number];

/**
 * Streams that Myelin itself draws from. Layers number theirs from 0 upwards, so that these
 * never meet them: the same seed gives unrelated numbers in different streams.
 */
export const streams: Readonly<Record<"shuffle" | "split" | "digits" | "weights" | "user", number>> =
  Object.freeze({
    shuffle: 0x80000000,
    split: 0x80000001,
    digits: 0x80000002,
    weights: 0x80000003,
    user: 0x80000004,
  });

const kMultiplier0 = 0xd2511f53;
const kMultiplier1 = 0xcd9e8d57;
const kWeyl0 = 0x9e3779b9;
const kWeyl1 = 0xbb67ae85;
const kRounds = 10;

/** The high 32 bits of the 64-bit product of two unsigned 32-bit integers (as a signed 32-bit number). */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const carry = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) | 0;
}

/**
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11): writes the
 * four words of the block with counter `(c0, c1, c2, c3)` and key `(k0, k1)` to `out[0..3]`.
 * `native/philox.h` is the same function.
 */
export function philox4x32(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
  out: Uint32Array,
): void {
  let x0 = c0 | 0;
  let x1 = c1 | 0;
  let x2 = c2 | 0;
  let x3 = c3 | 0;
  let key0 = k0 | 0;
  let key1 = k1 | 0;
  for (let round = 0; round < kRounds; round++) {
    const high0 = multiplyHigh(kMultiplier0, x0);
    const high1 = multiplyHigh(kMultiplier1, x2);
    const low0 = Math.imul(kMultiplier0, x0);
    const low1 = Math.imul(kMultiplier1, x2);
    x0 = high1 ^ x1 ^ key0;
    x1 = low1;
    x2 = high0 ^ x3 ^ key1;
    x3 = low0;
    key0 = (key0 + kWeyl0) | 0;
    key1 = (key1 + kWeyl1) | 0;
  }
  out[0] = x0;
  out[1] = x1;
  out[2] = x2;
  out[3] = x3;
}

/**
 * The key words `[low, high]` of a seed, which is any safe integer or the two words themselves.
 * @throws OptionError for anything else
 */
export function seedWords(seed: Seed, where = "seed"): [number, number] {
  if (typeof seed === "number") {
    if (!Number.isSafeInteger(seed)) throw new OptionError(expected(where, "a safe integer", seed));
    return [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
  }
  if (!Array.isArray(seed) || seed.length !== 2) {
    throw new OptionError(expected(where, "an integer or a pair [low, high] of 32-bit words", seed));
  }
  const [low, high] = seed as readonly [number, number];
  checkNumber(`${where}[0]`, low, { min: 0, max: 0xffffffff, integer: true });
  checkNumber(`${where}[1]`, high, { min: 0, max: 0xffffffff, integer: true });
  return [low, high];
}

/**
 * ln(value * 2^-24) for an integer from 1 to 2^24, by operations that IEEE 754 rounds exactly: the
 * same bits on every engine, which `Math.log` does not promise.
 */
function logOfFraction(value: number): number {
  const top = 31 - Math.clz32(value);
  let exponent = top - 24;
  let mantissa = value / (1 << top);
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const q = s * s;
  let sum = 0;
  for (let power = 21; power >= 1; power -= 2) sum = sum * q + 1 / power;
  return exponent * Math.LN2 + 2 * s * sum;
}

/** sin(x)/x as a polynomial in x*x, good to double precision for |x| <= pi/4. */
function sinOverX(q: number): number {
  let sum = 1;
  for (let n = 16; n >= 2; n -= 2) sum = 1 - (sum * q) / (n * (n + 1));
  return sum;
}

/** cos(x) as a polynomial in x*x, good to double precision for |x| <= pi/4. */
function cosOf(q: number): number {
  let sum = 1;
  for (let n = 17; n >= 1; n -= 2) sum = 1 - (sum * q) / (n * (n + 1));
  return sum;
}

/** The counter's words of a block, and the key. */
type Position = [low: number, high: number, stream: number, step: number, key0: number, key1: number];

/**
 * What makes many consecutive blocks in one call, the one at a position first: four words each, as `philox4x32`
 * gives them. Arrays are of whole blocks.
 */
export interface RandomSource {
  /** Fills `out` with the words. */
  philox(out: Uint32Array, ...position: Position): void;
  /** Fills `out` with `minimum + scale * (word >>> 8)`. */
  fillUniform(out: Float32Array, minimum: number, scale: number, ...position: Position): void;
}

const STEPS = { min: 0, max: 0xffffffff, integer: true };

/** Words that are drawn at a time from a source that makes many in one call. */
const BATCH = 2048;

/**
 * A reproducible source of random numbers: Philox4x32-10 keyed by the seed, with counter
 * `(block low, block high, stream, step)`. The same seed, stream and step give the same numbers
 * on every machine and Node version (`normal` included, which uses no `Math.log` or `Math.cos`).
 */
export class Random {
  readonly #key0: number;
  readonly #key1: number;
  readonly #stream: number;
  #step: number;
  readonly #source: RandomSource | undefined;
  #words: Uint32Array = new Uint32Array(4);
  #blockLow = 0;
  #blockHigh = 0;
  #next = 4;
  #spareNormal = Number.NaN;

  /**
   * @param seed an integer, or the key words `[low, high]`
   * @param stream which of 2^32 independent sequences of the seed (default `streams.user`)
   * @param step the last counter word, for one sequence per epoch or step (default 0)
   * @param source what computes the same words faster (an executor's), for many numbers
   */
  constructor(seed: Seed, stream: number = streams.user, step = 0, source?: RandomSource) {
    [this.#key0, this.#key1] = seedWords(seed, "Random: seed");
    this.#stream = checkNumber("Random: stream", stream, { min: 0, max: 0xffffffff, integer: true });
    this.#step = checkNumber("Random: step", step, STEPS);
    this.#source = source;
  }

  /** A uniform 32-bit unsigned integer. */
  next(): number {
    if (this.#next === this.#words.length) this.#refill();
    return this.#words[this.#next++] as number;
  }

  /** Uniform in [0, 1), a multiple of 2^-24 (so that it is exact in float32). */
  uniform(): number {
    return (this.next() >>> 8) * 2 ** -24;
  }

  /** Fills `target` with uniform numbers in [low, high), the ones that calls of `uniform` would give. */
  fillUniform(target: Float32Array, low: number, high: number): void {
    const scale = (high - low) * 2 ** -24;
    const drawn = Math.min(target.length, this.#words.length - this.#next);
    this.#fillFromWords(target, 0, drawn, low, scale);
    const end = drawn + this.#fillFromSource(target.subarray(drawn), low, scale);
    this.#fillFromWords(target, end, target.length, low, scale);
  }

  #fillFromWords(target: Float32Array, start: number, end: number, low: number, scale: number): void {
    for (let i = start; i < end; ) {
      if (this.#next === this.#words.length) this.#refill();
      const words = this.#words;
      const stop = Math.min(end, i + words.length - this.#next);
      let next = this.#next;
      while (i < stop) target[i++] = low + scale * ((words[next++] as number) >>> 8);
      this.#next = next;
    }
  }

  /** Fills a large array with as many whole blocks as there is room for; returns how many numbers that is. */
  #fillFromSource(target: Float32Array, low: number, scale: number): number {
    if (this.#source === undefined || target.length < BATCH) return 0;
    const out = target.subarray(0, target.length - (target.length % 4));
    this.#source.fillUniform(out, low, scale, ...this.#position());
    this.#advance(out.length / 4);
    return out.length;
  }

  /** Standard normal by Box and Muller's transform of two words; every second call returns the other half. */
  normal(): number {
    if (!Number.isNaN(this.#spareNormal)) {
      const spare = this.#spareNormal;
      this.#spareNormal = Number.NaN;
      return spare;
    }
    const a = this.next() >>> 8;
    const b = this.next() >>> 8;
    const radius = Math.sqrt(-2 * logOfFraction(a + 1));
    // The angle 2 pi b / 2^24 is quadrant * pi/2 + (x + pi/4), |x| <= pi/4.
    const quadrant = b >>> 22;
    const x = ((b & 0x3fffff) * 2 ** -22 - 0.5) * (Math.PI / 2);
    const sin = x * sinOverX(x * x);
    const cos = cosOf(x * x);
    const u = radius * Math.SQRT1_2 * (cos - sin);
    const v = radius * Math.SQRT1_2 * (cos + sin);
    const alongCos = quadrant === 0 ? u : quadrant === 1 ? -v : quadrant === 2 ? -u : v;
    this.#spareNormal = quadrant === 0 ? v : quadrant === 1 ? u : quadrant === 2 ? -v : -u;
    return alongCos;
  }

  /**
   * A uniform integer from 0 to `n - 1`, without bias (Lemire, "Fast random integer generation in an
   * interval", 2019).
   * @param n 1 to 2^32
   */
  integer(n: number): number {
    if (!(Number.isInteger(n) && n >= 1 && n <= 2 ** 32)) {
      throw new OptionError(expected("Random.integer: n", "an integer from 1 to 2^32", n));
    }
    return n === 2 ** 32 ? this.next() : this.#below(n);
  }

  /** Puts the elements from `start` to before `end` into a random order (Fisher and Yates), in place. */
  shuffle(array: Uint32Array, start = 0, end: number = array.length): void {
    for (let i = end - 1; i > start; i--) {
      const j = start + this.#below(i - start + 1);
      const moved = array[i] as number;
      array[i] = array[j] as number;
      array[j] = moved;
    }
  }

  /** Goes on with the sequence of another step, from its first number. */
  restart(step: number): void {
    this.#step = checkNumber("Random.restart: step", step, STEPS);
    this.#blockLow = 0;
    this.#blockHigh = 0;
    if (this.#words.length > 4) this.#words = new Uint32Array(4);
    this.#next = 4;
    this.#spareNormal = Number.NaN;
  }

  #below(n: number): number {
    let word = this.next();
    let low = Math.imul(word, n) >>> 0;
    if (low < n) {
      const threshold = (2 ** 32 - n) % n;
      while (low < threshold) {
        word = this.next();
        low = Math.imul(word, n) >>> 0;
      }
    }
    return multiplyHigh(word, n) >>> 0;
  }

  /** The first block is always made here: most sequences end within it. */
  #refill(): void {
    const first = this.#blockLow === 0 && this.#blockHigh === 0;
    if (this.#source === undefined || first) {
      philox4x32(
        this.#blockLow,
        this.#blockHigh,
        this.#stream,
        this.#step,
        this.#key0,
        this.#key1,
        this.#words,
      );
    } else {
      if (this.#words.length < BATCH) this.#words = new Uint32Array(BATCH);
      this.#source.philox(this.#words, ...this.#position());
    }
    this.#next = 0;
    this.#advance(this.#words.length / 4);
  }

  /** Counter and key of the next block. */
  #position(): Position {
    return [this.#blockLow, this.#blockHigh, this.#stream, this.#step, this.#key0, this.#key1];
  }

  #advance(blocks: number): void {
    const following = this.#blockLow + blocks;
    this.#blockLow = following >>> 0;
    if (following >= 2 ** 32) this.#blockHigh = (this.#blockHigh + 1) >>> 0;
  }
}

/** Puts 0..length-1 in a random order from `start` on. */
function fillPermutation(random: Random, target: Uint32Array, start: number, length: number): void {
  for (let i = 0; i < length; i++) target[start + i] = i;
  random.shuffle(target, start, start + length);
}

/**
 * Fills `target` with permutations of 0..length-1, one after the other: those that `permutation` gives for
 * `epoch`, `epoch + stride`, ... (modulo 2^32).
 */
export function fillPermutations(
  target: Uint32Array,
  length: number,
  seed: Seed,
  stream: number,
  epoch: number,
  stride: number,
): void {
  const random = new Random(seed, stream);
  for (let start = 0, step = epoch; start < target.length; start += length, step += stride) {
    random.restart(step >>> 0);
    fillPermutation(random, target, start, length);
  }
}

/**
 * The permutation of 0..length-1 that belongs to a seed, stream and epoch.
 * @throws ShapeError unless length is an integer from 0 to 2^32 - 1
 */
export function permutation(
  length: number,
  seed: Seed,
  stream: number = streams.shuffle,
  epoch = 0,
): Uint32Array {
  if (!(Number.isInteger(length) && length >= 0 && length < 2 ** 32)) {
    throw new ShapeError(expected("permutation: length", "an integer from 0 to 2^32 - 1", length));
  }
  const order = new Uint32Array(length);
  fillPermutation(new Random(seed, stream, epoch), order, 0, length);
  return order;
}
