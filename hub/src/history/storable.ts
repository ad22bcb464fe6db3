import type { NewCommandExecution } from './schema.ts'

/** A text without the character that PostgreSQL keeps in no text: a sign for it stands in its place. */
export function withoutNul(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\u2400') : text
}

/** The row as every database can keep it; the same row where it can be kept as it is. */
export function storable(row: NewCommandExecution): NewCommandExecution {
  const texts = [row.command, row.context, row.reason, row.stdout_preview, row.stderr_preview]
  if (!texts.some((text) => text?.includes('\0'))) return row
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'string' ? withoutNul(value) : value,
    ]),
  ) as unknown as NewCommandExecution
}
