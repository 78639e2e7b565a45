// Numbers and tables for people, in Markdown.

/** Three significant digits with separators. @param {number} value */
export function rounded(value) {
  if (!Number.isFinite(value)) return "-";
  const short = Number(value.toPrecision(3));
  const digits = short === 0 ? 0 : Math.min(4, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(short)))));
  return short.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** How many times. @param {number} value */
export function times(value) {
  return Number.isFinite(value) ? `${rounded(value)}x` : "-";
}

/** @param {number} fraction */
export function percent(fraction) {
  return Number.isFinite(fraction) ? `${(100 * fraction).toFixed(fraction < 0.0995 ? 1 : 0)} %` : "-";
}

/** A time in the unit that suits it. @param {number} microseconds */
export function duration(microseconds) {
  if (!Number.isFinite(microseconds)) return "-";
  if (microseconds < 1) return `${rounded(microseconds * 1000)} ns`;
  return microseconds < 1000 ? `${rounded(microseconds)} us` : `${rounded(microseconds / 1000)} ms`;
}

/** A large number with its unit's prefix. @param {number} value @param {string} unit */
export function amount(value, unit) {
  const prefixes = ["", "k", "M", "G", "T"];
  const step = value >= 1000 ? Math.min(4, Math.floor(Math.log10(value) / 3)) : 0;
  return `${rounded(value / 1000 ** step)} ${prefixes[step]}${unit}`.trim();
}

/**
 * @param {string[]} header
 * @param {string[][]} rows the first column to the left, the others to the right
 */
export function table(header, rows) {
  const widths = header.map((text, c) => Math.max(text.length, ...rows.map((row) => row[c].length)));
  const line = (cells) =>
    `| ${cells.map((text, c) => (c === 0 ? text.padEnd(widths[c]) : text.padStart(widths[c]))).join(" | ")} |`;
  const rule = `|${widths.map((width, c) => `${"-".repeat(width + 1)}${c === 0 ? "-" : ":"}`).join("|")}|`;
  return [line(header), rule, ...rows.map(line)].join("\n");
}

/** On how many threads. @param {number | undefined} threads */
export function onThreads(threads) {
  return threads === undefined ? "" : threads === 1 ? "1 thread" : `${threads} threads`;
}

/** @param {Record<string, any>} environment */
export function environmentLine({
  cpu,
  instructionSets,
  cpus,
  singleThreadsOn,
  node,
  commit,
  uncommittedChanges,
  loadAverage,
  date,
}) {
  const sets = instructionSets.length > 0 ? ` (${instructionSets.join(", ")})` : "";
  const dirty = uncommittedChanges ? " with changes" : "";
  const one = singleThreadsOn === undefined ? "" : ` (single threads on ${singleThreadsOn})`;
  return `${cpu}${sets}, ${cpus} CPUs${one}, Node ${node}, commit ${commit ?? "unknown"}${dirty}, load ${loadAverage}, ${date.slice(0, 10)}`;
}
