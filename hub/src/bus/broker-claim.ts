import { randomUUID } from 'node:crypto'
import {
  type Bus,
  CentralPostError,
  checkJetStream,
  isCentralPostError,
  KeptRecord,
  ledgerClaimStream,
  ledgerClaimSubject,
  type Logger,
  messageOf,
} from '@centralpost/shared'
import { z } from 'zod'

const claimSchema = z.object({
  schema: z.literal(1),
  /** one start of one hub */
  claim_id: z.string(),
  ledger_id: z.string(),
  hub_id: z.string(),
  epoch: z.int(),
  claimed_at: z.string(),
  /** the broker's results may name actions unknown to this ledger; see `read` */
  results_unread: z.boolean().default(false),
})
type Claim = z.output<typeof claimSchema>

export interface BrokerClaimOptions {
  readonly ledgerId: string
  readonly hubId: string
  readonly epoch: number
  /** a permanently lost ledger whose claim may be taken over */
  readonly insteadOf?: string | undefined
  /** another hub has claimed the broker: this one must end */
  readonly onLost: (error: CentralPostError) => void
  readonly log: Logger
}

const needed = [
  `$JS.API.STREAM.*.${ledgerClaimStream}`,
  `$JS.API.STREAM.MSG.GET.${ledgerClaimStream}`,
  ledgerClaimSubject,
].join(', ')

/**
 * The claim of one ledger on a broker. Two ledgers would split the requests, and an action known to
 * one would run again for the other. The claim outlives its hub: messages in the broker belong to
 * its ledger.
 */
export class BrokerClaim {
  readonly #record: KeptRecord<typeof claimSchema>
  readonly #options: BrokerClaimOptions
  readonly #server: string
  #claim: Claim
  #stop: () => Promise<void> = () => Promise.resolve()
  #isOver = false
  #isRead = false

  private constructor(
    bus: Bus,
    record: KeptRecord<typeof claimSchema>,
    options: BrokerClaimOptions,
  ) {
    const { ledgerId, hubId, epoch } = options
    this.#record = record
    this.#options = options
    this.#server = bus.server
    this.#claim = {
      schema: 1,
      claim_id: randomUUID(),
      ledger_id: ledgerId,
      hub_id: hubId,
      epoch,
      claimed_at: new Date().toISOString(),
      results_unread: false,
    }
  }

  /**
   * Claims a broker: an unclaimed one, one of an earlier hub of the same ledger, or one of the
   * ledger named by `insteadOf`.
   *
   * @throws {CentralPostError} `conflict` when another ledger has claimed it; says which and what
   *   to do. `unavailable` when the broker has no JetStream; other errors name the permissions that a
   *   claim needs
   */
  static async take(bus: Bus, options: BrokerClaimOptions): Promise<BrokerClaim> {
    await checkJetStream(bus)
    try {
      const place = {
        stream: ledgerClaimStream,
        subject: ledgerClaimSubject,
        description: 'the claim on this broker',
      }
      const claim = new BrokerClaim(bus, new KeptRecord(bus, place, claimSchema), options)
      await claim.#write()
      claim.#stop = claim.#record.onWrite(() => void claim.#look())
      await bus.flush()
      await claim.#look()
      return claim
    } catch (error) {
      if (isCentralPostError(error) && error.code === 'conflict') throw error
      throw new CentralPostError(
        isCentralPostError(error) ? error.code : 'unavailable',
        `cannot claim the broker for this ledger: ${messageOf(error)}; the hub's user needs ` +
          `permission to publish to ${needed}, and to subscribe to the last`,
        { cause: error },
      )
    }
  }

  /**
   * Whether the broker may hold results of actions unknown to this ledger: it was claimed by
   * another ledger, by a later state of this one, or by none. Persists across hubs, until
   * `noteRead`.
   */
  get isUnread(): boolean {
    return this.#claim.results_unread
  }

  /** Records that this ledger knows every result in the broker. */
  async noteRead(): Promise<void> {
    this.#isRead = true
    const held = await this.#record.read()
    // another hub's claim is left alone: it is reported elsewhere
    if (held?.value.claim_id !== this.#claim.claim_id) return
    this.#claim = { ...this.#claim, results_unread: false }
    await this.#record.write(this.#claim, held.revision)
  }

  /** Stops watching; the claim stays. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#stop()
  }

  async #write(): Promise<void> {
    const { ledgerId, epoch, insteadOf, log } = this.#options
    await this.#record.prepare()
    for (;;) {
      const held = await this.#record.read()
      const other = held !== null && held.value.ledger_id !== ledgerId ? held.value : null
      if (other !== null && other.ledger_id !== insteadOf) throw this.#conflict(other)
      if (other !== null)
        log.warn('took the broker over from another ledger', { ledger: other.ledger_id })
      const isEarlier = held !== null && other === null && held.value.epoch >= epoch
      if (isEarlier) {
        log.warn(
          'this ledger is a copy or was restored: a later hub has run actions that it does not know',
          { epoch, later: held.value.epoch, hub: held.value.hub_id },
        )
      }
      const isUnknown = held === null || other !== null || isEarlier
      this.#claim = {
        ...this.#claim,
        results_unread: !this.#isRead && (isUnknown || held.value.results_unread),
      }
      if (await this.#record.write(this.#claim, held?.revision ?? 0)) return
    }
  }

  /** Checks the claim. A broker that has lost its files is claimed anew. */
  async #look(): Promise<void> {
    if (this.#isOver) return
    try {
      const held = await this.#record.read()
      if (held === null) await this.#write()
      else if (held.value.claim_id !== this.#claim.claim_id) this.#lose(this.#conflict(held.value))
    } catch (error) {
      if (isCentralPostError(error) && error.code === 'conflict') this.#lose(error)
      else
        this.#options.log.warn('reading the claim on the broker failed', {
          error: messageOf(error),
        })
    }
  }

  #lose(error: CentralPostError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#options.onLost(error)
  }

  #conflict(held: Claim): CentralPostError {
    const { hub_id: hub, ledger_id: ledger, claimed_at: at } = held
    if (ledger === this.#claim.ledger_id) {
      return new CentralPostError(
        'conflict',
        `the hub "${hub}" works with the broker ${this.#server} since ${at}, on this ledger or a copy of it; stop one of the two`,
      )
    }
    return new CentralPostError(
      'conflict',
      `the broker ${this.#server} belongs to another ledger, ${ledger} (hub "${hub}", ${at}): an action that it knows would run again here. Use that ledger (--data, history.url) or another broker; if it is lost for good, start once with --instead-of ${ledger}`,
      { details: { ledger_id: ledger } },
    )
  }
}
