import { allFinite } from "../data/checks.ts";

/** Milliseconds between two copies of the weights. */
export const COPY_INTERVAL_MS = 250;

/**
 * The last weights that were all finite. A step with a NaN or infinite loss or gradient never writes
 * weights; only an update that overflows by itself can spoil them, and then the copy is put back.
 */
export class Snapshot {
  readonly #state: Float32Array;
  readonly #slots: Float32Array;
  readonly #copy: Float32Array;
  readonly #resetSlots: () => void;
  #time = 0;

  /** @param copy as long as the state */
  constructor(state: Float32Array, slots: Float32Array, copy: Float32Array, resetSlots: () => void) {
    this.#state = state;
    this.#slots = slots;
    this.#resetSlots = resetSlots;
    this.#copy = copy;
  }

  /** Copies the weights. */
  take(): void {
    this.#copy.set(this.#state);
    this.#time = performance.now();
  }

  /** Copies the weights when the last copy is old and they are finite. */
  offer(): void {
    if (performance.now() - this.#time >= COPY_INTERVAL_MS && allFinite(this.#state)) this.take();
  }

  /** Whether all weights are finite. */
  intact(): boolean {
    return allFinite(this.#state);
  }

  /** Puts the copy back where the weights are not finite; says which weights there are now. */
  rescue(): string {
    const intact = this.intact();
    if (!intact) this.#state.set(this.#copy);
    const weights = intact ? "of before that step" : "of the last copy that was finite";
    if (intact && allFinite(this.#slots)) return weights;
    this.#resetSlots();
    return `${weights}, and the optimizer starts anew`;
  }
}
