import type { Value } from "../graph/graph.ts";
import { philox4x32 } from "../random.ts";
import { at, type KernelCall, number, type OpDefinition, single } from "./op.ts";

const UNIT = 2 ** -24;

/**
 * Calls `visit(element, words, lane)` for each element of the batch with four random words that
 * depend only on seed, stream, step and the element's position: no state, no order.
 */
function forEachRandom(
  call: KernelCall,
  visit: (element: number, words: Uint32Array, lane: number) => void,
): void {
  const count = at(call.inputs, 0).count;
  const words = new Uint32Array(4);
  const [low, high] = call.seed;
  const stream = number(call.attributes, "stream");
  for (let element = 0; element < count; element++) {
    const lane = element & 3;
    if (lane === 0) philox4x32(element >>> 2, 0, stream, call.step >>> 0, low, high, words);
    visit(element, words, lane);
  }
}

/** Srivastava et al. 2014: zero with probability `rate`, the rest scaled by 1 / (1 - rate). */
export const dropoutOp: OpDefinition = {
  name: "dropout",
  attributes: ["rate", "stream"],
  overwrites: true,
  infer: (inputs) => [at(inputs, 0)],
  // The mask follows from the counter, so backward draws it again instead of storing it.
  vjp: (node, [dy]) => (dy === undefined ? [] : [single(dy.graph.add(dropoutOp, [dy], node.attributes))]),
  run: (call) => {
    const [x, y] = [at(call.inputs, 0).data, at(call.outputs, 0).data];
    const rate = number(call.attributes, "rate");
    const threshold = Math.ceil(rate * 2 ** 24);
    const scale = Math.fround(1 / (1 - rate));
    forEachRandom(call, (element, words, lane) => {
      const kept = (words[lane] as number) >>> 8 >= threshold;
      y[element] = kept ? (x[element] as number) * scale : 0;
    });
  },
};

/** x + stddev · normal, by Box & Muller 1958. */
export const gaussianNoiseOp: OpDefinition = {
  name: "gaussianNoise",
  attributes: ["stddev", "stream"],
  overwrites: true,
  infer: (inputs) => [at(inputs, 0)],
  vjp: (_, [dy]) => [dy],
  run: (call) => {
    const [x, y] = [at(call.inputs, 0).data, at(call.outputs, 0).data];
    const stddev = number(call.attributes, "stddev");
    forEachRandom(call, (element, words, lane) => {
      const pair = lane & 2;
      const radius = Math.sqrt(-2 * Math.log((((words[pair] as number) >>> 8) + 1) * UNIT));
      const angle = 2 * Math.PI * ((words[pair + 1] as number) >>> 8) * UNIT;
      y[element] = (x[element] as number) + stddev * radius * (lane & 1 ? Math.sin(angle) : Math.cos(angle));
    });
  },
};

/** Drops elements with probability `rate`. */
export function dropout(x: Value, rate: number): Value {
  return single(x.graph.add(dropoutOp, [x], { rate, stream: x.graph.randomStream() }));
}

/** Adds normal noise of deviation `stddev`. */
export function gaussianNoise(x: Value, stddev: number): Value {
  return single(x.graph.add(gaussianNoiseOp, [x], { stddev, stream: x.graph.randomStream() }));
}
