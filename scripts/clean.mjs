// Removes everything that is built; installed packages stay.
import { rmSync } from "node:fs";
import { path } from "./project.mjs";

for (const folder of ["build", "dist", "prebuilds", "coverage", ".cache"]) {
  rmSync(path(folder), { recursive: true, force: true });
}
