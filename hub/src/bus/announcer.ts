import {
  type ActionDenied,
  type ActionOutput,
  type ActionStart,
  type ApprovalNeeded,
  approvalNeededSubject,
  type Bus,
  deniedSubject,
  outputSubject,
  startSubject,
} from '@centralpost/shared'

/** Says on core NATS what happens to an action: who listens, hears; nobody is waited for. */
export class BusAnnouncer {
  readonly #bus: Bus

  constructor(bus: Bus) {
    this.#bus = bus
  }

  approvalNeeded(message: ApprovalNeeded): void {
    this.#say(approvalNeededSubject(message.agent_id, message.action_id), message)
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
    if (this.#bus.isConnected) this.#bus.publish(subject, message)
  }
}
