import { headers, NatsError } from 'nats'
import type { z } from 'zod'
import { decode, encode } from '../codec.ts'
import type { Bus } from './bus.ts'
import { busError } from './bus-error.ts'
import { lastKeptMessage } from './kept-messages.ts'
import { ensureStream } from './streams.ts'

/** The stream and the subject of one record, and what the broker tells of them. */
export interface Place {
  readonly stream: string
  readonly subject: string
  readonly description: string
}

/** A record as the broker has it, and the number that a change of it must name. */
export interface Kept<T> {
  readonly value: T
  readonly revision: number
}

const wrongRevision = 10_071
const mostBytes = 4096

/** One record that the broker keeps for as long as it keeps its files: who changes it must have seen it as it is. */
export class KeptRecord<T extends z.ZodType> {
  readonly #bus: Bus
  readonly #place: Place
  readonly #schema: T

  constructor(bus: Bus, place: Place, schema: T) {
    this.#bus = bus
    this.#place = place
    this.#schema = schema
  }

  /**
   * Makes its place in the broker, which may have lost its files.
   *
   * @throws {CentralPostError} `unavailable` when the broker has no JetStream or does not answer, `forbidden`
   */
  async prepare(): Promise<void> {
    const { stream, subject, description } = this.#place
    await ensureStream(this.#bus, {
      name: stream,
      description,
      subjects: [subject],
      retention: 'limits',
      maxAgeMs: 0,
      maxMessagesPerSubject: 1,
      whenFull: 'drop_oldest',
      maxMessageBytes: mostBytes,
    })
  }

  /** The record; null: there is none. */
  async read(): Promise<Kept<z.output<T>> | null> {
    const { stream, subject } = this.#place
    const last = await lastKeptMessage(this.#bus, stream, subject)
    return last && { value: decode(this.#schema, last.data), revision: last.seq }
  }

  /**
   * Changes the record.
   *
   * @param revision of the record as it was seen; 0: there was none
   * @returns whether it was changed; false: somebody else was first
   */
  async write(value: z.input<T>, revision: number): Promise<boolean> {
    const { subject } = this.#place
    const expected = headers()
    expected.set('Nats-Expected-Last-Subject-Sequence', String(revision))
    try {
      await this.#bus.connection.jetstream().publish(subject, encode(value), { headers: expected })
      return true
    } catch (error) {
      if (error instanceof NatsError && error.api_error?.err_code === wrongRevision) return false
      throw busError(error, `writing ${subject}`)
    }
  }

  /** Calls back whenever somebody may have written it. Returns how to stop that. */
  onWrite(callback: () => void): () => Promise<void> {
    const stopReconnects = this.#bus.onReconnect(callback)
    const subscription = this.#bus.subscribe(this.#place.subject, callback)
    return async () => {
      stopReconnects()
      await subscription.drain()
    }
  }
}
