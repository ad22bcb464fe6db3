const times: ReadonlySet<string> = new Set(['until', 'deadline', 'expires_at'])

/** A moment that an audit event names, which counts milliseconds; undefined for everything else in it. */
export function auditTime(name: string, value: unknown): string | undefined {
  return times.has(name) && typeof value === 'number' ? new Date(value).toISOString() : undefined
}
