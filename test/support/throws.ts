import { expect } from "vitest";

export type ErrorClass = abstract new (...args: never[]) => Error;

/** Checks the class and message of what `act` throws or rejects with. */
export async function checkThrows(act: () => unknown, type: ErrorClass, message: RegExp): Promise<void> {
  let thrown: unknown;
  try {
    await act();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(type);
  expect((thrown as Error).message).toMatch(message);
}
