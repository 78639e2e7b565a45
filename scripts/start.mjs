// npm start: builds what is missing, then trains the digit classifier. Arguments after -- go to it.
import { spawn } from "node:child_process";
import { build, reportFailure } from "./build.mjs";
import { path } from "./project.mjs";

try {
  build({ requireNative: false });
} catch (error) {
  reportFailure(error);
}

const digits = spawn(process.execPath, [path("dist/cli/digits.js"), ...process.argv.slice(2)], {
  stdio: "inherit",
});
// The terminal sends Ctrl-C to both; the child decides how to end.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => digits.kill("SIGTERM"));
digits.on("exit", (code, signal) => {
  process.exitCode = signal === null ? code : 1;
});
