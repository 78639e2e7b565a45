import type { Logs } from "./callback.ts";

/** What a line of progress shows. */
export interface ProgressView {
  /** `epoch  3/12` */
  readonly label: string;
  /** Of the bar, 0 to 1; undefined while nobody knows how much there is. */
  readonly fraction: number | undefined;
  /** Samples done in the epoch; shown in place of a bar without an end. */
  readonly samples: number;
  /** Samples a second; 0 before the first ones. */
  readonly rate: number;
  /** Seconds until the training ends; undefined while nobody knows. */
  readonly remaining: number | undefined;
  /** Seconds that the epoch (or all of the training) has taken. */
  readonly elapsed: number;
  readonly logs: Logs;
}

const GREEN = "\u001b[32m";
const PLAIN = "\u001b[39m";

/** `950`, `87.5k`, `1.23M` */
export function formatCount(count: number): string {
  const units = ["", "k", "M", "G"];
  let value = count;
  let unit = 0;
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000;
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return value.toFixed(digits) + units[unit];
}

/** `0.42 s`, `12.3 s`, `2:05`, `1:02:05` */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(whole % 60)}`;
}

/** Three or four digits that count, about as wide for every size: `0.9871`, `0.0421`, `1.23e-5`. */
export function formatValue(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(2);
  return value.toPrecision(size !== 0 && size < 0.1 ? 3 : 4);
}

/** `label value`, one an entry of the logs. */
function quantities(logs: Logs): string[] {
  return Object.entries(logs).map(([name, value]) => `${name} ${formatValue(value)}`);
}

function bar(fraction: number, width: number, colors: boolean): string {
  const full = Math.round(fraction * width);
  const done = "━".repeat(full);
  return (colors ? `${GREEN}${done}${PLAIN}` : done) + "─".repeat(width - full);
}

/**
 * The line while something is being done; quantities that do not fit into the width are left out.
 * The width counts colour codes too, since cli-progress cuts by characters.
 */
export function runningLine(view: ProgressView, columns: number, colors: boolean): string {
  const { fraction, rate, remaining } = view;
  const width = columns >= 120 ? 30 : columns >= 96 ? 20 : 10;
  const amount =
    fraction === undefined
      ? `${formatCount(view.samples)} samples`
      : `${bar(fraction, width, colors)} ${String(Math.floor(fraction * 100)).padStart(3)} %`;
  let line = `${view.label}  ${amount}`;
  const parts = [
    ...(rate > 0 ? [`${formatCount(rate).padStart(5)} samples/s`] : []),
    ...(remaining === undefined ? [] : [`ETA ${formatSeconds(remaining).padStart(6)}`]),
    ...quantities(view.logs),
  ];
  for (const part of parts) {
    if (line.length + 2 + part.length >= columns) break;
    line += `  ${part}`;
  }
  return line;
}

/** The line that stays. Where it would not fit into the width, speed and then time are left out. */
export function finishedLine({ label, elapsed, rate, logs }: ProgressView, columns?: number): string {
  const time = formatSeconds(elapsed).padStart(6);
  const speed = rate > 0 ? [`${formatCount(rate).padStart(5)} samples/s`] : [];
  const choices = [[time, ...speed], [time], []];
  const lines = choices.map((parts) => [label, ...parts, ...quantities(logs)].join("  "));
  return lines.find((line) => columns === undefined || line.length < columns) ?? (lines[0] as string);
}
