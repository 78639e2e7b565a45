// This tree's Myelin beside another commit's, interleaved: what a change is worth.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { path, run } from "../../scripts/project.mjs";
import { variantsOf } from "../harness/candidates.mjs";
import { lastRecordedCommit } from "../report/history.mjs";
import { onThreads, rounded, table, times } from "../report/markdown.mjs";
import { measureWorkloads } from "./workloads.mjs";

/** Where a commit is built; kept, as it does not change. */
const CACHE = ".cache/bench";

/** The full name of a commit. @param {string | undefined} wanted */
function resolve(wanted) {
  const name = wanted ?? lastRecordedCommit();
  if (name === undefined) throw new Error("bench/history.jsonl is empty: name a commit to compare with");
  const { status, stdout } = spawnSync("git", ["rev-parse", "--verify", "--quiet", `${name}^{commit}`], {
    cwd: path("."),
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`unknown commit "${name}"`);
  return stdout.trim();
}

/** Builds a commit in a folder of its own, with this tree's packages. @returns {string} the folder */
function buildCommit(commit) {
  const folder = path(CACHE, commit);
  if (existsSync(`${folder}/dist/index.js`) && existsSync(`${folder}/build/Release/myelin.node`))
    return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const archive = path(CACHE, `${commit}.tar`);
  run("git", ["archive", "--output", archive, commit]);
  run("tar", ["-xf", archive, "-C", folder]);
  rmSync(archive);
  symlinkSync(path("node_modules"), `${folder}/node_modules`, "junction");
  run(process.execPath, [`${folder}/scripts/build.mjs`], { cwd: folder });
  return folder;
}

/** @param {import("../harness/measure.mjs").Result[]} results of pairs: this tree's, the other's */
function compareTable(results, commit) {
  const rows = [];
  for (let i = 0; i < results.length; i += 2) {
    const [own, other] = results.slice(i, i + 2);
    const rate = ({ samplesPerSecond }) =>
      samplesPerSecond === undefined ? "failed" : rounded(samplesPerSecond);
    rows.push([
      `${own.workload}, ${onThreads(own.threads)}`,
      rate(own),
      rate(other),
      times(own.samplesPerSecond / other.samplesPerSecond),
    ]);
  }
  return `${table(["", "this tree, samples/s", commit.slice(0, 12), "this tree is faster by"], rows)}\n`;
}

export async function runCompare(options, { say, progress }) {
  const commit = resolve(options.argument);
  say(`Building ${commit} in ${CACHE}, unless it is there.`);
  const folder = buildCommit(commit);
  const variants = (await variantsOf(["myelin-native"], options.threads)).flatMap((variant) => [
    variant,
    { ...variant, title: `Myelin ${commit.slice(0, 7)}`, tree: folder },
  ]);
  const results = await measureWorkloads(options, variants, { say: () => {}, progress });
  say(compareTable(results, commit));
  return { commit, results };
}
