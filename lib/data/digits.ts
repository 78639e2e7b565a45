import { checkNumber, checkOptions } from "../errors.ts";
import { Random, type Seed, seedWords, streams } from "../random.ts";
import { makeColumn } from "./column.ts";
import { Dataset } from "./dataset.ts";
import { type ControlPoint, digitStrokes, type Stroke, type Variant } from "./digit-strokes.ts";

export interface SyntheticDigitsOptions {
  /** Number of images. */
  count: number;
  /** Default 0. Image `i` depends on seed, stream and `i` alone: a larger count only adds images. */
  seed?: Seed;
  /** Images of different streams are unrelated: one for training, one for the test (default 0). */
  stream?: number;
}

const kSide = 28;
/** As in MNIST, a digit fills a box of 20 pixels and its centre of mass lies in the image's middle. */
const kBox = 20;
const kPiecesPerSegment = 5;
const kMaxPoints = 128;

/** The pen's path in one image: points, and where the pen is put down anew. */
interface Path {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** 1 where no line leads to the point from the one before. */
  readonly starts: Uint8Array;
  length: number;
}

/**
 * Images that look like handwritten digits, drawn rather than collected: the strokes of a randomly
 * chosen way to write the digit, with random slant, rotation, proportions, bends, pen width and
 * softness. In MNIST's form: bytes [28, 28, 1] with scale 1/255, white on black, targets 0 to 9.
 */
export function syntheticDigits(options: SyntheticDigitsOptions): Dataset {
  checkOptions("syntheticDigits", options, ["count", "seed", "stream"]);
  const count = checkNumber("syntheticDigits: count", options.count, {
    min: 1,
    max: 5_000_000,
    integer: true,
  });
  const stream = checkNumber("syntheticDigits: stream", options.stream ?? 0, {
    min: 0,
    max: 0xffff,
    integer: true,
  });
  const seed = seedWords(options.seed ?? 0, "syntheticDigits: seed");
  const pixels = new Uint8Array(count * kSide * kSide);
  const labels = new Uint8Array(count);
  const path = newPath();
  const ink = new Float32Array(kSide * kSide);
  for (let i = 0; i < count; i++) {
    const random = new Random(seed, streams.digits + stream * 0x100, i);
    const digit = random.integer(10);
    labels[i] = digit;
    trace(pick(digitStrokes[digit] as readonly Variant[], random), path, random);
    draw(path, ink, random);
    develop(ink, pixels, i * kSide * kSide, random);
  }
  return new Dataset({
    inputs: [makeColumn(pixels, [kSide, kSide, 1], 1 / 255)],
    targets: [makeColumn(labels, [])],
  });
}

function newPath(): Path {
  return {
    x: new Float64Array(kMaxPoints),
    y: new Float64Array(kMaxPoints),
    starts: new Uint8Array(kMaxPoints),
    length: 0,
  };
}

/** A variant, with probability in proportion to its weight. */
function pick(variants: readonly Variant[], random: Random): Variant {
  let rest = random.integer(variants.reduce((sum, { weight }) => sum + weight, 0));
  let index = 0;
  for (; rest >= (variants[index] as Variant).weight; index++) rest -= (variants[index] as Variant).weight;
  return variants[index] as Variant;
}

/** A normal number that is cut off at two standard deviations, so that no digit is beyond recognition. */
function bounded(random: Random, mean: number, deviation: number): number {
  return mean + deviation * Math.max(-2, Math.min(2, random.normal()));
}

/** Writes the digit: wobbling control points, a curve through them, the hand's slant and proportions. */
function trace(variant: Variant, path: Path, random: Random): void {
  path.length = 0;
  const wobble = 0.015 + 0.045 * random.uniform();
  for (const stroke of variant.strokes) {
    const points = stroke.map(({ x, y, corner }) => ({
      x: x + bounded(random, 0, wobble),
      y: y + bounded(random, 0, wobble),
      corner,
    }));
    traceStroke(points, path);
  }
  transform(path, random);
  place(path, random);
}

/** A Catmull-Rom spline through the points; at a corner the tangent of each side ends there. */
function traceStroke(points: Stroke, path: Path): void {
  const first = points[0] as ControlPoint;
  add(path, first.x, first.y, 1);
  for (let i = 0; i + 1 < points.length; i++) {
    const b = points[i] as ControlPoint;
    const c = points[i + 1] as ControlPoint;
    const a = b.corner ? b : (points[i - 1] ?? b);
    const d = c.corner ? c : (points[i + 2] ?? c);
    for (let piece = 1; piece <= kPiecesPerSegment; piece++) {
      const t = piece / kPiecesPerSegment;
      add(path, spline(a.x, b.x, c.x, d.x, t), spline(a.y, b.y, c.y, d.y, t), 0);
    }
  }
}

function spline(a: number, b: number, c: number, d: number, t: number): number {
  const quadratic = 2 * a - 5 * b + 4 * c - d;
  const cubic = 3 * (b - c) + d - a;
  return b + 0.5 * t * (c - a + t * (quadratic + t * cubic));
}

function add(path: Path, x: number, y: number, start: 0 | 1): void {
  const i = path.length++;
  path.x[i] = x;
  path.y[i] = y;
  path.starts[i] = start;
}

/** Proportions, a bend, slant and rotation, about the middle of the unit square. */
function transform({ x, y, length }: Path, random: Random): void {
  const width = bounded(random, 0.8, 0.12);
  const slant = bounded(random, 0.13, 0.23);
  const angle = bounded(random, 0, 0.11);
  const bend = bounded(random, 0, 0.05);
  const squeeze = bounded(random, 0, 0.12);
  // A parabola instead of cos and sin keeps the bits the same on every engine; angles are small.
  const cos = 1 - (angle * angle) / 2;
  const sin = angle * (1 - (angle * angle) / 6);
  for (let i = 0; i < length; i++) {
    const v = (y[i] as number) - 0.5;
    const upright = ((x[i] as number) - 0.5) * width * (1 + squeeze * 2 * v) + bend * (4 * v * v - 0.5);
    const u = upright - slant * v;
    x[i] = u * cos - v * sin;
    y[i] = u * sin + v * cos;
  }
}

/** Scales the path into the box and puts its centre of mass into the middle of the image. */
function place(path: Path, random: Random): void {
  const { x, y, length } = path;
  let left = Number.POSITIVE_INFINITY;
  let right = Number.NEGATIVE_INFINITY;
  let top = Number.POSITIVE_INFINITY;
  let bottom = Number.NEGATIVE_INFINITY;
  let massX = 0;
  let massY = 0;
  let mass = 0;
  for (let i = 0; i < length; i++) {
    const px = x[i] as number;
    const py = y[i] as number;
    left = Math.min(left, px);
    right = Math.max(right, px);
    top = Math.min(top, py);
    bottom = Math.max(bottom, py);
    if (path.starts[i] === 1) continue;
    const dx = px - (x[i - 1] as number);
    const dy = py - (y[i - 1] as number);
    const weight = Math.sqrt(dx * dx + dy * dy);
    massX += weight * (px - dx / 2);
    massY += weight * (py - dy / 2);
    mass += weight;
  }
  const size = kBox - 2.5 + bounded(random, 0, 0.5);
  const scale = size / Math.max(right - left, bottom - top);
  const middle = (kSide - 1) / 2;
  const shiftX = middle - (scale * massX) / mass + bounded(random, 0, 0.4);
  const shiftY = middle - (scale * massY) / mass + bounded(random, 0, 0.4);
  for (let i = 0; i < length; i++) {
    x[i] = (x[i] as number) * scale + shiftX;
    y[i] = (y[i] as number) * scale + shiftY;
  }
}

/** Draws the path with a round, soft pen whose width varies along the way; `ink` receives 0 to 1. */
function draw(path: Path, ink: Float32Array, random: Random): void {
  ink.fill(0);
  const radius = Math.max(0.75, bounded(random, 1.25, 0.3));
  const taper = bounded(random, 0, 0.12);
  const softness = 0.45 + 0.3 * random.uniform();
  for (let i = 1; i < path.length; i++) {
    if (path.starts[i] === 1) continue;
    const along = (2 * i) / path.length - 1;
    drawLine(path, i, radius * (1 + taper * along), softness, ink);
  }
}

function drawLine({ x, y }: Path, i: number, radius: number, softness: number, ink: Float32Array): void {
  const x0 = x[i - 1] as number;
  const y0 = y[i - 1] as number;
  const dx = (x[i] as number) - x0;
  const dy = (y[i] as number) - y0;
  const squared = Math.max(dx * dx + dy * dy, 1e-9);
  const reach = radius + softness;
  const left = Math.max(0, Math.ceil(Math.min(x0, x0 + dx) - reach));
  const right = Math.min(kSide - 1, Math.floor(Math.max(x0, x0 + dx) + reach));
  const top = Math.max(0, Math.ceil(Math.min(y0, y0 + dy) - reach));
  const bottom = Math.min(kSide - 1, Math.floor(Math.max(y0, y0 + dy) + reach));
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const px = column - x0;
      const py = row - y0;
      const t = Math.max(0, Math.min(1, (px * dx + py * dy) / squared));
      const distanceX = px - t * dx;
      const distanceY = py - t * dy;
      const distance2 = distanceX * distanceX + distanceY * distanceY;
      if (distance2 >= reach * reach) continue;
      const amount = Math.min(1, (reach - Math.sqrt(distance2)) / (2 * softness));
      const position = row * kSide + column;
      if (amount > (ink[position] as number)) ink[position] = amount;
    }
  }
}

/** Turns ink into bytes: a smooth edge, and a pen that is not always black to the full. */
function develop(ink: Float32Array, pixels: Uint8Array, start: number, random: Random): void {
  const strength = 255 * (1 - 0.12 * random.uniform());
  for (let i = 0; i < ink.length; i++) {
    const amount = ink[i] as number;
    pixels[start + i] = Math.round(strength * amount * amount * (3 - 2 * amount));
  }
}
