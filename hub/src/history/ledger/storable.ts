import type { NewCommandExecution } from '../store/schema.ts'

/** A text without NUL, which PostgreSQL cannot store: replaced by a sign. */
export function withoutNul(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\u2400') : text
}

/** A row that every database can store; the same object where possible. */
export function storable(row: NewCommandExecution): NewCommandExecution {
  const { command, context, reason, stdout_preview: stdout, stderr_preview: stderr } = row
  if (![command, context, reason, stdout, stderr].some(hasNul)) return row
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'string' ? withoutNul(value) : value,
    ]),
  ) as unknown as NewCommandExecution
}

function hasNul(text: string | null | undefined): boolean {
  return text != null && text.includes('\0')
}
