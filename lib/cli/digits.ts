// What `npm start` runs: trains a classifier of handwritten digits. Options: --help.
import { MyelinError } from "../errors.ts";
import { runDigits } from "./run.ts";

const controller = new AbortController();

/** The first Ctrl-C ends the training; the next one has nobody to stop it. */
function stop(): void {
  for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, stop);
  controller.abort();
}

for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, stop);

// Whoever reads along may leave (`| head`); the model is worth finishing all the same.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

async function main(): Promise<void> {
  try {
    process.exitCode = await runDigits(process.argv.slice(2), process.stdout, controller.signal);
  } catch (error) {
    // What Myelin throws on purpose says all there is to say; anything else needs its stack.
    const text = error instanceof MyelinError ? `error: ${error.message}` : (error as Error).stack;
    process.stderr.write(`${text ?? String(error)}\n`);
    process.exitCode = 1;
  } finally {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, stop);
  }
}

main();
