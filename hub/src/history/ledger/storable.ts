import type { NewCommandExecution } from '../store/schema.ts'

/** A text without the character that PostgreSQL keeps in no text: a sign for it stands in its place. */
export function withoutNul(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\u2400') : text
}

/** The row as every database can keep it; the same row where it can be kept as it is. */
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
