import type { Transaction } from 'kysely'
import type { Database } from './database.ts'
import type { Schema } from './schema.ts'

export type Tx = Transaction<Schema>

interface Write {
  readonly work: (tx: Tx) => Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * Lets concurrent writes share one commit: what is asked for while a commit is under way goes into the next one.
 * When one write of a batch fails, the batch is undone and each of it tried alone, so nobody suffers for another.
 */
export class GroupCommit {
  readonly #db: Database
  #waiting: Write[] = []
  #working: Promise<void> | undefined

  constructor(db: Database) {
    this.#db = db
  }

  /**
   * Does a write in a transaction.
   *
   * @param work must only touch the database: it may be done a second time
   * @returns what `work` returned, once it is on the disk
   */
  write<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#waiting.push({ work, resolve, reject })
    this.#working ??= this.#run()
    return promise as Promise<T>
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#working) await this.#working
  }

  async #run(): Promise<void> {
    // one turn of the event loop, so that all that arrived with this message goes along
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, 256)
      await this.#commit(batch)
    }
    this.#working = undefined
  }

  async #commit(batch: readonly Write[]): Promise<void> {
    try {
      const values = await this.#db.transaction().execute(async (tx) => {
        const done: unknown[] = []
        for (const write of batch) done.push(await write.work(tx))
        return done
      })
      batch.forEach((write, index) => write.resolve(values[index]))
    } catch (error) {
      const [only] = batch
      if (batch.length === 1) only?.reject(error)
      else for (const write of batch) await this.#commit([write])
    }
  }
}
