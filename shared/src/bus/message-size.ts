/** Messages stay below the broker's usual limit of 1 MiB, with room for what wraps them. */
const maxMessageBytes = 900_000

/** How many bytes a message is on the wire. */
function sizeOf(message: unknown): number {
  return Buffer.byteLength(JSON.stringify(message))
}

/** Whether one message carries this. */
export function fitsMessage(message: unknown): boolean {
  return sizeOf(message) <= maxMessageBytes
}

/**
 * As many of these as one message carries, at least one.
 *
 * @returns those, and whether some were left out
 */
export function fitList<T>(items: readonly T[]): { readonly fit: T[]; readonly isCut: boolean } {
  const fit: T[] = []
  let size = 0
  for (const item of items) {
    size += sizeOf(item) + 1
    if (fit.length > 0 && size > maxMessageBytes) return { fit, isCut: true }
    fit.push(item)
  }
  return { fit, isCut: false }
}
