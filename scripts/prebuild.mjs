// npm run build:prebuilds: makes prebuilds/<platform>-<arch>/ for this machine, or with --arch for
// another for which CC, CXX, AR and PREBUILD_STRIP_BIN name a cross compiler. Run it through npm, whose
// environment tells node-gyp where Node's headers are.
import { reportFailure } from "./build.mjs";
import { runNode } from "./project.mjs";

const target = `node@${process.version.slice(1)}`;
const libc = process.platform === "linux" ? ["--tag-libc"] : [];
const args = ["--napi", "--strip", ...libc, "--target", target, ...process.argv.slice(2)];
try {
  runNode("node_modules/prebuildify/bin.js", args);
} catch (error) {
  reportFailure(error);
}
