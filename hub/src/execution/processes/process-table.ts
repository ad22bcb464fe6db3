import { existsSync, openSync, readdirSync, readSync } from 'node:fs'
import { setImmediate, setTimeout as delay } from 'node:timers/promises'
import { markNames, type Marks } from './marks.ts'
import { readRunMark } from '../sandbox/run-mark.ts'
import { readProcFile } from './proc-files.ts'

/** One process from /proc. `startTicks` with `pid` identifies it for good: pids are reused. */
export interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly session: number
  readonly startTicks: number
  readonly name: string
  /** A zombie: its exit has not been collected. */
  readonly ended: boolean
  readonly marks: Marks
  /** In the middle of exec: its marks cannot be read yet. */
  readonly isStarting: boolean
}

/** Processes read before the event loop gets its turn. */
const processesPerTurn = 32
/** Limit of repeated scans while new processes appear. */
const mostRounds = 5
const mostAskedFor = 256
const kernelThread = 0x0020_0000
const noMarks: Marks = {}
const unread: Marks = {}
const mostWaitsForProgram = 50
const anyMark = 'CENTRALPOST_RUN'

/** Whether this system lists processes in /proc (Linux). */
export const hasProcessTable = existsSync('/proc/self/stat')

/**
 * The processes of this machine. Concurrent callers share one scan, so that ending a hundred runs
 * together costs a few scans. Without /proc (macOS) the table is empty and only process groups are
 * known.
 */
export class ProcessTable {
  #running: Promise<ProcessEntry[]> | null = null
  #next: Promise<ProcessEntry[]> | null = null
  /** The first processes of the current runs. */
  readonly leaders = new Set<number>()

  /** All processes, from a scan started after this call. */
  async read(): Promise<ProcessEntry[]> {
    if (this.#running === null) {
      const scan = scanProcesses(0).finally(() => {
        this.#running = null
      })
      this.#running = scan
      return scan
    }
    this.#next ??= this.#running.then(() => {
      this.#next = null
      return this.read()
    })
    return this.#next
  }

  /**
   * Processes with a higher pid than `pid`, except leaders of other runs. If few pids were assigned
   * since, each is probed, which is cheaper than a full listing.
   */
  async readAbove(pid: number): Promise<ProcessEntry[]> {
    const entries: ProcessEntry[] = []
    let from = pid
    for (let round = 0; round < mostRounds; round += 1) {
      const newest = lastPid()
      if (newest === null || newest - from > mostAskedFor) return scanProcesses(pid)
      if (newest === from) break
      for (let younger = from + 1; younger <= newest; younger += 1) {
        if (this.leaders.has(younger) || !existsSync(`/proc/${younger}`)) continue
        const entry = await readStarted(younger)
        if (entry !== null) entries.push(entry)
      }
      from = newest
    }
    return entries
  }
}

/**
 * Reads every process once, then those started meanwhile: a process may fork and exit between the
 * listing and the read.
 */
async function scanProcesses(above: number): Promise<ProcessEntry[]> {
  const entries: ProcessEntry[] = []
  const seen = new Set<number>()
  for (let round = 0; round < mostRounds; round += 1) {
    const newest = lastPid()
    const fresh = listPids().filter((pid) => pid > above && !seen.has(pid))
    for (const [index, pid] of fresh.entries()) {
      seen.add(pid)
      const entry = await readStarted(pid)
      if (entry !== null) entries.push(entry)
      if (index % processesPerTurn === processesPerTurn - 1) await setImmediate()
    }
    if (newest !== null && newest === lastPid()) break
  }
  return entries
}

function listPids(): number[] {
  if (!hasProcessTable) return []
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid))
}

const loadAverage = hasProcessTable ? openSync('/proc/loadavg', 'r') : null
const loadAverageText = Buffer.alloc(128)

/** The last assigned pid of this machine, null if unknown. Pids are assigned in ascending order. */
export function lastPid(): number | null {
  if (loadAverage === null) return null
  const length = readSync(loadAverage, loadAverageText, 0, loadAverageText.length, 0)
  const text = loadAverageText.toString('latin1', 0, length)
  const last = Number(text.slice(text.lastIndexOf(' ')))
  return Number.isInteger(last) && last > 0 ? last : null
}

/** The number of pids before they wrap around. */
export const pidCount = Number(readProcFile('/proc/sys/kernel/pid_max') ?? 32_768)

/** The start time of a process, in ticks; 0 when it is gone. */
export function startTicksOf(pid: number): number {
  const stat = readProcFile(`/proc/${pid}/stat`)
  return stat === null ? 0 : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
}

/** The anonymous memory of a process in bytes, 0 when it is gone. */
export function memoryOf(pid: number): number {
  const anonymous = /^RssAnon:\s+(\d+) kB/m.exec(readProcFile(`/proc/${pid}/status`) ?? '')?.[1]
  return Number(anonymous ?? 0) * 1024
}

/** Reads one process; null when it is gone. */
export function readProcess(pid: number): ProcessEntry | null {
  const stat = readProcFile(`/proc/${pid}/stat`)
  if (stat === null) return null
  // The name is in parentheses and may itself contain spaces and parentheses.
  const close = stat.lastIndexOf(')')
  const fields = stat.slice(close + 2).split(' ')
  const field = (at: number) => Number(fields[at])
  const isExited = fields[0] === 'Z' || fields[0] === 'X'
  // an exited first thread looks like the end of the process, while the other threads go on
  const isHeadless = isExited && field(17) > 1
  const ended = isExited && !isHeadless
  const readable = !ended && (field(6) & kernelThread) === 0
  const threads = isHeadless ? threadsOf(pid) : [pid]
  const marks = readable ? (readMarks(threads) ?? unread) : noMarks
  return {
    pid,
    parent: field(1),
    group: field(2),
    session: field(3),
    startTicks: field(19),
    name: stat.slice(stat.indexOf('(') + 1, close),
    ended,
    marks,
    isStarting: marks === unread,
  }
}

/** Reads one process; retries one in the middle of exec. */
async function readStarted(pid: number): Promise<ProcessEntry | null> {
  let entry = readProcess(pid)
  for (let waits = 0; entry?.isStarting && waits < mostWaitsForProgram; waits += 1) {
    await delay(1)
    entry = readProcess(pid)
  }
  return entry
}

/** The threads of a process as paths below /proc; empty when it is gone. */
export function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => `${pid}/task/${thread}`)
  } catch {
    // gone meanwhile
    return []
  }
}

/**
 * The marks of a process: that of its sandbox, which it cannot remove, else those in its
 * environment. Unreadable (another user's) or cleared: none; null while unknown.
 */
function readMarks(threads: readonly (string | number)[]): Marks | null {
  for (const thread of threads) {
    const ofSandbox = readRunMark(thread)
    if (ofSandbox !== null) return ofSandbox
    const environ = readProcFile(`/proc/${thread}/environ`)
    if (environ) return marksIn(environ)
    if (environ === null) continue
    if (isBetweenPrograms(thread)) return null
    // its exec may have finished since
    const again = readProcFile(`/proc/${thread}/environ`)
    if (again) return marksIn(again)
  }
  return noMarks
}

/**
 * Whether a process is in the middle of exec, when its environment reads as empty, on a busy
 * machine for milliseconds.
 */
function isBetweenPrograms(thread: string | number): boolean {
  const stat = readProcFile(`/proc/${thread}/stat`)
  // env_end, the 51st field of proc(5)
  return stat !== null && stat.slice(stat.lastIndexOf(')') + 2).split(' ')[48] === '0'
}

function marksIn(environ: string): Marks {
  if (!environ.includes(anyMark)) return noMarks
  const marks: { -readonly [name in keyof Marks]: Marks[name] } = {}
  for (const line of environ.split('\0')) {
    const equals = line.indexOf('=')
    const value = line.slice(equals + 1)
    const name = line.slice(0, equals)
    if (name === markNames.run) marks.runId = value
    else if (name === markNames.action) marks.actionId = value
    else if (name === markNames.agent) marks.agentId = value
    else if (name === markNames.hub) marks.hubId = value
    else if (name === markNames.runnerOf) marks.runnerOf = value
  }
  return marks
}
