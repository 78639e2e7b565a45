/** A control point in the unit square, y downwards. At a corner the curve may turn at once. */
export interface ControlPoint {
  readonly x: number;
  readonly y: number;
  readonly corner: boolean;
}

/** One movement of the pen: a smooth curve through its points, broken at corners. */
export type Stroke = readonly ControlPoint[];

/** A way to write a digit, and how common it is among the ways to write it. */
export interface Variant {
  readonly weight: number;
  readonly strokes: readonly Stroke[];
}

/** Points are "x,y" in hundredths; "!" marks a corner and "/" lifts the pen. */
function written(weight: number, text: string): Variant {
  const strokes = text.split(" / ").map((stroke) =>
    stroke.split(" ").map((point): ControlPoint => {
      const [x, y] = point.replace("!", "").split(",").map(Number) as [number, number];
      return { x: x / 100, y: y / 100, corner: point.endsWith("!") };
    }),
  );
  return { weight, strokes };
}

/** How people write each digit: index 0 to 9. */
export const digitStrokes: readonly (readonly Variant[])[] = [
  // 0
  [
    written(5, "50,0 20,14 10,50 20,87 50,100 80,87 90,50 80,14 50,0"),
    written(3, "62,6 36,2 12,30 10,70 40,100 78,86 90,45 74,10 45,0"),
    written(2, "75,12 50,0 20,22 8,62 26,96 60,94 86,60 88,24 66,4 50,10"),
  ],
  // 1
  [
    written(6, "50,0 50,50 50,100"),
    written(3, "30,22 52,0! 52,50 52,100"),
    written(1, "28,20 50,0! 50,50 50,100 / 26,100 76,100"),
  ],
  // 2
  [
    written(5, "8,26 26,5 60,1 82,22 68,52 36,80 5,100! 50,97 95,98"),
    written(4, "14,20 40,1 74,10 76,36 52,70 22,96 6,90 16,74 42,84 70,98 98,92"),
    written(2, "20,6 56,0 84,16 72,50 42,82 14,98! 40,90 66,96 94,86"),
  ],
  // 3
  [
    written(6, "10,13 42,0 76,12 72,36 36,47! 74,55 86,80 50,100 6,88"),
    written(2, "12,3 46,2 82,3! 42,42! 78,54 86,80 50,100 6,90"),
    written(3, "16,10 50,0 74,16 60,38 42,47 48,50 76,60 78,84 46,100 10,94"),
  ],
  // 4
  [
    written(5, "18,2 10,30 8,56! 50,56 92,52 / 78,0 74,50 70,100"),
    written(2, "68,0 36,34 4,66! 50,66 96,64 / 68,2 67,50 66,100"),
    written(4, "14,6 6,34 20,54 50,52 82,34 / 86,0 82,36 78,70 76,100"),
    written(2, "24,4 16,36 30,52 60,46 80,4! 72,50 62,100"),
  ],
  // 5
  [
    written(4, "86,2 52,2 24,4! 18,42! 50,36 84,54 80,86 46,100 6,90"),
    written(4, "24,5 20,24 18,45! 54,40 84,64 60,96 10,94 / 24,6 56,5 92,0"),
    written(3, "88,2 50,3 26,16 30,38 62,52 76,74 52,97 10,96"),
  ],
  // 6
  [
    written(5, "68,0 34,20 12,54 16,86 46,100 78,88 78,64 52,53 22,70"),
    written(4, "40,0 20,34 12,74 34,100 68,92 74,70 50,58 22,70 16,84"),
    written(2, "86,4 50,6 20,32 10,70 36,99 74,90 82,66 50,54 16,66"),
  ],
  // 7
  [
    written(5, "6,6 46,5 88,3! 58,48 36,100"),
    written(2, "6,6 46,4 88,3! 60,46 40,100 / 28,50 56,50 82,48"),
    written(2, "8,20 10,4! 50,6 88,3! 66,40 52,100"),
    written(2, "8,10 30,2 62,5 84,8 74,36 52,70 42,100"),
  ],
  // 8
  [
    written(6, "74,12 46,0 20,14 30,38 64,60 76,84 48,100 20,86 32,62 66,38 78,14 58,3"),
    written(3, "50,0 26,10 26,34 50,46 74,34 74,10 50,0 / 50,46 20,60 20,88 50,100 80,88 80,60 50,46"),
    written(2, "86,6 56,0 30,16 46,42 64,68 48,98 20,90 30,62 62,36 88,10"),
  ],
  // 9
  [
    written(5, "78,16 50,1 20,16 22,42 52,46 80,18! 77,60 70,100"),
    written(3, "80,20 52,1 20,18 26,46 60,46 82,20 84,60 60,96 20,92"),
    written(3, "70,6 36,6 18,30 42,46 72,28 78,4! 68,50 48,100"),
  ],
];
