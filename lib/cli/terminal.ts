/** Where a command writes; a terminal or anything else. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  hasColors?(): boolean;
  write(text: string): unknown;
}

type Style = "bold" | "faint" | "good" | "bad";

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  faint: [2, 22],
  good: [32, 39],
  bad: [31, 39],
};

/** Lines of text with a little colour where the output can show it. */
export class Terminal {
  readonly output: Output;
  readonly #colors: boolean;

  constructor(output: Output) {
    this.output = output;
    this.#colors = output.isTTY === true && output.hasColors?.() === true;
  }

  /** Characters of a line. */
  get columns(): number {
    return this.output.columns ?? 100;
  }

  line(text = ""): void {
    this.output.write(`${text}\n`);
  }

  /** A fact with its name, in columns. */
  fact(name: string, text: string): void {
    this.line(`${this.style("faint", name.padEnd(12))}${text}`);
  }

  heading(text: string): void {
    this.line();
    this.line(this.style("bold", text));
  }

  style(style: Style, text: string): string {
    if (!this.#colors) return text;
    const [on, off] = CODES[style];
    return `\u001b[${on}m${text}\u001b[${off}m`;
  }
}

/** `60,000` */
export function grouped(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** `98.42 %` */
export function percent(share: number, digits = 2): string {
  return `${(share * 100).toFixed(digits)} %`;
}
