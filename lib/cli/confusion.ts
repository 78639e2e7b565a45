import { percent, type Terminal } from "./terminal.ts";

const WIDTH = 6;

/** A share of a sum of counts, as text; a dash where there is nothing to take a share of. */
function share(part: number, whole: number): string {
  return whole === 0 ? "-" : percent(part / whole, 1);
}

function paint(terminal: Terminal, count: number, onDiagonal: boolean): string {
  const text = (count === 0 ? "·" : String(count)).padStart(WIDTH);
  if (count === 0) return terminal.style("faint", text);
  return terminal.style(onDiagonal ? "good" : "bad", text);
}

/**
 * The matrix as lines: a row for each true class with the share of its images that were recognized,
 * a column for each predicted one with the share of its predictions that were right.
 */
export function confusionTable(matrix: readonly (readonly number[])[], terminal: Terminal): string[] {
  const classes = matrix.map((_, i) => i);
  const cell = (row: number, column: number): number => matrix[row]?.[column] ?? 0;
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
  const head = classes.map((i) => String(i).padStart(WIDTH)).join("");
  const rows = classes.map((row) => {
    const counts = classes.map((column) => paint(terminal, cell(row, column), row === column)).join("");
    const found = share(cell(row, row), sum(classes.map((column) => cell(row, column))));
    return `${row === 0 ? "true" : "    "} ${row}${counts}  ${found.padStart(7)}`;
  });
  const right = classes.map((column) => {
    const whole = sum(classes.map((row) => cell(row, column)));
    return (whole === 0 ? "-" : ((cell(column, column) / whole) * 100).toFixed(1)).padStart(WIDTH);
  });
  return [`      ${head}    found`, ...rows, terminal.style("faint", `right ${right.join("")}  %`)];
}
