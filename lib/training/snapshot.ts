/** Between two copies of the weights. */
const INTERVAL_MS = 250;

/**
 * The last weights that were all finite. A step with a NaN or infinite loss or gradient never writes
 * weights; only an update that overflows by itself can spoil them, and then the copy is put back.
 */
export class Snapshot {
  readonly #state: Float32Array;
  readonly #slots: Float32Array;
  readonly #copy: Float32Array;
  #time = performance.now();

  constructor(state: Float32Array, slots: Float32Array) {
    this.#state = state;
    this.#slots = slots;
    this.#copy = Float32Array.from(state);
  }

  /** Copies the weights when the last copy is old and they are finite. */
  offer(): void {
    const now = performance.now();
    if (now - this.#time < INTERVAL_MS || !allFinite(this.#state)) return;
    this.#copy.set(this.#state);
    this.#time = now;
  }

  /** Puts the copy back where the weights are not finite; says which weights there are now. */
  rescue(): string {
    if (allFinite(this.#state) && allFinite(this.#slots)) return "of before that step";
    this.#state.set(this.#copy);
    this.#slots.fill(0);
    return "of the last epoch end at which they were finite, and the optimizer starts anew";
  }
}

/** x · 0 is NaN exactly where x is NaN or infinite. */
function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) * 0;
  return sum === 0;
}
