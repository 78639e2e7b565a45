// Libraries with a matrix product, by the names that the system's loader knows.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const KNOWN = {
  OpenBLAS: ["libopenblas.so.0", "libopenblas.so", "libopenblas.dylib"],
  oneDNN: ["libdnnl.so.3", "libdnnl.so.2", "libdnnl.so"],
  BLIS: ["libblis-mt.so", "libblis.so.4", "libblis.so"],
  MKL: ["libmkl_rt.so.2", "libmkl_rt.so.1", "libmkl_rt.so"],
};

/** Where Python finds a package's files. */
const FIND = "import importlib.util as u, sys; print(u.find_spec(sys.argv[1]).submodule_search_locations[0])";

function packageFolder(python, name) {
  const { status, stdout } = spawnSync(python, ["-c", FIND, name], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** What the wheels of NumPy and PyTorch bring: newer than the system's. @param {string | undefined} python */
function librariesOfPython(python) {
  if (!python) return [];
  const found = [];
  const numpy = packageFolder(python, "numpy");
  const torch = packageFolder(python, "torch");
  if (numpy !== undefined) {
    try {
      const folder = `${numpy}.libs`;
      const file = readdirSync(folder).find((name) => name.includes("openblas"));
      if (file !== undefined) found.push({ name: "NumPy's OpenBLAS", files: [join(folder, file)] });
    } catch {
      // another system keeps them elsewhere
    }
  }
  if (torch !== undefined) {
    found.push({ name: "PyTorch's MKL", files: [join(torch, "lib", "libtorch_cpu.so")] });
  }
  return found;
}

/**
 * @param {string | undefined} python
 * @param {{ name: string, file: string }[]} given on the command line
 * @returns {{ name: string, files: string[] }[]} files are tried in this order
 */
export function knownLibraries(python, given) {
  return [
    ...Object.entries(KNOWN).map(([name, files]) => ({ name, files })),
    ...librariesOfPython(python),
    ...given.map(({ name, file }) => ({ name, files: [file] })),
  ];
}
