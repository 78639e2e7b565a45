import { coordinate, element } from "./svg.ts";

export type Point = readonly [x: number, y: number];

/** Up to this many points are marked by dots. */
const MOST_DOTS = 40;

/** Runs of neighbouring points that have a place; what is not finite is a gap. */
function runsOf(points: Iterable<Point>): Point[][] {
  const runs: Point[][] = [];
  let run: Point[] = [];
  for (const point of points) {
    if (Number.isFinite(point[0]) && Number.isFinite(point[1])) {
      if (run.length === 0) runs.push(run);
      run.push(point);
    } else {
      run = [];
    }
  }
  return runs;
}

/**
 * The same picture from fewer points: of those in one column of pixels, the first, the last and the
 * extremes, in their order.
 */
export function thin(points: readonly Point[]): readonly Point[] {
  const kept: Point[] = [];
  for (let first = 0; first < points.length; ) {
    const column = Math.floor((points[first] as Point)[0]);
    let last = first;
    let [lowest, highest] = [first, first];
    while (last + 1 < points.length && Math.floor((points[last + 1] as Point)[0]) === column) {
      last += 1;
      const y = (points[last] as Point)[1];
      if (y < (points[lowest] as Point)[1]) lowest = last;
      if (y > (points[highest] as Point)[1]) highest = last;
    }
    const chosen = [...new Set([first, lowest, highest, last])].sort((a, b) => a - b);
    kept.push(...chosen.map((i) => points[i] as Point));
    first = last + 1;
  }
  return kept;
}

/** A curve through the points, with dots where there are few. */
export function drawLine(points: readonly Point[], color: string, dashes: string): string {
  const runs = runsOf(points);
  const path = runs
    .filter((run) => run.length > 1)
    .map(
      (run) =>
        `M${thin(run)
          .map(([x, y]) => `${coordinate(x)} ${coordinate(y)}`)
          .join("L")}`,
    )
    .join("");
  const style = {
    fill: "none",
    stroke: color,
    "stroke-width": 2,
    "stroke-linejoin": "round",
    "stroke-linecap": "round",
    "stroke-dasharray": dashes || undefined,
  };
  const line = path === "" ? "" : element("path", { d: path, ...style });
  const dotted = runs.filter((run) => points.length <= MOST_DOTS || run.length === 1).flat();
  return line + dotted.map(([cx, cy]) => element("circle", { cx, cy, r: 2.6, fill: color })).join("");
}
