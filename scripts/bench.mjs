// npm run bench: builds what is missing, then runs the benchmarks. Arguments after -- go to them.
import { build, reportFailure } from "./build.mjs";
import { runNode } from "./project.mjs";

try {
  build();
  runNode("bench/main.mjs", process.argv.slice(2));
} catch (error) {
  reportFailure(error);
}
