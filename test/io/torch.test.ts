import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { layers, Network } from "../../lib/index.ts";
import { readGolden } from "../golden/golden.ts";
import { branched, executors, temporaryFolder } from "./files.ts";

const folder = temporaryFolder();

/** A Python that has safetensors, the reader that PyTorch uses: MYELIN_PYTHON, or python3 where it has it. */
function findPython(): string | undefined {
  const candidates = [process.env.MYELIN_PYTHON, "python3"].filter(
    (name) => name !== undefined && name !== "",
  );
  return candidates.find(
    (name) => spawnSync(name as string, ["-c", "import safetensors.numpy"]).status === 0,
  );
}

const python = findPython();

it.each(executors)("gives PyTorch's outputs with PyTorch's weights (%s)", async (executor) => {
  const golden = readGolden<{ network: { x: number[]; y: number[] } }>("weights").network;
  const network = new Network({
    input: [3],
    layers: [
      layers.dense({ name: "hidden", units: 4, activation: "tanh" }),
      layers.batchNormalization({ name: "norm" }),
      layers.dense({ name: "output", units: 2 }),
    ],
    executor,
  });
  await network.loadWeights(fileURLToPath(new URL("../golden/weights.safetensors", import.meta.url)));
  const { data } = network.predict({ data: Float32Array.from(golden.x), shape: [5, 3] });
  for (const [i, y] of golden.y.entries()) expect(Math.abs((data[i] as number) - y)).toBeLessThan(2e-6);
});

const SCRIPT = `
import json, sys
from safetensors import safe_open
try:
    from safetensors.torch import load_file, save_file
    framework = "pt"
except ImportError:
    from safetensors.numpy import load_file, save_file
    framework = "np"
tensors = load_file(sys.argv[1])
with safe_open(sys.argv[1], framework) as file: metadata = file.metadata()
print(json.dumps({name: {"shape": list(t.shape), "data": t.reshape(-1).tolist()} for name, t in tensors.items()}))
save_file(tensors, sys.argv[2], metadata=metadata)
`;

it.skipIf(python === undefined)(
  "safetensors for PyTorch reads a saved model, and Myelin reads what it saves again (needs Python with safetensors)",
  async () => {
    const network = branched();
    const [path, copy] = [join(folder, "model.safetensors"), join(folder, "copy.safetensors")];
    await network.save(path);
    const read = JSON.parse(execFileSync(python as string, ["-c", SCRIPT, path, copy]).toString());
    const own = network.weights.map(({ path: name, shape, data }) => [name, { shape, data: [...data] }]);
    expect(read).toEqual(Object.fromEntries(own));
    // The tensors are in another order there, with the same metadata and checksum.
    expect((await Network.load(copy)).state).toEqual(network.state);
  },
  60_000,
);
