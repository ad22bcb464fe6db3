import type { AuditEvent } from '@centralpost/shared'

/** Fields for programs only; the full answer has them. */
const forMachines: ReadonlySet<string> = new Set(['record', 'digest', 'policy', 'verdict', 'bound'])
const times: ReadonlySet<string> = new Set(['until', 'deadline', 'expires_at'])

/**
 * The readable facts of an audit event, by name.
 *
 * @param sayTime formats a time, given in ISO form: events count it in milliseconds
 */
export function auditFacts(
  { data }: AuditEvent,
  sayTime: (iso: string) => string,
): (readonly [name: string, text: string])[] {
  return Object.entries(data)
    .filter(([name, value]) => value !== null && value !== '' && !forMachines.has(name))
    .map(([name, value]) => [name.replaceAll('_', ' '), textOf(name, value, sayTime)])
}

function textOf(name: string, value: unknown, sayTime: (iso: string) => string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' && times.has(name)) return sayTime(new Date(value).toISOString())
  const isWords = Array.isArray(value) && value.every((one) => typeof one === 'string')
  return isWords ? value.join(', ') : JSON.stringify(value)
}
