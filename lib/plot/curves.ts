import { checkNumber, checkOptions, DataError, expected, OptionError } from "../errors.ts";
import { type Axis, linearAxis, logAxis } from "./axis.ts";
import { drawLine, type Point } from "./line.ts";
import { element, escapeXml, text } from "./svg.ts";

/** One curve. */
export interface Series {
  readonly name: string;
  /** What is not finite is a gap. */
  readonly values: ArrayLike<number>;
  /** Where each value stands on the horizontal axis. Default 1, 2, 3, ... */
  readonly x?: ArrayLike<number>;
}

export interface PlotOptions {
  title?: string;
  xLabel?: string;
  yLabel?: string;
  /** In pixels. Default 640. */
  width?: number;
  /** In pixels. Default 400. */
  height?: number;
  /** A logarithmic vertical axis; values of at most 0 are gaps then. Default false. */
  log?: boolean;
}

/** One of several plots in a picture. */
export interface Panel extends PlotOptions {
  readonly series: readonly Series[];
}

const OPTIONS = ["title", "xLabel", "yLabel", "width", "height", "log"] as const;
/** Dark enough for thin lines on white, and told apart by the colour-blind too. */
const COLORS = ["#0b66c3", "#d9480f", "#2b8a3e", "#8e44ad", "#b8860b", "#0c8599", "#c2255c", "#495057"];
const DASHES = ["", "6 4", "2 4"];
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";
const INK = "#212529";
const FAINT = "#6c757d";

/** Edges of the area in which curves are drawn. */
interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** About as wide as the text at this size. */
function textWidth(content: string, size: number): number {
  return content.length * size * 0.56;
}

function checkSeries(series: readonly Series[]): void {
  if (!Array.isArray(series) || series.length === 0) {
    throw new OptionError(expected("plotCurves: series", "a list of at least one { name, values }", series));
  }
  series.forEach((entry: Series, i) => {
    checkOptions(`plotCurves: series[${i}]`, entry, ["name", "values", "x"]);
    const { name, values, x } = entry;
    if (typeof name !== "string")
      throw new OptionError(expected(`plotCurves: series[${i}].name`, "a string", name));
    if (typeof values?.length !== "number") {
      throw new OptionError(expected(`plotCurves: series[${i}].values`, "an array of numbers", values));
    }
    if (x !== undefined && x.length !== values.length) {
      throw new OptionError(
        `plotCurves: series[${i}] ("${name}") has ${values.length} values, but ${x.length} places (x)`,
      );
    }
  });
}

/** Every point of a series that a plot can show. */
function pointsOf({ values, x }: Series, log: boolean): Point[] {
  return Array.from(values, (value, i) => {
    const place = x === undefined ? i + 1 : (x[i] as number);
    return [place, log && value <= 0 ? Number.NaN : value] as const;
  });
}

function extent(numbers: readonly number[]): [low: number, high: number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const number of numbers) {
    low = Math.min(low, number);
    high = Math.max(high, number);
  }
  return [low, high];
}

/** Lines of legend entries that fit into the width, each entry with its left edge. */
function layoutLegend(names: readonly string[], width: number): { x: number; row: number }[] {
  let [x, row] = [0, 0];
  return names.map((name) => {
    const size = 34 + textWidth(name, 12);
    if (x > 0 && x + size > width) [x, row] = [0, row + 1];
    const entry = { x, row };
    x += size + 8;
    return entry;
  });
}

function drawLegend(
  names: readonly string[],
  places: readonly { x: number; row: number }[],
  left: number,
  top: number,
): string {
  return names
    .map((name, i) => {
      const { x, row } = places[i] as { x: number; row: number };
      const y = top + row * 18;
      const [start, end] = [left + x, left + x + 20];
      const style = { stroke: colorOf(i), "stroke-width": 3, "stroke-dasharray": dashesOf(i) || undefined };
      const line = { x1: start, x2: end, y1: y - 4, y2: y - 4, ...style };
      return element("line", line) + text(end + 6, y, name, { fill: INK });
    })
    .join("");
}

const colorOf = (i: number): string => COLORS[i % COLORS.length] as string;
const dashesOf = (i: number): string => DASHES[Math.floor(i / COLORS.length) % DASHES.length] as string;

function drawAxes(frame: Frame, xAxis: Axis, yAxis: Axis, xLabel: string, yLabel: string): string {
  const { left, right, top, bottom } = frame;
  const parts: string[] = [];
  for (const tick of yAxis.ticks) {
    const y = bottom - yAxis.place(tick) * (bottom - top);
    parts.push(element("line", { x1: left, x2: right, y1: y, y2: y, stroke: "#e9ecef" }));
    parts.push(text(left - 8, y + 4, yAxis.label(tick), { "text-anchor": "end" }));
  }
  for (const tick of xAxis.ticks) {
    const x = left + xAxis.place(tick) * (right - left);
    parts.push(element("line", { x1: x, x2: x, y1: bottom, y2: bottom + 5, stroke: "#adb5bd" }));
    parts.push(text(x, bottom + 19, xAxis.label(tick), { "text-anchor": "middle" }));
  }
  parts.push(element("line", { x1: left, x2: right, y1: bottom, y2: bottom, stroke: "#adb5bd" }));
  if (xLabel !== "") parts.push(text((left + right) / 2, bottom + 38, xLabel, { "text-anchor": "middle" }));
  if (yLabel !== "") {
    const y = (top + bottom) / 2;
    const transform = `rotate(-90 16 ${Math.round(y)})`;
    parts.push(text(16, y, yLabel, { "text-anchor": "middle", transform }));
  }
  return element("g", { fill: FAINT }, parts.join(""));
}

/** One plot at a place of the picture. */
function drawPanel(panel: Panel, x: number, y: number): string {
  const { series, title = "", xLabel = "", yLabel = "", log = false } = panel;
  const { width, height } = sizeOf(panel);
  const points = series.map((entry) => pointsOf(entry, log));
  const visible = points.flat().filter(([px, py]) => Number.isFinite(px) && Number.isFinite(py));
  if (visible.length === 0) {
    throw new DataError(`plotCurves: no series has a finite ${log ? "positive " : ""}value to show`);
  }
  const [xLow, xHigh] = extent(visible.map(([px]) => px));
  const [yLow, yHigh] = extent(visible.map(([, py]) => py));
  const legend = layoutLegend(
    series.map(({ name }) => name),
    width - 40,
  );
  const legendTop = title === "" ? 24 : 50;
  const top = legendTop + (legend.at(-1)?.row ?? 0) * 18 + 18;
  const bottom = height - (xLabel === "" ? 34 : 52);
  const yTicks = Math.max(2, Math.floor((bottom - top) / 42));
  const yAxis = log ? logAxis(yLow, yHigh, yTicks) : linearAxis(yLow, yHigh, yTicks);
  const labelWidth = Math.max(...yAxis.ticks.map((tick) => textWidth(yAxis.label(tick), 12)));
  const frame: Frame = { left: labelWidth + (yLabel === "" ? 22 : 42), right: width - 24, top, bottom };
  const integers = visible.every(([px]) => Number.isInteger(px));
  const xTicks = Math.max(2, Math.floor((frame.right - frame.left) / 55));
  const xAxis = linearAxis(xLow, xHigh, xTicks, { loose: false, integers });
  const onScreen = ([px, py]: Point): Point => [
    frame.left + xAxis.place(px) * (frame.right - frame.left),
    bottom - yAxis.place(py) * (bottom - top),
  ];
  const content = [
    title === "" ? "" : text(20, 26, title, { "font-size": "15", "font-weight": "600", fill: INK }),
    drawLegend(
      series.map(({ name }) => name),
      legend,
      20,
      legendTop,
    ),
    drawAxes(frame, xAxis, yAxis, xLabel, yLabel),
    ...points.map((line, i) => drawLine(line.map(onScreen), colorOf(i), dashesOf(i))),
  ];
  return element("svg", { x, y, width, height }, content.join("\n"));
}

function sizeOf({ width = 640, height = 400 }: PlotOptions): { width: number; height: number } {
  return { width, height };
}

function checkPanel({ series, ...options }: Panel): void {
  checkOptions("plotCurves", options, OPTIONS);
  const { width, height } = sizeOf(options);
  checkNumber("plotCurves: width", width, { min: 200, max: 10_000 });
  checkNumber("plotCurves: height", height, { min: 150, max: 10_000 });
  for (const key of ["title", "xLabel", "yLabel"] as const) {
    if (options[key] !== undefined && typeof options[key] !== "string") {
      throw new OptionError(expected(`plotCurves: ${key}`, "a string", options[key]));
    }
  }
  if (options.log !== undefined && typeof options.log !== "boolean") {
    throw new OptionError(expected("plotCurves: log", "true or false", options.log));
  }
  checkSeries(series);
}

/**
 * Several plots side by side in one picture, each with its own series and options.
 * @returns the text of an SVG file
 */
export function plotPanels(panels: readonly Panel[]): string {
  if (!Array.isArray(panels) || panels.length === 0) {
    throw new OptionError(expected("plotPanels: panels", "a list of at least one { series, ... }", panels));
  }
  panels.forEach(checkPanel);
  const sizes = panels.map(sizeOf);
  const width = sizes.reduce((sum, size) => sum + size.width, 0);
  const height = Math.max(...sizes.map((size) => size.height));
  let left = 0;
  const drawn = panels.map((panel, i) => {
    const svg = drawPanel(panel, left, 0);
    left += (sizes[i] as { width: number }).width;
    return svg;
  });
  const label = panels.map(({ title }) => title ?? "curves").join(", ");
  const background = element("rect", { width, height, fill: "#ffffff" });
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    "font-family": FONT,
    "font-size": "12",
    role: "img",
  };
  const content = [element("title", {}, escapeXml(label)), background, ...drawn].join("\n");
  return `${element("svg", attributes, `\n${content}\n`)}\n`;
}

/**
 * Draws curves of numbers, such as the entries of a training's history, with axes and a legend.
 * @returns the text of an SVG file
 * @throws DataError when there is nothing finite to draw
 */
export function plotCurves(series: readonly Series[], options: PlotOptions = {}): string {
  return plotPanels([{ ...options, series }]);
}
