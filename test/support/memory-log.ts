import type { LogFields, Logger, LogLevel } from '@centralpost/shared'

export interface LogLine {
  readonly level: LogLevel
  readonly message: string
  readonly fields: LogFields
}

/** A logger that remembers every line. */
export class MemoryLog implements Logger {
  readonly lines: LogLine[]
  readonly #bound: LogFields

  constructor(lines: LogLine[] = [], bound: LogFields = {}) {
    this.lines = lines
    this.#bound = bound
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#keep('debug', message, fields)
  }
  info(message: string, fields: LogFields = {}): void {
    this.#keep('info', message, fields)
  }
  warn(message: string, fields: LogFields = {}): void {
    this.#keep('warn', message, fields)
  }
  error(message: string, fields: LogFields = {}): void {
    this.#keep('error', message, fields)
  }
  child(fields: LogFields): Logger {
    return new MemoryLog(this.lines, { ...this.#bound, ...fields })
  }

  /** The lines of a level, as text a failing test can show. */
  of(level: LogLevel): string[] {
    return this.lines
      .filter((line) => line.level === level)
      .map((line) => `${line.message} ${JSON.stringify(line.fields)}`)
  }

  #keep(level: LogLevel, message: string, fields: LogFields): void {
    this.lines.push({ level, message, fields: { ...this.#bound, ...fields } })
  }
}
