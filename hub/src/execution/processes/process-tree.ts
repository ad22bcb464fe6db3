import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@centralpost/shared'
import {
  hasProcessTable,
  lastPid,
  pidCount,
  readProcess,
  type ProcessEntry,
  type ProcessTable,
} from './process-table.ts'
import type { Leader } from './leader.ts'

/** Criteria for the members of a tree. */
export interface TreeMarks {
  /** Whether the process's environment names this tree. */
  readonly bears: (entry: ProcessEntry) => boolean
  /** The first process of the tree: its pid is the tree's process group and session. */
  readonly leader: Leader | null
  /**
   * Whether the leader only holds the sandbox: SIGTERM then goes to the others, because the
   * leader's end would end all of them immediately, without their grace.
   */
  readonly isLeaderWrapper?: boolean
}

/** A process that had to be ended, and the signal it took. */
export interface EndedProcess {
  readonly entry: ProcessEntry
  readonly signal: 'SIGTERM' | 'SIGKILL'
}

/**
 * How long SIGKILL is repeated before giving up (a process in uninterruptible sleep), in
 * milliseconds.
 */
const giveUpMs = 5000
/** How long a process may take from its last output to its end, in milliseconds. */
const exitingMs = 20
/** Upper bound of process starts per millisecond. */
const mostStartsPerMs = 100
/**
 * A shorter run (in milliseconds) cannot use up all pids, so its processes have higher pids than
 * its leader.
 */
const pidsInOrderMs = Math.min(2000, pidCount / mostStartsPerMs)

/**
 * The processes of one run: the leader's group and session, all bearers of the run's mark, and the
 * descendants of all these. Out of reach without a pid namespace: a process that left the session
 * *and* cleared its environment *and* lost its parent before any scan.
 */
export class ProcessTree {
  readonly #marks: TreeMarks
  readonly #table: ProcessTable
  readonly #log: Logger
  readonly #known = new Map<number, number>()
  /** Another user's, or stuck in the kernel: waited for once, then ignored. */
  readonly #outOfReach = new Map<number, number>()
  readonly #begun = performance.now()

  constructor(parts: { marks: TreeMarks; table: ProcessTable; log: Logger }) {
    this.#marks = parts.marks
    this.#table = parts.table
    this.#log = parts.log
  }

  /** Members that could not be ended, and are no longer counted. */
  get outOfReach(): readonly number[] {
    return [...this.#outOfReach.keys()]
  }

  /** The living members of the tree. */
  async members(): Promise<ProcessEntry[]> {
    if (!hasProcessTable) return this.#groupAsMember()
    return this.#pick(await this.#table.read())
  }

  /**
   * The remains after the leader's end. Costs one small read if no process was started since the
   * leader, and otherwise a scan of younger processes.
   */
  async leftovers(): Promise<ProcessEntry[]> {
    const leader = this.#marks.leader?.pid
    const newest = lastPid()
    const inOrder = performance.now() - this.#begun < pidsInOrderMs
    if (leader === undefined || newest === null || !inOrder || newest < leader) {
      return this.#settled(await this.members())
    }
    if (newest === leader) return []
    return this.#settled(this.#pick(await this.#table.readAbove(leader)))
  }

  /** Gives exiting processes (their pipes are already closed) the moment they need. */
  async #settled(found: readonly ProcessEntry[]): Promise<ProcessEntry[]> {
    if (found.length === 0) return []
    await whileAlive(found, performance.now() + exitingMs)
    return this.members()
  }

  /**
   * Ends the whole tree: SIGTERM, then SIGKILL after `graceMs`, repeatedly until a scan finds
   * nothing.
   *
   * @returns the signalled processes
   */
  async end(graceMs: number): Promise<EndedProcess[]> {
    const ended = new Map<string, EndedProcess>()
    const signalAll = (members: readonly ProcessEntry[], signal: EndedProcess['signal']) => {
      const isFirst = ended.size === 0
      const sparesLeader = signal === 'SIGTERM' && this.#marks.isLeaderWrapper === true
      if (!sparesLeader && (isFirst || signal === 'SIGKILL')) this.#signalGroup(signal)
      for (const entry of members) {
        if (sparesLeader && entry.pid === this.#marks.leader?.pid) continue
        const key = `${entry.pid}/${entry.startTicks}`
        const isNew = !ended.has(key)
        ended.set(key, { entry, signal })
        // Each gets SIGTERM once: a trap that runs twice would clean up twice.
        const reached = isFirst && !sparesLeader && entry.group === this.#marks.leader?.pid
        if (signal === 'SIGKILL' || (isNew && !reached)) this.#signalOne(entry, signal)
      }
    }
    const killAt = performance.now() + graceMs
    let members = await this.members()
    while (members.length > 0 && performance.now() < killAt) {
      signalAll(members, 'SIGTERM')
      await whileAlive(members, killAt)
      members = await this.members()
    }
    const giveUpAt = performance.now() + giveUpMs
    while (members.length > 0 && performance.now() < giveUpAt) {
      signalAll(members, 'SIGKILL')
      await whileAlive(members, performance.now() + 200)
      members = await this.members()
    }
    for (const entry of members) this.#giveUp(entry)
    return [...ended.values()].filter(({ entry }) => !this.#isGivenUp(entry))
  }

  #pick(entries: readonly ProcessEntry[]): ProcessEntry[] {
    const { leader, bears } = this.#marks
    const members = new Set<number>()
    const groupIsOurs =
      leader !== null &&
      !entries.some((entry) => entry.pid === leader.pid && entry.startTicks !== leader.startTicks)
    for (const entry of entries) {
      const inGroup = groupIsOurs && (entry.group === leader.pid || entry.session === leader.pid)
      if (inGroup || bears(entry) || this.#known.get(entry.pid) === entry.startTicks) {
        members.add(entry.pid)
      }
    }
    // Never the hub itself: all its commands descend from it.
    members.delete(process.pid)
    for (let grown = -1; grown !== members.size;) {
      grown = members.size
      for (const entry of entries) {
        if (members.has(entry.parent) && entry.pid !== process.pid) members.add(entry.pid)
      }
    }
    const living = entries.filter(
      (entry) => members.has(entry.pid) && !entry.ended && !this.#isGivenUp(entry),
    )
    for (const entry of living) this.#known.set(entry.pid, entry.startTicks)
    return living
  }

  /** The only fact known without /proc: whether the group still has members. */
  #groupAsMember(): ProcessEntry[] {
    const pid = this.#marks.leader?.pid
    if (pid === undefined || !isGroupAlive(pid)) return []
    const name = 'process group'
    return [
      {
        pid,
        parent: 0,
        group: pid,
        session: pid,
        startTicks: 0,
        name,
        ended: false,
        marks: {},
        isStarting: false,
      },
    ]
  }

  /** Reaches members being forked right now, which no scan would find. */
  #signalGroup(signal: NodeJS.Signals): void {
    const leader = this.#marks.leader
    if (
      leader !== null &&
      (readProcess(leader.pid)?.startTicks ?? leader.startTicks) === leader.startTicks
    ) {
      this.#signal(-leader.pid, signal)
    }
  }

  #signalOne(entry: ProcessEntry, signal: NodeJS.Signals): void {
    if (this.#signal(entry.pid, signal) === 'EPERM') this.#giveUp(entry)
  }

  /** Returns the error code; a missing process is no error. */
  #signal(target: number, signal: NodeJS.Signals): string | null {
    try {
      process.kill(target, signal)
      // A stopped process handles SIGTERM only after SIGCONT.
      if (signal === 'SIGTERM') process.kill(target, 'SIGCONT')
      return null
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? null
      return code === 'ESRCH' ? null : code
    }
  }

  #giveUp(entry: ProcessEntry): void {
    this.#outOfReach.set(entry.pid, entry.startTicks)
    this.#log.error('a process cannot be ended', { pid: entry.pid, name: entry.name })
  }

  #isGivenUp(entry: ProcessEntry): boolean {
    return this.#outOfReach.get(entry.pid) === entry.startTicks
  }
}

/** Whether that very process still runs. */
function isAlive(entry: ProcessEntry): boolean {
  if (!hasProcessTable) return isGroupAlive(entry.group)
  const now = readProcess(entry.pid)
  return now !== null && now.startTicks === entry.startTicks && !now.ended
}

function isGroupAlive(group: number): boolean {
  try {
    return process.kill(-group, 0)
  } catch {
    // The group is empty.
    return false
  }
}

async function whileAlive(entries: readonly ProcessEntry[], until: number): Promise<void> {
  for (let waitMs = 2; entries.some(isAlive); waitMs = Math.min(waitMs * 2, 50)) {
    const left = until - performance.now()
    if (left <= 0) return
    await delay(Math.min(waitMs, left))
  }
}
