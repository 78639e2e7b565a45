/** Places for numbers along one direction of a plot. */
export interface Axis {
  /** Numbers that are marked, in ascending order. */
  readonly ticks: readonly number[];
  /** A number's place from 0 (the beginning of the axis) to 1; NaN where it has none. */
  place(value: number): number;
  label(tick: number): string;
}

/** The smallest of 1, 2, 5, 10, 20, ... (and 0.5, 0.2, ...) that is at least `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  for (const factor of [1, 2, 5]) if (factor * power >= least * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

function plain(value: number, decimals: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential().replace("e+", "e");
  return value.toFixed(decimals);
}

/** An axis with ticks at round numbers; its ends are ticks where `loose`, else the ends of the data. */
export function linearAxis(
  low: number,
  high: number,
  most: number,
  { loose = true, integers = false }: { loose?: boolean; integers?: boolean } = {},
): Axis {
  const margin = low === high ? Math.abs(low) * 0.1 || 1 : 0;
  const [from, to] = [low - margin, high + margin];
  const step = Math.max(niceStep((to - from) / Math.max(most - 1, 1)), integers ? 1 : 0);
  const round = loose ? [Math.floor, Math.ceil] : [Math.ceil, Math.floor];
  const first = (round[0] as typeof Math.floor)(from / step - (loose ? -1e-9 : 1e-9));
  const last = (round[1] as typeof Math.floor)(to / step + (loose ? -1e-9 : 1e-9));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  // Dividing by a whole number where the step is below 1 gives the double nearest to the decimal fraction.
  const ticks = Array.from({ length: last - first + 1 }, (_, i) =>
    step < 1 ? (first + i) / Math.round(1 / step) : (first + i) * step,
  );
  const [start, end] = loose ? [ticks[0] as number, ticks.at(-1) as number] : [from, to];
  return {
    ticks,
    place: (value) => (value - start) / (end - start),
    label: (tick) => plain(Number(tick.toPrecision(12)), decimals),
  };
}

/** An axis on which equal distances are equal ratios; numbers of at most 0 have no place on it. */
export function logAxis(low: number, high: number, most: number): Axis {
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(high) - 1e-9));
  const factors = last - first <= 2 ? [1, 2, 5] : [1];
  const stride = Math.ceil((last - first) / Math.max(most - 1, 1));
  const ticks: number[] = [];
  for (let exponent = first; exponent <= last; exponent += stride) {
    for (const factor of factors) ticks.push(Number(`${factor}e${exponent}`));
  }
  const before = Math.max(
    0,
    ticks.findLastIndex((tick) => tick <= low),
  );
  const after = ticks.findIndex((tick) => tick >= high && tick > (ticks[before] as number));
  const shown = ticks.slice(before, after < 0 ? undefined : after + 1);
  const [start, end] = [Math.min(low, shown[0] as number), Math.max(high, shown.at(-1) as number)].map(
    Math.log10,
  );
  return {
    ticks: shown,
    place: (value) =>
      value > 0
        ? (Math.log10(value) - (start as number)) / ((end as number) - (start as number))
        : Number.NaN,
    label: (tick) => plain(tick, Math.max(0, -Math.floor(Math.log10(tick) + 1e-9))),
  };
}
