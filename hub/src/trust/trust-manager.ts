import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname } from 'node:path'
import type { Judgement, Logger, Verdict } from '@centralpost/shared'
import { messageOf } from '@centralpost/shared'
import type { ClassifyContext } from './classify.ts'
import { classify } from './classify.ts'
import type { LoadedRules } from './load-trust-rules.ts'
import { loadTrustRules } from './load-trust-rules.ts'
import { RealPaths } from './own-data/real-paths.ts'

const rememberedVerdicts = 1000
const longestRemembered = 2048
const settleMs = 100

/**
 * A cached judgement with the symlinks it depends on: a file replaced by a symlink is another
 * command.
 */
interface Remembered {
  readonly judgement: Judgement
  readonly realPaths: RealPaths
}

export interface TrustManagerOptions {
  /** The rule file, in the seed's format or the extended one. */
  readonly rulesPath: string
  readonly log: Logger
  /** Whether a change of the file takes effect while the hub runs. @default false */
  readonly watch?: boolean | undefined
}

/**
 * Holds the current rules and judges commands by them. A changed file replaces them as a whole or,
 * if any part is wrong, not at all.
 */
export class TrustManager {
  readonly #rulesPath: string
  readonly #log: Logger
  readonly #home = homedir()
  #rules: LoadedRules
  #remembered = new Map<string, Remembered>()
  #watcher: FSWatcher | undefined
  #timer: NodeJS.Timeout | undefined
  #reloading: Promise<boolean> | undefined

  private constructor(options: TrustManagerOptions, rules: LoadedRules) {
    this.#rulesPath = options.rulesPath
    this.#log = options.log
    this.#rules = rules
  }

  /**
   * Loads the rules.
   *
   * @throws {CentralPostError} `invalid_config` naming file, line and pattern of every fault
   */
  static async open(options: TrustManagerOptions): Promise<TrustManager> {
    const rules = await loadTrustRules(options.rulesPath)
    const manager = new TrustManager(options, rules)
    manager.#tell('trust rules loaded')
    if (options.watch) manager.#watch()
    return manager
  }

  /** The hash of the rules in force. */
  get policy(): string {
    return this.#rules.policy.hash
  }

  /** How many rules of each level the rule file holds. */
  get counts(): LoadedRules['counts'] {
    return this.#rules.counts
  }

  /**
   * Judges one command by the rules in force. Never throws.
   *
   * @param command shell text, or argv for a program that is started without a shell
   */
  classifyCommand(command: string | readonly string[], context: ClassifyContext = {}): Verdict {
    return this.judge(command, context).verdict
  }

  /** Judges one command by the rules in force, and tells what its parts are. Never throws. */
  judge(command: string | readonly string[], context: ClassifyContext = {}): Judgement {
    const key = keyOf(command, context)
    if (key === undefined) return this.#judge(command, context)
    const known = this.#remembered.get(key)
    if (known?.realPaths.stillHold()) return known.judgement
    this.#remembered.delete(key)
    const realPaths = new RealPaths()
    const judgement = this.#judge(command, { ...context, realPaths })
    if (this.#remembered.size >= rememberedVerdicts) {
      const oldest = this.#remembered.keys().next().value
      if (oldest !== undefined) this.#remembered.delete(oldest)
    }
    this.#remembered.set(key, { judgement, realPaths })
    return judgement
  }

  #judge(command: string | readonly string[], context: ClassifyContext): Judgement {
    return classify(command, { home: this.#home, ...context }, this.#rules.policy)
  }

  /**
   * Reads the rule file again. A faulty file is logged and refused; the rules in force stay.
   *
   * @returns whether the rules in force are those of the file
   */
  reload(): Promise<boolean> {
    this.#reloading ??= this.#load().finally(() => {
      this.#reloading = undefined
    })
    return this.#reloading
  }

  async #load(): Promise<boolean> {
    try {
      const rules = await loadTrustRules(this.#rulesPath)
      if (rules.policy.hash === this.#rules.policy.hash) return true
      this.#rules = rules
      this.#remembered = new Map()
      this.#tell('trust rules changed')
      return true
    } catch (error) {
      this.#log.error('trust rules refused, the old ones stay in force', {
        error: messageOf(error),
      })
      return false
    }
  }

  #tell(message: string): void {
    const { policy, counts, warnings } = this.#rules
    this.#log.info(message, { path: this.#rulesPath, policy: policy.hash, ...counts })
    for (const warning of warnings) this.#log.warn('trust rule looks wrong', { ...warning })
  }

  #watch(): void {
    // The directory, because editors replace files instead of writing them.
    const name = basename(this.#rulesPath)
    this.#watcher = watch(dirname(this.#rulesPath), { persistent: false }, (_event, changed) => {
      if (changed !== null && changed !== name) return
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => void this.reload(), settleMs)
      this.#timer.unref()
    })
    this.#watcher.on('error', (error) => {
      this.#log.error('trust rules are no longer watched', { error: messageOf(error) })
    })
  }

  /** Stops watching. May be called twice. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#watcher?.close()
    this.#watcher = undefined
    await this.#reloading
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** The inputs of a verdict, as one text; undefined where caching does not pay. */
function keyOf(command: string | readonly string[], context: ClassifyContext): string | undefined {
  const { cwd = '', env, home, protectedPaths } = context
  const isText = typeof command === 'string'
  const text = isText ? command : JSON.stringify(command)
  if (text.length > longestRemembered) return undefined
  const rest =
    env === undefined && home === undefined && protectedPaths === undefined
      ? ''
      : JSON.stringify([env, home, protectedPaths])
  // The length keeps texts that hold the separator apart.
  return `${isText ? 't' : 'a'}${text.length}:${text}\0${cwd}\0${rest}`
}
