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
  startSubject,
} from '@centralpost/shared'

/** Says on core NATS what happens to an action: who listens, hears; nobody is waited for. */
export class BusAnnouncer {
  readonly #bus: Bus
  readonly #log: Logger

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

  output(message: ActionOutput): void {
    this.#say(outputSubject(message.agent_id, message.action_id), message)
  }

  /** While the broker is away an event is lost; the ledger keeps what counts, and results wait in the outbox. */
  #say(subject: string, message: unknown): void {
    if (!this.#bus.isConnected) return
    try {
      this.#bus.publish(subject, message)
    } catch (error) {
      this.#log.error('an event could not be published', { subject, error })
    }
  }
}
