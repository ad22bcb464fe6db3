/** Messages stay below the broker's usual limit of 1 MiB, with room for what wraps them. */
const maxMessageBytes = 900_000

/** Whether one message carries this. */
export function fitsMessage(message: unknown): boolean {
  return fitsAsText(JSON.stringify(message))
}

/** Whether one message carries this JSON. */
export function fitsAsText(json: string): boolean {
  return Buffer.byteLength(json) <= maxMessageBytes
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
    size += Buffer.byteLength(JSON.stringify(item)) + 1
    if (fit.length > 0 && size > maxMessageBytes) return { fit, isCut: true }
    fit.push(item)
  }
  return { fit, isCut: false }
}
