/** The error of a candidate that is not here, and why; another error is a failure. @param {string} message */
export function absent(message) {
  return Object.assign(new Error(message), { code: "ABSENT" });
}
