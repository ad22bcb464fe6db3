/**
 * Tells the user what set-up does. Standard output belongs to the job that comes after it.
 *
 * @param {string} line
 */
export function say(line) {
  process.stderr.write(`set-up: ${line}\n`)
}

/** A failure that the user can do something about: its message is all there is to show. */
export class SetupError extends Error {
  name = 'SetupError'
}
