import { createHmac } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type ApprovalNeeded, CentralPostError, messageOf, Backoff } from '@centralpost/shared'
import { pendingKeyOf } from '../operator/pending-watch.ts'
import { type NoticeDelivery, noticeOf, type NoticeSink } from './notice.ts'

export interface WebhookOptions {
  readonly url: string
  /** signing key; absent: posts are not signed */
  readonly secret?: string | undefined
  /** called with the outcome of each delivery */
  readonly told: (delivery: NoticeDelivery) => void
  /** time limit of one attempt, in milliseconds @default 10000 */
  readonly timeoutMs?: number
  /** delay after the first failure, in milliseconds; doubled after each @default 500 */
  readonly firstWaitMs?: number
  /** limit of queued deliveries; the oldest is dropped @default 1000 */
  readonly mostWaiting?: number
}

const parallel = 4
const mostAttempts = 10
const longestWaitMs = 30_000

interface Job {
  readonly asked: ApprovalNeeded
  attempts: number
}

/** A failure worth retrying. */
class TransientError extends Error {
  readonly waitMs: number | undefined

  constructor(message: string, waitMs?: number) {
    super(message)
    this.waitMs = waitMs
  }
}

/**
 * Posts approval requests to one address, with retries. Redirects are not followed: nothing goes to
 * another address.
 */
export class Webhook implements NoticeSink {
  readonly #options: Required<Omit<WebhookOptions, 'secret'>> & {
    readonly secret: string | undefined
  }
  readonly #url: URL
  readonly #waiting = new Map<string, Job>()
  readonly #underway = new Map<string, AbortController>()
  readonly #workers = new Set<Promise<void>>()
  readonly #closing = new AbortController()

  /** @throws {CentralPostError} `invalid_request` for an address that cannot be posted to */
  constructor(options: WebhookOptions) {
    this.#url = checked(options.url)
    this.#options = {
      timeoutMs: 10_000,
      firstWaitMs: 500,
      mostWaiting: 1_000,
      ...options,
      secret: options.secret,
    }
  }

  push(asked: ApprovalNeeded): void {
    if (this.#closing.signal.aborted) return
    const { mostWaiting } = this.#options
    if (this.#waiting.size >= mostWaiting) this.#giveUpOldest(mostWaiting)
    this.#waiting.set(pendingKeyOf(asked), { asked, attempts: 0 })
    if (this.#workers.size < parallel) {
      const worker = this.#work().finally(() => this.#workers.delete(worker))
      this.#workers.add(worker)
    }
  }

  drop(asked: ApprovalNeeded): void {
    this.#waiting.delete(pendingKeyOf(asked))
    this.#underway.get(pendingKeyOf(asked))?.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    this.#waiting.clear()
    await Promise.allSettled(this.#workers)
  }

  #giveUpOldest(most: number): void {
    for (const [key, job] of this.#waiting) {
      this.#waiting.delete(key)
      this.#tell(job, false, `more than ${most} deliveries are queued`)
      return
    }
  }

  async #work(): Promise<void> {
    for (;;) {
      const [next] = this.#waiting
      if (next === undefined || this.#closing.signal.aborted) return
      const [key, job] = next
      this.#waiting.delete(key)
      const dropped = new AbortController()
      this.#underway.set(key, dropped)
      await this.#deliver(job, AbortSignal.any([dropped.signal, this.#closing.signal]))
      if (this.#underway.get(key) === dropped) this.#underway.delete(key)
    }
  }

  async #deliver(job: Job, signal: AbortSignal): Promise<void> {
    const pauses = new Backoff(this.#options.firstWaitMs, longestWaitMs)
    for (;;) {
      try {
        job.attempts += 1
        await this.#post(job, signal)
        this.#tell(job, true, null)
        return
      } catch (error) {
        if (signal.aborted) return
        const isLast =
          !(error instanceof TransientError) ||
          job.attempts >= mostAttempts ||
          Date.parse(job.asked.expires_at) <= Date.now()
        if (isLast) {
          this.#tell(job, false, messageOf(error))
          return
        }
        // jitter, so that retries do not line up
        const jitter = pauses.next() * (0.8 + Math.random() * 0.4)
        const waitMs = Math.min(error.waitMs ?? jitter, longestWaitMs)
        await delay(waitMs, undefined, { signal }).catch(() => {})
        if (signal.aborted) return
      }
    }
  }

  async #post({ asked }: Job, signal: AbortSignal): Promise<void> {
    const body = JSON.stringify(payloadOf(asked))
    const { secret, timeoutMs } = this.#options
    let response: Response
    try {
      response = await fetch(this.#url, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'centralpost',
          'x-centralpost-event': 'approval_needed',
          // the same for every attempt, so that receivers can recognise a repeat
          'x-centralpost-delivery': `${asked.hub_id}-${asked.execution_id}-${asked.digest.slice(0, 16)}`,
          ...(secret !== undefined && { 'x-centralpost-signature': signatureOf(secret, body) }),
        },
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      await response.body?.cancel()
    } catch (error) {
      throw new TransientError(`no answer: ${causeOf(error)}`)
    }
    const { status } = response
    if (status >= 200 && status < 300) return
    if (status === 408 || status === 429 || status >= 500) {
      throw new TransientError(`answered ${status}`, retryAfter(response))
    }
    const hint = status >= 300 && status < 400 ? '; a redirect is not followed' : ''
    throw new CentralPostError('invalid_request', `answered ${status}${hint}`)
  }

  #tell({ asked, attempts }: Job, isDelivered: boolean, problem: string | null): void {
    const { action_id: actionId, agent_id: agentId } = asked
    this.#options.told({ to: 'webhook', actionId, agentId, isDelivered, attempts, problem })
  }
}

/**
 * The signature of a body: `t=<seconds since 1970>,v1=<hex of HMAC-SHA256 over "<t>.<body>">`.
 *
 * @param secret the shared key
 */
export function signatureOf(secret: string, body: string, at = Date.now()): string {
  const seconds = Math.floor(at / 1000)
  const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
  return `t=${seconds},v1=${mac}`
}

/** Omits the values of variables: they may be secrets. */
function payloadOf(asked: ApprovalNeeded): object {
  const { title, body } = noticeOf(asked)
  return {
    schema: 1,
    event: 'approval_needed',
    text: `${title}: ${body}`,
    action_id: asked.action_id,
    agent_id: asked.agent_id,
    workflow_id: asked.workflow_id,
    command: asked.command,
    context: asked.context,
    cwd: asked.cwd,
    risk: asked.risk,
    reasons: asked.verdict.reasons,
    digest: asked.digest,
    approvals: asked.approvals,
    approvals_needed: asked.approvals_needed,
    requested_at: asked.requested_at,
    expires_at: asked.expires_at,
    hub_id: asked.hub_id,
  }
}

function checked(address: string): URL {
  const url = URL.parse(address)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new CentralPostError(
      'invalid_request',
      `webhook: "${address}" is not an http or https address`,
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new CentralPostError(
      'invalid_request',
      `webhook: leave name and password out of the address of ${url.host}; posts are signed instead`,
    )
  }
  return url
}

function retryAfter(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after'))
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined
}

function causeOf(error: unknown): string {
  const cause = Error.isError(error) && Error.isError(error.cause) ? error.cause : error
  return messageOf(cause)
}
