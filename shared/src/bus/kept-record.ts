import { headers, NatsError } from 'nats'
import type { z } from 'zod'
import { decode, encode } from '../messages/codec.ts'
import type { Bus } from './bus.ts'
import { busError } from './bus-error.ts'
import { lastKeptMessage } from './kept-messages.ts'
import { ensureStream } from './streams.ts'

/** Stream and subject of one record, and the stream's description for `nats stream info`. */
export interface RecordPlace {
  readonly stream: string
  readonly subject: string
  readonly description: string
}

/** A record with its revision, which an update must name. */
export interface Kept<T> {
  readonly value: T
  readonly revision: number
}

const wrongRevision = 10_071
const mostBytes = 4096

/**
 * One record kept by the broker, updated by compare-and-set: a writer must have read the current
 * revision.
 */
export class KeptRecord<T extends z.ZodType> {
  readonly #bus: Bus
  readonly #place: RecordPlace
  readonly #schema: T

  constructor(bus: Bus, place: RecordPlace, schema: T) {
    this.#bus = bus
    this.#place = place
    this.#schema = schema
  }

  /**
   * Creates its stream on the broker, which may have lost its files.
   *
   * @throws {CentralPostError} `unavailable` when the broker has no JetStream or does not answer,
   *   `forbidden`
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

  /** The record, or null. */
  async read(): Promise<Kept<z.output<T>> | null> {
    const { stream, subject } = this.#place
    const last = await lastKeptMessage(this.#bus, stream, subject)
    return last && { value: decode(this.#schema, last.data), revision: last.seq }
  }

  /**
   * Updates the record.
   *
   * @param revision the revision that was read; 0: no record
   * @returns whether it was updated; false: another writer was first
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

  /** Calls back whenever the record may have been written. Returns a function that stops it. */
  onWrite(callback: () => void): () => Promise<void> {
    const stopReconnects = this.#bus.onReconnect(callback)
    const subscription = this.#bus.subscribe(this.#place.subject, callback)
    return async () => {
      stopReconnects()
      await subscription.drain()
    }
  }
}
