import { createHash } from 'node:crypto'
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import {
  Bus,
  type BusCredentials,
  CentralPostError,
  type HubStatus,
  type Judgement,
  type Logger,
  messageOf,
  realPathOf,
  serveEndpoints,
  isoOf,
} from '@centralpost/shared'
import { admit } from './action/admission.ts'
import { agentEndpoints } from './endpoints/agent-endpoints.ts'
import { askedInstead } from './action/asked-instead.ts'
import { BusAnnouncer } from './bus/announcer.ts'
import { BrokerClaim } from './bus/broker-claim.ts'
import { Outbox } from './bus/result-outbox.ts'
import { type IncomingRequest, RequestQueue, type TakenIn } from './bus/request-queue.ts'
import { prepareStreams } from './bus/streams.ts'
import { whenThere } from './bus/when-there.ts'
import { CentralPost } from './central-post.ts'
import type { HubConfig } from './config/hub-config.ts'
import { placesPerAgent } from './execution/execution-settings.ts'
import { approvalLimits } from './approval/approval-settings.ts'
import { openConfinement, ownPlaces } from './start/open-execution.ts'
import {
  checkCwd,
  checkRequestEnv,
  executorOptionsSchema,
  SystemExecutor,
} from './execution/index.ts'
import { lockDataDirectory } from './history/store/database.ts'
import { History } from './history/history.ts'
import { noteLedger, replacedLedger } from './history/store/ledger-note.ts'
import { historyEndpoints } from './endpoints/history-endpoints.ts'
import { operatorEndpoints } from './endpoints/operator-endpoints.ts'
import { KeptResults } from './action/kept-results.ts'
import { takeOverResults } from './action/take-over.ts'
import { observeLedger } from './telemetry/observe-ledger.ts'
import { openTelemetry } from './telemetry/telemetry.ts'
import { withVirtualEnv } from './start/judge-command.ts'
import { TrustManager } from './trust/trust-manager.ts'
import { version } from './version.ts'
import { boundedVerdict } from './trust/bounded-verdict.ts'
import { sayingWhenUnwritten } from './endpoints/say-when-unwritten.ts'

const dayMs = 86_400_000

/** How long the end of a process tree may take beyond the grace period of commands, in milliseconds. */
const endingMs = 2000

/** How often actions are looked for that nobody watches, in milliseconds. */
const sweepMs = 5000

/** How long streams and consumers of a broker that answers may take, where nobody said to wait for it. */
const longestPreparationMs = 30_000

/** How long a starting hub tries to enter what results tell into a database that cannot be written. */
const longestTakeOverMs = 600_000

export interface HubOptions {
  readonly config: HubConfig
  readonly dataDir: string
  /** who the hub is on the bus: one identity for the flow, one that can answer endpoints and nothing else */
  readonly credentials: { readonly hub: BusCredentials; readonly endpoints: BusCredentials }
  readonly log: Logger
  /** the ledger whose claim on the broker this one's takes over: it is gone for good */
  readonly insteadOf?: string | undefined
  /** whether the broker knows one operator only, who may then approve what they asked for; absent: nobody can tell */
  readonly hasSingleOperator?: () => Promise<boolean>
  /** waits for a broker that is away until this says stop; absent: such a broker is a fault */
  readonly waiting?: AbortSignal
}

/**
 * A running hub. `start` opens the parts in the order in which they need one another and gives a hub that serves, or
 * throws having closed what it had opened; `stop` closes them in the opposite order.
 */
export class Hub {
  readonly hubId: string
  /** Rejects when the hub cannot go on (its broker connection is gone for good). Resolves after a stop. */
  readonly closed: Promise<void>
  readonly #opened: AsyncDisposableStack
  #stopped: Promise<void> | undefined

  private constructor(hubId: string, opened: AsyncDisposableStack, closed: Promise<void>) {
    this.hubId = hubId
    this.#opened = opened
    this.closed = closed
    // whoever does not watch `closed` has the log
    this.closed.catch(() => {})
  }

  /**
   * @throws {CentralPostError} `conflict` when another hub works on the data directory, or another ledger with the broker, `storage` when its database cannot
   * be used, `unavailable` when the broker cannot be reached or has no JetStream, `invalid_config` for the rules
   */
  static async start(options: HubOptions): Promise<Hub> {
    const historyLost = Promise.withResolvers<never>()
    let lostBy: unknown
    historyLost.promise.catch((error: unknown) => {
      lostBy = error
    })
    try {
      return await Hub.#open(options, historyLost)
    } catch (error) {
      // what fails after that fails because of it
      throw lostBy ?? error
    }
  }

  static async #open(options: HubOptions, historyLost: PromiseWithResolvers<never>): Promise<Hub> {
    const { config, log } = options
    const named = resolve(options.dataDir)
    const hubId =
      config.hub.id ??
      (hostname()
        .replace(/[^A-Za-z0-9_-]/g, '-')
        .slice(0, 64) ||
        'hub')
    const startedAt = new Date().toISOString()
    const now = Date.now
    await using opened = new AsyncDisposableStack()

    opened.defer(lockDataDirectory(named))
    const dataDir = realpathSync(named)
    hideFromSearches(dataDir)
    const history = await History.open({
      location: config.history.location ?? { backend: 'sqlite', dataDir },
      dataDir,
      hubId,
      lease: {
        marker: markerOf(dataDir, hubId),
        leaseMs: config.history.leaseMs,
        graceMs: config.execution.kill_grace * 1000 + endingMs,
      },
      masking: config.history.masking,
      onLost: (error) => {
        log.error('the history is lost; the hub must start anew', { error })
        historyLost.reject(
          new CentralPostError('storage', `the history is lost: ${messageOf(error)}`, {
            cause: error,
          }),
        )
      },
      log: log.child({ part: 'history' }),
    })
    opened.defer(() => history.close())
    const { ledger } = history
    const trust = await TrustManager.open({ rulesPath: config.rulesPath, log, watch: true })
    opened.defer(() => trust.close())
    const confined = await openConfinement(config, dataDir, log)
    opened.defer(confined.close)
    const executor = new SystemExecutor({
      ...executorOptions(config, dataDir, hubId, log),
      ...confined.options,
    })
    opened.defer(() => executor.stop())
    // another hub may call interrupted by then what goes on here
    historyLost.promise.catch(() => executor.stop())
    history.lease.onRenewed((untilBootMs) => executor.extendLease(untilBootMs))

    const lostHistory = new AbortController()
    historyLost.promise.catch(() => {
      lostHistory.abort()
    })
    const until = options.waiting && AbortSignal.any([options.waiting, lostHistory.signal])
    const there = { what: 'the broker', until, log }
    const connectAs = (credentials: BusCredentials, name: string): Promise<Bus> =>
      whenThere(() => connect(credentials, name, log), there)
    const bus = await connectAs(options.credentials.hub, `hub ${hubId}`)
    opened.defer(() => bus.drain())
    const outbox = new Outbox(bus, {
      unpublished: (limit) => ledger.unpublished(limit),
      newest: () => ledger.newest(),
      markPublished: (executionIds, at) => ledger.markPublished(executionIds, at),
      now,
      log,
    })
    const selfApproval = async (): Promise<boolean> =>
      config.approvals.self_approval ?? (await options.hasSingleOperator?.()) ?? false
    const insideRoots = (cwd: string): Promise<string> => checkCwd(cwd, config.roots)
    const protectedPaths = ownPlaces(dataDir).map(realPathOf)
    const judge = (
      command: string | readonly string[],
      context: { cwd: string; env?: Readonly<Record<string, string>> },
    ): Judgement => {
      const read = trust.judge(command, { ...context, protectedPaths })
      const judged = askedInstead(read, context.cwd, confined.choose)
      return { ...judged, verdict: boundedVerdict(withVirtualEnv(judged, context.cwd)) }
    }
    const centralPost = new CentralPost({
      hubId,
      admit: (incoming) =>
        admit(incoming, {
          checkCwd: insideRoots,
          faultInEnv,
          defaultCwd: config.roots[0] ?? '/',
          defaultTimeoutMs: config.execution.default_timeout * 1000,
          maxTimeoutMs: config.execution.max_timeout * 1000,
          hubId,
        }),
      judge,
      policy: () => trust.policy,
      ledger,
      approvals: history.approvals,
      executeCommand: (run, controls) => executor.executeCommand(run, controls),
      checkCwd: insideRoots,
      whereIs: (program, cwd, venv) => executor.whereIs(program, cwd, venv),
      sandboxFor: confined.choose,
      computeCommandHash: (command) => executor.computeCommandHash(command),
      announce: new BusAnnouncer(bus, log),
      publishResult: (item) => outbox.push(item),
      publishAgain: async (executionId, ended) => {
        // a confirmation that is noted later would take this back
        await outbox.settled(executionId)
        await ledger.publishAgain(executionId, ended)
        outbox.kick()
      },
      publishResults: () => outbox.kick(),
      limits: {
        ...approvalLimits(config.approvals, selfApproval),
        parallel: config.execution.parallel,
        parallelPerAgent: placesPerAgent(config.execution),
        queuedPerAgent: config.execution.queued_per_agent,
      },
      now,
      log,
    })

    const status = async (): Promise<HubStatus> => ({
      hub_id: hubId,
      version,
      host: hostname(),
      pid: process.pid,
      started_at: startedAt,
      time: isoOf(now()),
      accepting: bus.isConnected,
      policy: trust.policy,
      running: centralPost.load.running,
      queued: centralPost.load.queued,
      pending: await ledger.countInState('pending'),
      unpublished: await ledger.countUnpublished(),
      slots: config.execution.parallel,
      self_approval: await selfApproval(),
    })
    const telemetry = opened.use(
      await openTelemetry(config, {
        status,
        oldestPending: () => ledger.oldestIn('pending'),
        isBrokerConnected: () => bus.isConnected,
        now,
        log: log.child({ part: 'telemetry' }),
      }),
    )
    observeLedger(ledger, telemetry.observers)
    const parts = {
      hubId,
      config,
      centralPost,
      executor,
      history,
      trust: { judge },
      checkCwd: insideRoots,
      status,
    }

    // the answers come last to go: an agent may ask for its result while the hub drains
    const replies = await connectAs(options.credentials.endpoints, `hub ${hubId} endpoints`)
    opened.defer(() => replies.drain())
    opened.defer(() => outbox.stop())
    let graceMs = config.hub.stop_grace * 1000
    historyLost.promise.catch(() => {
      graceMs = 0
    })
    opened.defer(() => centralPost.stop(graceMs))

    const streams = {
      requestDays: config.broker.request_days,
      resultDays: config.broker.result_days,
      queuedPerAgent: config.broker.queued_per_agent,
      replicas: config.broker.replicas,
    }
    const claimLost = Promise.withResolvers<never>()
    claimLost.promise.catch(() => {})
    // a cluster may have no leader at this moment
    const ready = { ...there, what: 'JetStream', withinMs: longestPreparationMs }
    const takeClaim = (): Promise<BrokerClaim> =>
      BrokerClaim.take(bus, {
        ...history.lease.tenure,
        ledgerId: history.lease.ledgerId,
        insteadOf: options.insteadOf ?? replacedLedger(dataDir),
        onLost: claimLost.reject,
        log,
      })
    const claim = await whenThere(takeClaim, ready)
    opened.defer(() => claim.stop())
    noteLedger(dataDir, history.lease.ledgerId)
    await whenThere(() => prepareStreams(bus, streams), ready)
    if (claim.isUnread) {
      const written = { giveUp: AbortSignal.timeout(longestTakeOverMs), log }
      const computeCommandHash = (command: string) => executor.computeCommandHash(command)
      const takeOver = { ledger, computeCommandHash, now, written, log }
      await whenThere(() => takeOverResults(bus, takeOver), ready)
      await claim.noteRead()
    }
    // before the first request: what runs now must not be taken for what a dead hub left
    const survivors = await executor.endSurvivors(history.lease.earlierMarkers)
    for (const survivor of survivors) log.warn('ended a process of a dead hub', { ...survivor })
    await centralPost.recover(
      (row) =>
        survivors.filter(
          ({ actionId, agentId }) => actionId === row.action_id && agentId === row.agent_id,
        ).length,
    )
    const sweeping = setInterval(() => void centralPost.sweep(), sweepMs)
    sweeping.unref()
    opened.defer(() => clearInterval(sweeping))
    const keptResults = new KeptResults({
      bus,
      putAway: (before) => history.putAwayResults(before),
      // who asks for one again is told no less than the broker still keeps
      maxAgeMs: Math.max(config.history.resultMs, config.broker.result_days * dayMs),
      maxBytes: config.broker.result_bytes,
      now,
      log,
    })
    opened.defer(() => keptResults.stop())
    const take = async (incoming: IncomingRequest): Promise<TakenIn> => {
      let taken: TakenIn = 'taken'
      await telemetry.intake(incoming.trace, async () => {
        taken = await centralPost.requestSystemAction(incoming)
      })
      return taken
    }
    const requests = await whenThere(
      () => RequestQueue.open(bus, { ...streams, now, log }, take),
      ready,
    )
    opened.defer(() => requests.stop())
    const served = await serveEndpoints(
      replies,
      { name: 'CentralPost', version, description: `CentralPost hub ${hubId}`, log },
      [...agentEndpoints(parts), ...operatorEndpoints(parts), ...historyEndpoints(parts)].map(
        (one) => sayingWhenUnwritten(one, log),
      ),
    )
    opened.defer(async () => {
      await served.stop()
      await served.idle()
    })
    log.info('hub serves', { hubId, broker: bus.server, dataDir, policy: trust.policy })
    return new Hub(
      hubId,
      opened.move(),
      Promise.race([lost(bus, 'hub').then(() => {}), historyLost.promise, claimLost.promise]),
    )
  }

  /** Takes no new work, lets commands finish or ends them within the grace period, closes everything. */
  stop(): Promise<void> {
    this.#stopped ??= this.#opened.disposeAsync()
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/** The data directory usually lies in a workspace: git and the search tools that heed such files pass it by. */
function hideFromSearches(dataDir: string): void {
  for (const name of ['.gitignore', '.ignore']) writeFileSync(join(dataDir, name), '*\n')
}

function connect(credentials: BusCredentials, name: string, log: Logger): Promise<Bus> {
  return Bus.connect({ credentials, name, log: log.child({ part: 'bus' }) })
}

async function lost(bus: Bus, what: string): Promise<void> {
  const error = await bus.closed()
  if (error === undefined) return
  throw new CentralPostError(
    'unavailable',
    `the ${what}'s broker connection is closed for good: ${messageOf(error)}`,
    { cause: error },
  )
}

function faultInEnv(env: Readonly<Record<string, string>>): string | null {
  const refused = checkRequestEnv(env)
  return refused === null ? null : `${refused.name} may not be set: it ${refused.reason}`
}

/** What processes of this hub's commands carry: never the same for two hubs of one machine. */
function markerOf(dataDir: string, hubId: string): string {
  return `${hubId}-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`
}

function executorOptions(config: HubConfig, dataDir: string, hubId: string, log: Logger) {
  const { execution } = config
  const defaults = executorOptionsSchema.parse({})
  const spoolDir = join(dataDir, 'spool')
  mkdirSync(spoolDir, { recursive: true, mode: 0o700 })
  return {
    ...defaults,
    defaultTimeoutMs: execution.default_timeout * 1000,
    maxTimeoutMs: execution.max_timeout * 1000,
    unattendedTimeoutMs: execution.safe_timeout * 1000,
    killGraceMs: execution.kill_grace * 1000,
    maxOutputBytes: execution.max_output_bytes,
    inlineBytes: execution.inline_bytes,
    passEnv: [...defaults.passEnv, ...execution.pass_env],
    spoolDir,
    outputLimits: {
      maxBytes: execution.kept_output.max_bytes,
      maxBytesPerAgent: execution.kept_output.max_bytes_per_agent,
      maxAgeMs: execution.kept_output.days * dayMs,
    },
    cacheDir: join(dataDir, 'cache', 'node'),
    marker: markerOf(dataDir, hubId),
    log: log.child({ part: 'executor' }),
  }
}
