/**
 * Message size limit, in bytes: below the broker's usual limit of 1 MiB, with room for the
 * envelope.
 */
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
 * As many items as one message can carry, at least one.
 *
 * @returns those, and whether some were omitted
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
