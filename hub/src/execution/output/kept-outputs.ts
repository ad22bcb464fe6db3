import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Logger, messageOf, outputStreams } from '@centralpost/shared'
import { spoolFile } from './output-spool.ts'

/** Limits of the outputs kept beside their results. The oldest ones beyond a limit are deleted. */
export interface OutputLimits {
  readonly maxBytes: number
  readonly maxBytesPerAgent: number
  readonly maxAgeMs: number
}

interface Kept {
  readonly bytes: number
  readonly endedAt: number
  /** null: the hub died before it recorded the owner */
  readonly agent: string | null
}

const ownerFile = 'agent'
const lookEveryMs = 600_000

/** Keeps the folder of long outputs within its limits. Ignores outputs of running commands. */
export class KeptOutputs {
  readonly #folder: string
  readonly #limits: OutputLimits
  readonly #log: Logger
  readonly #kept = new Map<string, Kept>()
  readonly #looking: NodeJS.Timeout
  #working: Promise<void>

  /**
   * @param folder one subfolder per output, as `OutputSpool` makes them; existing ones are complete
   */
  constructor(folder: string, limits: OutputLimits, log: Logger) {
    this.#folder = folder
    this.#limits = limits
    this.#log = log
    this.#working = this.#safely(() => this.#load())
    this.#looking = setInterval(() => void this.#then(() => this.#trim()), lookEveryMs)
    this.#looking.unref()
  }

  /** Registers a complete output. Resolves when there is room for the next. */
  add(ref: string, agent: string): Promise<void> {
    return this.#then(async () => {
      await writeFile(join(this.#folder, ref, ownerFile), agent, { mode: 0o600 })
      const kept = { ...(await this.#measured(ref)), agent }
      // the first look may have met it while its command ran: now it is the youngest
      this.#kept.delete(ref)
      this.#kept.set(ref, kept)
      await this.#trim()
    })
  }

  async stop(): Promise<void> {
    clearInterval(this.#looking)
    await this.#working
  }

  #then(work: () => Promise<void>): Promise<void> {
    this.#working = this.#working.then(() => this.#safely(work))
    return this.#working
  }

  async #safely(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#log.warn('cleaning up kept outputs failed', { error: messageOf(error) })
    }
  }

  async #load(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const found: [string, Kept][] = []
    for (const ref of await readdir(this.#folder)) {
      const agent = await readFile(join(this.#folder, ref, ownerFile), 'utf8').catch(() => null)
      found.push([ref, { ...(await this.#measured(ref)), agent }])
    }
    for (const [ref, kept] of found.toSorted(([, one], [, other]) => one.endedAt - other.endedAt)) {
      this.#kept.set(ref, kept)
    }
    await this.#trim()
  }

  async #measured(ref: string): Promise<Pick<Kept, 'bytes' | 'endedAt'>> {
    let bytes = 0
    let endedAt = 0
    for (const stream of outputStreams) {
      const file = await stat(spoolFile(this.#folder, ref, stream)).catch(() => null)
      bytes += file?.size ?? 0
      endedAt = Math.max(endedAt, file?.mtimeMs ?? 0)
    }
    // a command that has just begun has a folder and no file yet: it is young, not old
    if (endedAt === 0)
      endedAt = (await stat(join(this.#folder, ref)).catch(() => null))?.mtimeMs ?? 0
    return { bytes, endedAt }
  }

  /** Keeps what fits, youngest first. */
  async #trim(): Promise<void> {
    const { maxBytes, maxBytesPerAgent, maxAgeMs } = this.#limits
    const oldest = Date.now() - maxAgeMs
    const byAgent = new Map<string, number>()
    let all = 0
    for (const [ref, { bytes, endedAt, agent }] of [...this.#kept].toReversed()) {
      const own = agent === null ? 0 : (byAgent.get(agent) ?? 0) + bytes
      if (endedAt >= oldest && all + bytes <= maxBytes && own <= maxBytesPerAgent) {
        all += bytes
        if (agent !== null) byAgent.set(agent, own)
        continue
      }
      await rm(join(this.#folder, ref), { recursive: true, force: true })
      this.#kept.delete(ref)
    }
  }
}
