import type { Logger, LogFields, LogLevel } from '@centralpost/shared'
import { messageOf } from '@centralpost/shared/light'
import { outcomeWithout, type EndReason, type Run, type Survivor } from '../run.ts'
import type { FromRunner, RunnerSettings, Sweep } from '../runner-protocol.ts'
import { FifoPool } from '../output/fifo-pool.ts'
import { LeaseClock } from './lease-clock.ts'
import { OverloadGuard } from './overload-guard.ts'
import { type ProcessEntry, ProcessTable } from '../processes/process-table.ts'
import { ProcessTree } from '../processes/process-tree.ts'
import { RunningCommand } from './running-command.ts'

/** The channel to the hub. */
export interface Channel {
  readonly send: (message: FromRunner) => void
  /** Whether earlier messages have gone out far enough to send droppable output. */
  readonly hasRoom: () => boolean
}

const hubGone: EndReason = {
  status: 'interrupted',
  category: 'interrupted',
  text: 'the hub is gone',
}

const leaseOver: EndReason = {
  status: 'interrupted',
  category: 'interrupted',
  text: 'the lease of the hub was not renewed in time: another hub may have taken over',
}

/** All commands of one runner. Each `run` gets exactly one outcome. */
export class Commands {
  readonly #settings: RunnerSettings
  readonly #channel: Channel
  readonly #table = new ProcessTable()
  readonly #pool: FifoPool
  readonly #running = new Map<string, RunningCommand>()
  readonly #guard: OverloadGuard | null
  readonly #underway = new Set<Promise<void>>()
  readonly #lease = new LeaseClock(() => this.#endAll(leaseOver))

  constructor(settings: RunnerSettings, channel: Channel) {
    this.#settings = settings
    this.#channel = channel
    this.#pool = new FifoPool(this.#log({}))
    const most = settings.limits?.watchedProcesses
    this.#guard = most === undefined ? null : new OverloadGuard(most)
  }

  /** Starts a command, and reports its progress to the hub. */
  run(runId: string, run: Run, isLive: boolean): void {
    const { send, hasRoom } = this.#channel
    const command = new RunningCommand({
      run,
      settings: this.#settings,
      runId,
      table: this.#table,
      pool: this.#pool,
      onStart: (leader) => send({ kind: 'started', runId, leader }),
      listener: isLive
        ? { hasRoom, tell: (chunk) => send({ kind: 'output', runId, chunk }) }
        : null,
      log: this.#log({ actionId: run.actionId, agentId: run.agentId }),
    })
    this.#running.set(runId, command)
    this.#guard?.watch(command)
    // right before the start: the process may have been suspended since the hub's decision
    if (this.#lease.isOver) command.end(leaseOver)
    const over = this.#carryOut(runId, run, command).finally(() => this.#underway.delete(over))
    this.#underway.add(over)
  }

  /** Ends a command, unless it has ended. */
  end(runId: string, reason: EndReason): void {
    this.#running.get(runId)?.end(reason)
  }

  /**
   * Allows commands until a time on the machine's clock; then ends running ones and starts nothing
   * more.
   */
  extendLease(untilBootMs: number): void {
    this.#lease.extend(untilBootMs)
  }

  /** Ends leftover processes of a dead hub or runner, and returns them. */
  async sweep(sweep: Sweep & { readonly sweepId: number }): Promise<void> {
    const { marker, killGraceMs } = this.#settings
    const markers = new Set('lost' in sweep ? [marker] : [marker, ...sweep.markers])
    const bears = ({ parent, marks }: ProcessEntry): boolean => {
      if ('lost' in sweep) return marks.hubId === marker && marks.runId === sweep.lost.runId
      // runners of this hub have the same parent as this one
      if (markers.has(marks.runnerOf ?? '')) return parent !== process.ppid
      return markers.has(marks.hubId ?? '') && !sweep.except.includes(marks.runId ?? '')
    }
    const tree = new ProcessTree({
      table: this.#table,
      log: this.#log({}),
      marks: { leader: 'lost' in sweep ? sweep.lost.leader : null, bears },
    })
    const ended = (await tree.end(killGraceMs)).map(({ entry, signal }): Survivor => ({
      pid: entry.pid,
      actionId: entry.marks.actionId ?? null,
      agentId: entry.marks.agentId ?? null,
      name: entry.name,
      signal,
    }))
    this.#channel.send({ kind: 'swept', sweepId: sweep.sweepId, ended })
  }

  /** Ends everything. Resolves when it is over. */
  async close(): Promise<void> {
    this.#endAll(hubGone)
    await Promise.allSettled(this.#underway)
    await this.#pool.close()
  }

  #endAll(reason: EndReason): void {
    for (const command of this.#running.values()) command.end(reason)
  }

  async #carryOut(runId: string, run: Run, command: RunningCommand): Promise<void> {
    const begun = performance.now()
    const outcome = await command.carryOut().catch((error: unknown) => {
      const text = `the runner failed to complete it: ${messageOf(error)}`
      const reason: EndReason = { status: 'failed', category: 'runtime', text }
      return outcomeWithout(run, reason, performance.now() - begun)
    })
    this.#running.delete(runId)
    this.#guard?.forget(command)
    this.#channel.send({ kind: 'outcome', runId, outcome })
  }

  #log(bound: LogFields): Logger {
    const say =
      (level: LogLevel) =>
      (message: string, fields: LogFields = {}): void =>
        this.#channel.send({ kind: 'log', level, message, fields: { ...bound, ...fields } })
    return {
      debug: say('debug'),
      info: say('info'),
      warn: say('warn'),
      error: say('error'),
      child: (fields) => this.#log({ ...bound, ...fields }),
    }
  }
}
