import { realpathSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  Bus,
  type BusCredentials,
  CentralPostError,
  isoOf,
  type Logger,
  messageOf,
} from '@centralpost/shared'
import { admit } from './action/admission.ts'
import { BusAnnouncer } from './bus/announcer.ts'
import { Outbox } from './bus/result-outbox.ts'
import { whenThere, type WhenThereOptions } from './bus/when-there.ts'
import { CentralPost } from './central-post.ts'
import type { HubConfig } from './config/hub-config.ts'
import { placesPerAgent } from './execution/execution-settings.ts'
import { approvalLimits } from './approval/approval-settings.ts'
import { ownPlaces, openExecution, faultInEnv } from './start/open-execution.ts'
import { checkCwd } from './execution/index.ts'
import { lockDataDirectory } from './history/store/database.ts'
import { History } from './history/history.ts'
import { KeptResults } from './action/kept-results.ts'
import { observeLedger } from './telemetry/observe-ledger.ts'
import { openTelemetry } from './telemetry/telemetry.ts'
import { TrustManager } from './trust/trust-manager.ts'
import { claimBroker, jetStreamThere } from './start/claim-broker.ts'
import { serve, recoverActions } from './start/serve.ts'
import { hubStatus } from './start/hub-status.ts'
import { judgeCommand } from './start/judge-command.ts'
import { hubIdOf, markerOf } from './start/identity.ts'
import { streamsOf } from './broker/broker-settings.ts'
import type { HubParts } from './endpoints/endpoint-parts.ts'

const dayMs = 86_400_000

/** Time for ending a process tree beyond the commands' grace period, in milliseconds. */
const endingMs = 2000

export interface HubOptions {
  readonly config: HubConfig
  readonly dataDir: string
  /** the hub's identities on the bus: one for the flow, one that can only answer endpoints */
  readonly credentials: { readonly hub: BusCredentials; readonly endpoints: BusCredentials }
  readonly log: Logger
  /** id of a permanently lost ledger whose claim on the broker this one takes over */
  readonly insteadOf?: string | undefined
  /**
   * whether the broker knows only one operator, who may then approve their own requests; absent:
   * unknown
   */
  readonly hasSingleOperator?: () => Promise<boolean>
  /** waits for an absent broker until this signal is aborted; absent: such a broker is an error */
  readonly waiting?: AbortSignal
}

/**
 * A running hub. `start` opens the parts in dependency order and returns a serving hub, or closes
 * everything and throws; `stop` closes them in reverse order.
 */
export class Hub {
  readonly hubId: string
  /**
   * Rejects when the hub cannot go on (its broker connection is closed for good). Resolves after a
   * stop.
   */
  readonly closed: Promise<void>
  readonly #opened: AsyncDisposableStack
  #stopped: Promise<void> | undefined

  private constructor(hubId: string, opened: AsyncDisposableStack, closed: Promise<void>) {
    this.hubId = hubId
    this.#opened = opened
    this.closed = closed
    // a caller that does not await `closed` has the log
    this.closed.catch(() => {})
  }

  /**
   * @throws {CentralPostError} `conflict` when another hub works on the data directory, or another
   *   ledger with the broker, `storage` when its database is unusable, `unavailable` when the broker
   *   is unreachable or has no JetStream, `invalid_config` for the rules
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
      // later failures are consequences of this one
      throw lostBy ?? error
    }
  }

  static async #open(options: HubOptions, historyLost: PromiseWithResolvers<never>): Promise<Hub> {
    const { config, log } = options
    const hubId = hubIdOf(config.hub.id)
    const now = Date.now
    const startedAt = isoOf(now())
    const onHistoryLost = (then: () => unknown): void => void historyLost.promise.catch(then)
    await using opened = new AsyncDisposableStack()

    // the data directory and its files
    opened.defer(lockDataDirectory(resolve(options.dataDir)))
    const dataDir = realpathSync(resolve(options.dataDir))
    hideFromSearches(dataDir)
    const history = await openHistory(options, dataDir, hubId, historyLost.reject)
    opened.defer(() => history.close())
    const { ledger } = history

    // who judges, and who executes
    const trust = await TrustManager.open({ rulesPath: config.rulesPath, log, watch: true })
    opened.defer(() => trust.close())
    const { executor, choose } = await openExecution({ config, dataDir, hubId, log }, opened)
    // by then another hub may have declared this hub's actions interrupted
    onHistoryLost(() => executor.stop())
    history.lease.onRenewed((untilBootMs) => executor.extendLease(untilBootMs))
    const judge = judgeCommand({ trust, ownPlaces: ownPlaces(dataDir), choose })
    const insideRoots = (cwd: string): Promise<string> => checkCwd(cwd, config.roots)
    const computeCommandHash = (command: string) => executor.computeCommandHash(command)

    // the way of an action
    const lostHistory = new AbortController()
    onHistoryLost(() => lostHistory.abort())
    const until = options.waiting && AbortSignal.any([options.waiting, lostHistory.signal])
    const there: WhenThereOptions = { what: 'the broker', until, log }
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
      sandboxFor: choose,
      computeCommandHash,
      announce: new BusAnnouncer(bus, log),
      publishResult: (item) => outbox.push(item),
      publishAgain: async (executionId, ended) => {
        // a confirmation recorded later would undo this
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

    // who watches it
    const status = hubStatus({
      hubId,
      startedAt,
      bus,
      policy: () => trust.policy,
      centralPost,
      ledger,
      slots: config.execution.parallel,
      selfApproval,
      now,
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

    // endpoints close last: an agent may ask for its result while the hub drains
    const replies = await connectAs(options.credentials.endpoints, `hub ${hubId} endpoints`)
    opened.defer(() => replies.drain())
    opened.defer(() => outbox.stop())
    let graceMs = config.hub.stop_grace * 1000
    onHistoryLost(() => {
      graceMs = 0
    })
    opened.defer(() => centralPost.stop(graceMs))

    // the broker is claimed, and leftovers are recovered, before any new request
    const ready = jetStreamThere(there)
    const streams = streamsOf(config.broker)
    const claimLost = Promise.withResolvers<never>()
    claimLost.promise.catch(() => {})
    const { insteadOf } = options
    const { reject: onLost } = claimLost
    const claim = {
      bus,
      history,
      dataDir,
      streams,
      insteadOf,
      onLost,
      computeCommandHash,
      now,
      log,
    }
    await claimBroker(claim, ready, opened)
    const hub: HubParts = {
      hubId,
      config,
      centralPost,
      executor,
      history,
      trust: { judge },
      checkCwd: insideRoots,
      status,
    }
    await recoverActions(hub, log)
    const keptResults = new KeptResults({
      bus,
      putAway: (before) => history.putAwayResults(before),
      // a repeated request gets at least the results that the broker still keeps
      maxAgeMs: Math.max(config.history.resultMs, config.broker.result_days * dayMs),
      maxBytes: config.broker.result_bytes,
      now,
      log,
    })
    opened.defer(() => keptResults.stop())
    const { intake } = telemetry
    await serve(hub, { bus, replies, streams, intake, now, log }, ready, opened)
    log.info('hub serves', { hubId, broker: bus.server, dataDir, policy: trust.policy })
    return new Hub(
      hubId,
      opened.move(),
      Promise.race([lost(bus, 'hub').then(() => {}), historyLost.promise, claimLost.promise]),
    )
  }

  /** Stops intake, lets commands finish or ends them within the grace period, closes everything. */
  stop(): Promise<void> {
    this.#stopped ??= this.#opened.disposeAsync()
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

function openHistory(
  { config, log }: HubOptions,
  dataDir: string,
  hubId: string,
  onLost: (error: CentralPostError) => void,
): Promise<History> {
  return History.open({
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
      onLost(
        new CentralPostError('storage', `the history is lost: ${messageOf(error)}`, {
          cause: error,
        }),
      )
    },
    log: log.child({ part: 'history' }),
  })
}

/**
 * The data directory is usually inside a workspace: git and search tools that honour ignore files
 * skip it.
 */
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
