import { visibleJson, visible } from '@centralpost/shared'
import { styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]

/** Prints one line to stdout. Pass text of agents through `visible` first. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Prints one line of JSON. */
export function printJson(value: unknown): void {
  print(process.stdout.isTTY ? visibleJson(value) : JSON.stringify(value))
}

/** Prints a message to stderr, apart from the output. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Prints output of a command: unchanged into a pipe, made visible on a terminal. */
export function passOn(stream: 'stdout' | 'stderr', data: string): void {
  const target = stream === 'stdout' ? process.stdout : process.stderr
  target.write(target.isTTY ? visible(data, { lines: true }) : data)
}

/** Colours text when stdout is a terminal and NO_COLOR is not set. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout })
}

/** Lines of aligned columns; the last column is not padded. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  return [heads, ...rows].map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

/** A time in the local time zone, in the form that --since and --until read. */
export function timeOf(at: string | number): string {
  const when = new Date(at)
  const day = `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}`
  return `${day} ${two(when.getHours())}:${two(when.getMinutes())}:${two(when.getSeconds())}`
}

const two = (part: number): string => String(part).padStart(2, '0')

/** A duration in words. */
export function duration(seconds: number): string {
  if (seconds < 0.0995) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  return whole < 120 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}
