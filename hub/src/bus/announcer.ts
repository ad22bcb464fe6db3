import {
  type ActionApproved,
  type ActionDenied,
  type ActionOutput,
  type ActionStart,
  type ApprovalNeeded,
  approvalNeededSubject,
  approvedSubject,
  type Bus,
  deniedSubject,
  type Logger,
  outputSubject,
  type RuleChanged,
  ruleChangedSubject,
  startSubject,
} from '@centralpost/shared'

const MiB = 1024 * 1024
/**
 * Limit of output in flight before more is dropped, in bytes: a slow broker must not make the hub
 * large.
 */
const mostUnderwayBytes = 4 * MiB
/** Amount of output after which the broker is asked to confirm receipt, in bytes. */
const askFromBytes = MiB / 2

/** Publishes events of actions and rules on core NATS: fire and forget. */
export class BusAnnouncer {
  readonly #bus: Bus
  readonly #log: Logger
  #underwayBytes = 0
  #isAsking = false

  constructor(bus: Bus, log: Logger) {
    this.#bus = bus
    this.#log = log
  }

  approvalNeeded(message: ApprovalNeeded): void {
    this.#say(approvalNeededSubject(message.agent_id, message.action_id), message)
  }

  approved(message: ActionApproved): void {
    this.#say(approvedSubject(message.agent_id, message.action_id), message)
  }

  denied(message: ActionDenied): void {
    this.#say(deniedSubject(message.agent_id, message.action_id), message)
  }

  started(message: ActionStart): void {
    this.#say(startSubject(message.agent_id, message.action_id), message)
  }

  ruleChanged(message: RuleChanged): void {
    this.#say(ruleChangedSubject, message)
  }

  output(message: ActionOutput): boolean {
    if (!this.#bus.isConnected || this.#underwayBytes >= mostUnderwayBytes) return false
    this.#say(outputSubject(message.agent_id, message.action_id), message)
    this.#underwayBytes += Buffer.byteLength(message.data)
    if (this.#underwayBytes >= askFromBytes && !this.#isAsking) void this.#ask()
    return true
  }

  /** Waits until the broker has received the published output, or the connection is lost. */
  async #ask(): Promise<void> {
    this.#isAsking = true
    const asked = this.#underwayBytes
    await this.#bus.flush().catch(() => {
      // output in flight is lost with the connection
    })
    this.#underwayBytes -= asked
    this.#isAsking = false
  }

  /**
   * While the broker is away events are lost; the ledger keeps the state, and results wait in the
   * outbox.
   */
  #say(subject: string, message: unknown): void {
    if (!this.#bus.isConnected) return
    try {
      this.#bus.publish(subject, message)
    } catch (error) {
      this.#log.error('publishing an event failed', { subject, error })
    }
  }
}
