// Bar charts as SVG, drawn with the axes and shapes of Myelin's own plots.
import { linearAxis, logAxis } from "../../dist/plot/axis.js";
import { element, escapeXml, text } from "../../dist/plot/svg.js";

const COLORS = ["#0b66c3", "#d9480f", "#2b8a3e", "#8e44ad", "#b8860b", "#0c8599", "#c2255c", "#495057"];
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";
const [INK, FAINT] = ["#212529", "#6c757d"];
const [BAR, GAP, HEADING, MARGIN] = [15, 4, 24, 20];

/** About as wide as the text at this size. */
const textWidth = (content, size) => content.length * size * 0.62;

/**
 * @typedef {object} Group
 * @property {string} title
 * @property {{ name: string, value: number, label: string }[]} bars
 *
 * @typedef {object} ChartOptions
 * @property {string} title
 * @property {string} subtitle
 * @property {boolean} [log] equal distances are equal ratios, and bars begin at 1
 * @property {{ value: number, label: string }} [mark] a line at a value
 * @property {number} [columns]
 * @property {number} [width]
 */

/** Groups in columns of about the same height, in their order. */
function intoColumns(groups, columns) {
  const height = ({ bars }) => HEADING + bars.length * (BAR + GAP) + GAP;
  const total = groups.reduce((sum, group) => sum + height(group), 0);
  const result = Array.from({ length: columns }, () => ({ groups: [], height: 0 }));
  let column = 0;
  for (const group of groups) {
    const full = result[column].height > 0 && result[column].height + height(group) / 2 > total / columns;
    if (full && column < columns - 1) column++;
    result[column].groups.push(group);
    result[column].height += height(group);
  }
  return result;
}

function drawGroup({ title, bars }, frame, axis, colorOf, log) {
  const { left, start, end, top } = frame;
  const place = (value) => start + Math.min(1, Math.max(0, axis.place(value))) * (end - start);
  const origin = log ? place(1) : start;
  const parts = [text(left, top + 15, title, { "font-weight": "600", fill: INK })];
  bars.forEach(({ name, value, label }, i) => {
    const y = top + HEADING + i * (BAR + GAP);
    const [from, to] = [Math.min(origin, place(value)), Math.max(origin, place(value))];
    parts.push(text(start - 6, y + 12, name, { "text-anchor": "end", fill: FAINT }));
    parts.push(
      element("rect", { x: from, y, width: Math.max(2, to - from), height: BAR, rx: 2, fill: colorOf(name) }),
    );
    parts.push(text(to + 5, y + 12, label, { fill: INK }));
  });
  return parts.join("\n");
}

function drawMark({ value, label }, { start, end, top }, height, axis) {
  const x = start + axis.place(value) * (end - start);
  const line = { x1: x, x2: x, y1: top, y2: top + height, stroke: "#adb5bd", "stroke-dasharray": "4 3" };
  return (
    element("line", line) +
    text(x, top - 4, label, { "text-anchor": "middle", fill: FAINT, "font-size": "10" })
  );
}

/**
 * Groups of horizontal bars, each with its value beside it.
 * @param {Group[]} groups
 * @param {ChartOptions} options
 * @returns {string} the text of an SVG file
 */
export function barChart(groups, { title, subtitle, log = false, mark, columns = 2, width = 900 }) {
  const bars = groups.flatMap((group) => group.bars);
  const values = [...bars.map(({ value }) => value), ...(mark ? [mark.value] : [])].filter(Number.isFinite);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const axis = log ? logAxis(Math.min(low, 1), high, 6) : linearAxis(0, high, 6, { loose: false });
  const names = [...new Set(bars.map(({ name }) => name))];
  const colorOf = (name) => COLORS[names.indexOf(name) % COLORS.length];
  const nameWidth = Math.max(...names.map((name) => textWidth(name, 11)));
  const labelWidth = Math.max(...bars.map(({ label }) => textWidth(label, 11)));
  const columnWidth = (width - MARGIN) / columns;
  const placed = intoColumns(groups, columns);
  const top = mark ? 74 : 60;
  const drawn = placed.flatMap((column, c) => {
    const left = MARGIN + c * columnWidth;
    const frame = { left, start: left + nameWidth + 8, end: left + columnWidth - labelWidth - MARGIN - 8 };
    let y = top;
    const parts =
      mark && column.groups.length > 0 ? [drawMark(mark, { ...frame, top }, column.height, axis)] : [];
    for (const group of column.groups) {
      parts.push(drawGroup(group, { ...frame, top: y }, axis, colorOf, log));
      y += HEADING + group.bars.length * (BAR + GAP) + GAP;
    }
    return parts;
  });
  const height = top + Math.max(...placed.map((column) => column.height)) + 12;
  const content = [
    element("title", {}, escapeXml(title)),
    element("rect", { width, height, fill: "#ffffff" }),
    text(MARGIN, 28, title, { "font-size": "16", "font-weight": "600", fill: INK }),
    text(MARGIN, 46, subtitle, { fill: FAINT }),
    ...drawn,
  ].join("\n");
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
  };
  const style = { "font-family": FONT, "font-size": "11", role: "img" };
  return `${element("svg", { ...attributes, ...style }, `\n${content}\n`)}\n`;
}
