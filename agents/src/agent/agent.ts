import {
  actionOutputSchema,
  type ActionResult,
  actionResultSchema,
  agentEndpointSubject,
  type agentPatternsCallSchema,
  type AgentEndpoint,
  type Bus,
  CentralPostError,
  decode,
  isCentralPostError,
  type Logger,
  messageOf,
  newActionId,
  noTracing,
  outputSubject,
  requestSubject,
  type ResultReply,
  resultSubject,
  silentLogger,
  type stateReplySchema,
  subjectToken,
  type Suggestion,
  type TraceHeaders,
  type Tracing,
  type Verdict,
} from '@centralpost/shared'
import type { z } from 'zod'
import type * as answers from './answers.ts'
import { type ActionAsked, toRequest } from './action-asked.ts'
import { askHub } from '../spoke/ask.ts'
import type { WaitOptions } from '../spoke/deadline.ts'
import { RememberedRequests } from './remembered-requests.ts'
import { ActionWatch, type RequestedAction } from './requested-action.ts'
import { connectSpoke, type SpokeOptions } from '../spoke/spoke.ts'
import { storeRequest } from './store-request.ts'

type Answers = typeof answers

const askAgainMs = 15_000
const askAfterReconnectMs = 2_000
const askedAtOnce = 16

export interface RequestOptions extends WaitOptions {
  readonly trace?: TraceHeaders
}

/**
 * An agent: requests actions and receives their results, over NATS only. The broker stores
 * requests, so the hub may be away. After a reconnect, the agent asks for results published
 * meanwhile.
 */
export class Agent {
  readonly name: string
  readonly #bus: Bus
  readonly #log: Logger
  readonly #tracing: Tracing
  readonly #waiting = new Map<string, ActionWatch>()
  readonly #requests = new RememberedRequests()
  readonly #closing = new AbortController()
  #askTimer: NodeJS.Timeout | undefined
  #asking = false

  private constructor(name: string, bus: Bus, log: Logger, tracing: Tracing) {
    this.name = name
    this.#bus = bus
    this.#log = log
    this.#tracing = tracing
  }

  /**
   * Connects under a name known to the broker.
   *
   * @throws {CentralPostError} `invalid_request` for a bad name, `not_found` without credentials,
   *   `unavailable` when no broker answers, `forbidden` when it refuses the credentials
   */
  static async connect(options: SpokeOptions): Promise<Agent> {
    const bus = await connectSpoke('agent', options)
    const { log = silentLogger, tracing = noTracing } = options
    const agent = new Agent(options.name, bus, log, tracing)
    agent.#listen()
    return agent
  }

  /** The address of this agent's broker. */
  get server(): string {
    return this.#bus.server
  }

  /**
   * Requests an action. Resolves when the broker has stored the request, which is then not lost.
   * Retrying with the same id and content is safe: it is one action.
   *
   * @param asked the command's text, or a full request
   * @param options.timeoutMs how long to try to store the request, in milliseconds @default 30000
   * @param options.trace the W3C trace context of the surrounding work; the hub's spans continue it
   * @throws {CentralPostError} `invalid_request`; `conflict` when this agent used the id for
   *   something else; `unavailable` when the broker did not confirm in time (it may have stored the
   *   request)
   */
  async requestAction(
    asked: string | ActionAsked,
    options: RequestOptions = {},
  ): Promise<RequestedAction> {
    this.#closing.signal.throwIfAborted()
    const fields = typeof asked === 'string' ? { command: asked } : asked
    const request = toRequest(fields, fields.actionId ?? newActionId())
    this.#requests.remember(request)
    // watch before publishing: the result may arrive before the broker's confirmation
    const watch = this.#watch(request.action_id)
    const release = watch.hold()
    const span = this.#tracing.start('request action', {
      kind: 'producer',
      ...(options.trace && { parent: options.trace }),
      attributes: {
        'centralpost.agent_id': this.name,
        'centralpost.action_id': request.action_id,
      },
    })
    try {
      const { signal } = this.#closing
      await storeRequest(this.#bus, requestSubject(this.name), request, {
        ...options,
        signal: options.signal ? AbortSignal.any([options.signal, signal]) : signal,
        log: this.#log,
        ...(span.headers.traceparent !== undefined && { headers: { ...span.headers } }),
      })
    } catch (error) {
      release()
      this.#forgetUnheld(watch)
      span.fail('the request was not stored')
      throw error
    } finally {
      span.end()
    }
    return watch
  }

  /**
   * The result of one of this agent's actions, or null while it is under way.
   *
   * @throws {CentralPostError} `unavailable` when no hub answers
   */
  async checkActionResult(actionId: string): Promise<ActionResult | null> {
    try {
      return (await this.getAction(actionId)).result
    } catch (error) {
      // the hub does not know a request that is still in the queue
      if (isCentralPostError(error) && error.code === 'not_found') return null
      throw error
    }
  }

  /**
   * The state of one of this agent's actions, with its result if it has ended.
   *
   * @throws {CentralPostError} `not_found` for an id that no hub has seen, `unavailable` when no
   *   hub answers
   */
  getAction(actionId: string): Promise<ResultReply> {
    return this.#ask('result', { action_id: actionId }, 'resultReplySchema')
  }

  /**
   * Waits for the result of one of this agent's actions, even if another process requested it.
   *
   * @throws {CentralPostError} `unavailable` when none came in time; the action continues
   */
  async waitForActionResult(actionId: string, options: WaitOptions = {}): Promise<ActionResult> {
    this.#closing.signal.throwIfAborted()
    const watch = this.#watch(actionId)
    const release = watch.hold()
    void this.#askFor(actionId)
    try {
      return await watch.result(options)
    } finally {
      release()
      this.#forgetUnheld(watch)
    }
  }

  /**
   * Asks the hub to cancel one of this agent's actions, at any stage.
   *
   * @throws {CentralPostError} `not_found`, `conflict` when it has ended, `unavailable`
   */
  async cancelAction(actionId: string, reason?: string): Promise<void> {
    const call = { action_id: actionId, ...(reason !== undefined && { reason }) }
    await this.#ask('cancel', call, 'cancelReplySchema')
  }

  /** The state of the hub's machine from a directory: user, virtual environment, programs. */
  getSystemState(cwd?: string): Promise<z.infer<typeof stateReplySchema>> {
    return this.#ask('state', cwd === undefined ? {} : { cwd }, 'stateReplySchema')
  }

  /** The verdict on a command, without requesting it. */
  classify(command: string | readonly string[], cwd?: string): Promise<Verdict> {
    const form = typeof command === 'string' ? { command } : { argv: command }
    return this.#ask('classify', { ...form, ...(cwd !== undefined && { cwd }) }, 'verdictSchema')
  }

  /** Closes the connection; pending waits reject with `unavailable`. Idempotent. */
  async close(): Promise<void> {
    clearTimeout(this.#askTimer)
    const closed = new CentralPostError('unavailable', `the agent "${this.name}" was closed`)
    this.#closing.abort(closed)
    for (const watch of this.#waiting.values()) watch.fail(closed)
    this.#waiting.clear()
    await this.#bus.drain()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #listen(): void {
    this.#bus.subscribe(resultSubject(this.name, '*'), ({ subject, data }) => {
      const actionId = subjectToken(subject, 2)
      if (this.#waiting.has(actionId)) this.#settle(actionId, decode(actionResultSchema, data))
    })
    this.#bus.subscribe(outputSubject(this.name, '*'), ({ subject, data }) => {
      this.#waiting.get(subjectToken(subject, 2))?.output.push(decode(actionOutputSchema, data))
    })
    this.#bus.onReconnect(() => this.#askSoon(askAfterReconnectMs))
  }

  #watch(actionId: string): ActionWatch {
    const known = this.#waiting.get(actionId)
    if (known) return known
    const watch = new ActionWatch(actionId, (reason) => this.cancelAction(actionId, reason))
    this.#waiting.set(actionId, watch)
    if (this.#waiting.size === 1) this.#askSoon(askAgainMs)
    return watch
  }

  #settle(actionId: string, result: ActionResult): void {
    this.#waiting.get(actionId)?.settle(result)
    this.#waiting.delete(actionId)
    if (this.#waiting.size === 0) clearTimeout(this.#askTimer)
  }

  #forgetUnheld(watch: ActionWatch): void {
    if (!watch.isHeld) this.#waiting.delete(watch.actionId)
  }

  #askSoon(milliseconds: number): void {
    clearTimeout(this.#askTimer)
    this.#askTimer = setTimeout(() => void this.#askForAll(), milliseconds)
    // the connection keeps the process alive while results are awaited
    this.#askTimer.unref()
  }

  async #askForAll(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    try {
      const actionIds = [...this.#waiting.keys()]
      while (actionIds.length > 0 && this.#bus.isConnected) {
        const answers = actionIds.splice(0, askedAtOnce).map((actionId) => this.#askFor(actionId))
        const answered = await Promise.all(answers)
        if (answered.includes(false)) break
      }
    } finally {
      this.#asking = false
      if (this.#waiting.size > 0) this.#askSoon(askAgainMs)
    }
  }

  /** Asks for one result that may have been missed. Returns whether a hub answered. */
  async #askFor(actionId: string): Promise<boolean> {
    try {
      const result = await this.checkActionResult(actionId)
      if (result) this.#settle(actionId, result)
      return true
    } catch (error) {
      this.#log.debug('no answer about a result', { actionId, error: messageOf(error) })
      return false
    }
  }

  /**
   * Suggestions from the history, best first: for a task in words, after one of this agent's
   * actions (a fix for its failure, or the usual next step), or of a category. Suggestions are
   * advice; the hub judges every request as usual.
   *
   * @throws {CentralPostError} `invalid_request` when the question is empty, `unavailable` when no
   *   hub answers
   */
  async patterns(asked: z.input<typeof agentPatternsCallSchema>): Promise<readonly Suggestion[]> {
    return (await this.#ask('patterns', asked, 'agentPatternsReplySchema')).suggestions
  }

  async #ask<Name extends keyof Answers>(
    endpoint: AgentEndpoint,
    call: object,
    answer: Name,
  ): Promise<z.output<Answers[Name]>> {
    const subject = agentEndpointSubject(this.name, endpoint)
    const { [answer]: schema } = await import('./answers.ts')
    return (await askHub(this.#bus, subject, call, { schema })) as z.output<Answers[Name]>
  }
}
