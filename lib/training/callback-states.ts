import type { Callback } from "../callbacks/callback.ts";

/** What callbacks remember from one training to the next that resumes it, by their names. */
export class CallbackStates {
  #callbacks: readonly Callback[] = [];
  #waiting: Readonly<Record<string, unknown>> = {};

  /** Takes over the states of a checkpoint. */
  restore(states: Readonly<Record<string, unknown>>): void {
    this.#waiting = states;
  }

  /** Gives callbacks the states of the checkpoint that the training resumes from. */
  adopt(callbacks: readonly Callback[], resume: boolean): void {
    this.#callbacks = callbacks;
    const pending = resume ? { ...this.#waiting } : {};
    for (const callback of callbacks) {
      const state = callback.name === undefined ? undefined : pending[callback.name];
      if (state !== undefined) callback.restore?.(state);
    }
    // Each state is given once: a later resume goes on from what the callbacks have seen since.
    for (const { name } of callbacks) if (name !== undefined) delete pending[name];
    this.#waiting = pending;
  }

  /** As they are now. */
  current(): Record<string, unknown> {
    const states: Record<string, unknown> = { ...this.#waiting };
    for (const { name, state } of this.#callbacks.map((c) => ({ name: c.name, state: c.state?.() }))) {
      if (name !== undefined && state !== undefined) states[name] = state;
    }
    return states;
  }
}
