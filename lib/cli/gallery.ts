import { percent } from "./terminal.ts";

/** One image with what the network makes of it. */
export interface Exhibit {
  /** 28 x 28 numbers from 0 to 1. */
  readonly pixels: ArrayLike<number>;
  readonly label: number;
  readonly predicted: number;
  /** The probability of the prediction. */
  readonly confidence: number;
}

const SIDE = 28;
/** Digits leave the rim of the image empty. */
const RIM = 2;
const INK = 0.35;
/** Columns and rows of characters of an image, and columns between two. */
export const EXHIBIT_COLUMNS: number = (SIDE - 2 * RIM) / 2;
const ROWS = (SIDE - 2 * RIM) / 4;
const GAP = 3;
/** A braille character has 2 x 4 dots; these are their bits, row by row. */
const BRAILLE = 0x2800;
const DOTS = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80];

/** How many images fit side by side. */
export function exhibitsAcross(columns: number): number {
  return Math.max(1, Math.floor((columns + GAP) / (EXHIBIT_COLUMNS + GAP)));
}

/** An image in braille dots, line by line. */
export function drawDigit(pixels: ArrayLike<number>): string[] {
  return Array.from({ length: ROWS }, (_, row) => {
    const characters = Array.from({ length: EXHIBIT_COLUMNS }, (__, column) => {
      let bits = BRAILLE;
      DOTS.forEach((bit, dot) => {
        const y = RIM + row * 4 + (dot >> 1);
        const x = RIM + column * 2 + (dot & 1);
        if ((pixels[y * SIDE + x] as number) > INK) bits |= bit;
      });
      return String.fromCharCode(bits);
    });
    return characters.join("");
  });
}

function caption({ label, predicted, confidence }: Exhibit): string {
  const sure = percent(confidence, 0);
  return label === predicted ? `${predicted}  ${sure}` : `${predicted} ${sure}, is ${label}`;
}

/** Images side by side with the prediction beneath each. */
export function drawGallery(exhibits: readonly Exhibit[]): string[] {
  const column = EXHIBIT_COLUMNS + GAP;
  const drawn = exhibits.map((exhibit) => [...drawDigit(exhibit.pixels), caption(exhibit)]);
  return Array.from({ length: ROWS + 1 }, (_, row) =>
    drawn
      .map((lines) => (lines[row] as string).padEnd(column))
      .join("")
      .trimEnd(),
  );
}
