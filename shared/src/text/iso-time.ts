/** A time on the wire: ISO 8601 in UTC, to the millisecond. */
export function isoOf(at: number): string {
  return new Date(at).toISOString()
}

/** The same for an optional time. */
export function isoOrNull(at: number | null): string | null {
  return at === null ? null : isoOf(at)
}
