import { describe, expect, it, test } from "vitest";
import { roundToBf16 } from "../../lib/ops/bf16.ts";
import { expectClose, type Input, readGolden, runOp } from "./golden.ts";

interface Tensor {
  shape: number[];
  data: number[];
}

type Tensors<Names extends string> = Record<Names, Tensor>;
type Dense = Tensors<"x" | "kernel" | "bias" | "dy"> & {
  product: Tensors<"y" | "dx" | "dkernel" | "dbias">;
  theirs: Tensors<"y" | "dx" | "dkernel">;
};

const golden = readGolden<{ dense: Dense[]; upperHalves: [number, number][] }>("bf16");

const IDENTITY = { function: "linear", alpha: 0, beta: 0 };
/** Half a unit of bf16, which PyTorch rounds its results to: relative to numbers beyond 1. */
const HALF_UNIT = 2 ** -8;

const batched = ({ data, shape }: Tensor): Input => ({ data, shape: shape.slice(1), batched: true });

describe("bf16 is PyTorch's", () => {
  test.each(golden.dense)(
    "dense of $x.shape and $kernel.shape",
    ({ x, kernel, bias, dy, product, theirs }) => {
      const size = { batch: x.shape[0] as number };
      const run = (name: string, inputs: readonly Input[], attributes: Record<string, number | string>) =>
        runOp(name, inputs, attributes, size) as [Float64Array, Float64Array];
      const [y] = run("linearBf16", [batched(x), kernel, bias], IDENTITY);
      const [plain] = run("linearBf16", [batched(x), kernel], IDENTITY);
      const [dx] = run("linearGradInputBf16", [batched(dy), kernel], IDENTITY);
      const [dkernel, dbias] = run("linearGradKernelBf16", [batched(x), batched(dy)], { bias: 1 });
      for (const [name, values] of Object.entries({ y, dx, dkernel, dbias }))
        expectClose(values, product[name as keyof typeof product].data, 1e-13, name);
      for (const [name, values] of Object.entries({ y: plain, dx, dkernel }))
        expectClose(values, theirs[name as keyof typeof theirs].data, HALF_UNIT, `PyTorch's ${name}`);
    },
  );

  it("rounds ties, carries and the largest numbers", () => {
    for (const [bits, upper] of golden.upperHalves) {
      const value = new Float32Array(Uint32Array.of(bits).buffer);
      const [rounded] = new Uint32Array(roundToBf16(value).buffer);
      expect(rounded, bits.toString(16)).toBe(upper * 0x10000);
    }
  });
});
