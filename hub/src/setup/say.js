/**
 * Reports a step of set-up to the user. Standard output belongs to the job that follows.
 *
 * @param {string} line
 */
export function say(line) {
  process.stderr.write(`set-up: ${line}\n`)
}

/** A failure that the user can fix: only its message is shown. */
export class SetupError extends Error {
  name = 'SetupError'
}
