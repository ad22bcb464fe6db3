import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import winston from 'winston'
import { messageOf } from '../message-of.ts'
import { CentralPostError } from '../problem.ts'
import { visibleCommand } from '../text/visible.ts'
import type { LogFields, Logger, LogLevel } from './logger.ts'
import { maskLine, redact } from './redact.ts'
import { RotatingFile } from './rotating-file.ts'

/** How long to wait for the last lines to be written, in milliseconds. */
const longestCloseMs = 2000

export interface LogOptions {
  /** the speaker: `hub`, `cli`, `agent:research` … */
  readonly component: string
  readonly level: LogLevel
  /** JSON lines go here; no file when absent. Rotated at 10 MB, five are kept */
  readonly file?: string
  /** whether readable lines go to stderr (stdout belongs to commands that print a result) */
  readonly terminal: boolean
}

/** A logger that can be flushed. */
export interface ClosableLogger extends Logger {
  close(): Promise<void>
}

/**
 * Opens the process's log: JSON to a file, readable lines to the terminal. Only this file knows
 * winston.
 *
 * @throws {CentralPostError} `storage` when the file's directory cannot be made
 */
export function openLog(options: LogOptions): ClosableLogger {
  const transports: winston.transport[] = []
  let file: RotatingFile | undefined
  if (options.file !== undefined) {
    makeFolder(dirname(options.file))
    file = new RotatingFile({
      path: options.file,
      maxBytes: 10_000_000,
      keep: 5,
      lostLine: (count, error) => lostLine(options.component, count, error),
    })
    transports.push(
      new winston.transports.Stream({
        stream: writableOf(file),
        format: winston.format.combine(winston.format.timestamp(), winston.format.json()),
      }),
    )
  }
  if (options.terminal) {
    // a closed terminal or a full disk must not make the process fail
    process.stderr.on('error', () => {})
    transports.push(
      new winston.transports.Console({
        stderrLevels: ['error', 'warn', 'info', 'debug'],
        format: winston.format.combine(winston.format.timestamp(), winston.format.printf(readable)),
      }),
    )
  }
  const logger = winston.createLogger({
    level: options.level,
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    defaultMeta: { component: options.component },
    transports,
    silent: transports.length === 0,
  })
  logger.on('error', () => {})
  return {
    ...bind(logger, {}),
    close: async () => {
      if (transports.length === 0) return
      const late = new AbortController()
      const ended = once(logger, 'finish').then(() => file?.close())
      logger.end()
      await Promise.race([ended, delay(longestCloseMs, undefined, late).catch(() => {})])
      late.abort()
    },
  }
}

/** A stream for winston that accepts everything immediately. */
function writableOf(file: RotatingFile): Writable {
  return new Writable({
    decodeStrings: false,
    write: (line: string | Buffer, _encoding, done) => {
      file.add(line.toString())
      done()
    },
  })
}

function lostLine(component: string, lines: number, error: unknown): string {
  return JSON.stringify({
    component,
    error: messageOf(error),
    level: 'error',
    lines,
    message: 'lines of this log are lost: it could not be written',
    timestamp: new Date().toISOString(),
  })
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new CentralPostError(
      'storage',
      `cannot write the log below ${path}: ${messageOf(error)}; name another data directory with --data`,
      { cause: error },
    )
  }
}

function bind(logger: winston.Logger, bound: LogFields): Logger {
  const write =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      const line = maskLine({ message, fields: redact({ ...bound, ...fields }) })
      logger.log(level, line.message, line.fields)
    }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => bind(logger, { ...bound, ...fields }),
  }
}

function readable(line: winston.Logform.TransformableInfo): string {
  const { timestamp, level, message, component, ...fields } = line
  const time = String(timestamp).slice(11, 23)
  const rest = Object.entries(fields)
    .map(([name, value]) => `${name}=${shown(value)}`)
    .join(' ')
  const text = `${time} ${level.toUpperCase().padEnd(5)} ${String(component)}: ${String(message)}${rest && `  ${rest}`}`
  // lines contain text of agents, which must not drive the terminal
  return visibleCommand(text)
}

function shown(value: unknown): string {
  if (typeof value === 'string') return /\s|"/.test(value) ? JSON.stringify(value) : value
  if (typeof value === 'object' && value !== null && 'message' in value) {
    return JSON.stringify(value.message)
  }
  return JSON.stringify(value) ?? 'undefined'
}
