import { type Logger, resultSubject } from '@centralpost/shared'
import type { Refused } from './admission.ts'
import { logFieldsOf } from './end-action.ts'
import type { Ledger } from '../history/ledger/ledger.ts'
import { isFinal } from '../history/ledger/action-state.ts'
import type { Terminal } from '../history/ledger/ledger-step.ts'
import type { Execution } from '../history/store/execution.ts'
import { resultOfRecord } from './result-message.ts'
import { firstRecordOfRefused, type FirstRecordSettings, rowAfter } from './first-record.ts'

export interface RefusalParts {
  readonly ledger: Ledger
  readonly publishResults: () => void
  /** resends a stored result; answers from the record once it is deleted */
  readonly publishAgain: (executionId: number, ended?: Terminal) => Promise<void>
  readonly now: () => number
  readonly log: Logger
}

/** Requests that start nothing: bad input, an id already used for something else, a repeat. */
export class Refusals {
  readonly #parts: RefusalParts
  readonly #settings: FirstRecordSettings

  constructor(parts: RefusalParts, settings: FirstRecordSettings) {
    this.#parts = parts
    this.#settings = settings
  }

  /** Records bad input and answers it. */
  async reject(refused: Refused): Promise<void> {
    const outcome = await this.#takeIn(refused, false)
    if (outcome === 'conflict') await this.rejectReuse(refused)
  }

  /**
   * Answers a request whose id was used for something else. Recorded under a derived id, so that
   * its result does not replace the first one's.
   */
  async rejectReuse(refused: Omit<Refused, 'reason'>): Promise<void> {
    const reason = `action_id: "${refused.actionId}" was used before for another request; choose a new one`
    await this.#takeIn({ ...refused, reason }, true)
  }

  /**
   * A repeated request: resends its result, or starts nothing if it is under way. A redelivery
   * after a lost acknowledgement is no question: its result is sent once.
   */
  async repeat(action: Execution, messageId: string, actionId = action.action_id): Promise<void> {
    if (action.message_id === messageId) return
    this.#parts.log.info('request repeated', { ...logFieldsOf(action), state: action.status })
    const ended = isFinal(action.status) ? terminalOfRecord(action, actionId) : undefined
    await this.#parts.publishAgain(action.execution_id, ended)
  }

  async #takeIn(refused: Refused, reuses: boolean): Promise<'done' | 'conflict'> {
    const { ledger, log, now, publishResults } = this.#parts
    const { row, told, terminal } = firstRecordOfRefused(refused, now(), this.#settings, reuses)
    const intake = await ledger.takeIn(row, told, { terminal })
    if (intake.kind === 'conflict' && !reuses) return 'conflict'
    if (intake.kind === 'known' || intake.kind === 'conflict') {
      await this.repeat(intake.action, refused.messageId, refused.actionId)
      return 'done'
    }
    log.warn('request rejected', {
      ...logFieldsOf(rowAfter(row, 0)),
      reason: refused.reason,
    })
    publishResults()
    return 'done'
  }
}

function terminalOfRecord(action: Execution, actionId: string): Terminal {
  return {
    subject: resultSubject(action.agent_id, actionId),
    // of an id that is used for something else it must not replace the first one's
    stored: actionId === action.action_id,
    result: () => resultOfRecord(action, actionId),
  }
}
