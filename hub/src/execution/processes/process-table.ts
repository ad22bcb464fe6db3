import { existsSync, openSync, readdirSync, readSync } from 'node:fs'
import { setImmediate, setTimeout as delay } from 'node:timers/promises'
import { markNames, type Marks } from './marks.ts'
import { readRunMark } from '../sandbox/run-mark.ts'
import { readProcFile } from './proc-files.ts'

/** One process, as /proc tells it. `startTicks` with `pid` names it for good: a pid alone is used again. */
export interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly session: number
  readonly startTicks: number
  readonly name: string
  /** Its exit is only not yet collected. */
  readonly ended: boolean
  readonly marks: Marks
  /** Between two programs: what it bears cannot be read yet. */
  readonly isStarting: boolean
}

/** How many processes are read before other work of the event loop gets its turn. */
const processesPerTurn = 32
/** A look is repeated while new processes appear, so often. */
const mostRounds = 5
const mostAskedFor = 256
const kernelThread = 0x0020_0000
const noMarks: Marks = {}
const unread: Marks = {}
const mostWaitsForProgram = 50
const anyMark = 'CENTRALPOST_RUN'

/** Whether this system tells of processes in /proc (Linux). */
export const hasProcessTable = existsSync('/proc/self/stat')

/**
 * The processes of this machine. Callers that ask at the same time share one scan, so that ending a hundred runs
 * at once costs a few scans. Without a /proc (macOS) the table is empty and only process groups are known.
 */
export class ProcessTable {
  #running: Promise<ProcessEntry[]> | null = null
  #next: Promise<ProcessEntry[]> | null = null
  /** The processes that runs under way began with. */
  readonly leaders = new Set<number>()

  /** All processes, from a scan begun after this call. */
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
   * The processes whose pid is greater than `pid`, those left out that lead other runs. Where few pids have been given
   * out since, each is asked for, which is cheaper than a list of all.
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
 * Reads every process once, and then those that were born meanwhile: a process may fork and end between the
 * moment its name was listed and the moment it is read.
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

/** The pid given out last on this machine, null where that is not told. Pids are given out in ascending order. */
export function lastPid(): number | null {
  if (loadAverage === null) return null
  const length = readSync(loadAverage, loadAverageText, 0, loadAverageText.length, 0)
  const text = loadAverageText.toString('latin1', 0, length)
  const last = Number(text.slice(text.lastIndexOf(' ')))
  return Number.isInteger(last) && last > 0 ? last : null
}

/** How many pids there are before they begin anew. */
export const pidCount = Number(readProcFile('/proc/sys/kernel/pid_max') ?? 32_768)

/** When a process started, in the system's ticks; 0 when it is gone. */
export function startTicksOf(pid: number): number {
  const stat = readProcFile(`/proc/${pid}/stat`)
  return stat === null ? 0 : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
}

/** The bytes of memory of a process that lie in no file, 0 when it is gone. */
export function memoryOf(pid: number): number {
  const anonymous = /^RssAnon:\s+(\d+) kB/m.exec(readProcFile(`/proc/${pid}/status`) ?? '')?.[1]
  return Number(anonymous ?? 0) * 1024
}

/** Reads one process; null when it is gone. */
export function readProcess(pid: number): ProcessEntry | null {
  const stat = readProcFile(`/proc/${pid}/stat`)
  if (stat === null) return null
  // The name stands in parentheses and may itself hold spaces and parentheses.
  const close = stat.lastIndexOf(')')
  const fields = stat.slice(close + 2).split(' ')
  const field = (at: number) => Number(fields[at])
  const isExited = fields[0] === 'Z' || fields[0] === 'X'
  // a first thread that has exited looks like the end of the process, and the other threads go on
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

/** Reads one process; one that is between two programs a little later. */
async function readStarted(pid: number): Promise<ProcessEntry | null> {
  let entry = readProcess(pid)
  for (let waits = 0; entry?.isStarting && waits < mostWaitsForProgram; waits += 1) {
    await delay(1)
    entry = readProcess(pid)
  }
  return entry
}

/** The threads of a process as paths below /proc have them; none when it is gone. */
export function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => `${pid}/task/${thread}`)
  } catch {
    // gone meanwhile
    return []
  }
}

/**
 * The marks of a process: that of its sandbox, which it cannot take off, else those in its environment. Unreadable
 * (another user's) or cleared: none; null while they cannot be read yet.
 */
function readMarks(threads: readonly (string | number)[]): Marks | null {
  for (const thread of threads) {
    const ofSandbox = readRunMark(thread)
    if (ofSandbox !== null) return ofSandbox
    const environ = readProcFile(`/proc/${thread}/environ`)
    if (environ) return marksIn(environ)
    if (environ === null) continue
    if (isBetweenPrograms(thread)) return null
    // it may have come to its new program since
    const again = readProcFile(`/proc/${thread}/environ`)
    if (again) return marksIn(again)
  }
  return noMarks
}

/** Whether a process is in the middle of an exec, where its environment reads as empty, on a busy machine for milliseconds. */
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
