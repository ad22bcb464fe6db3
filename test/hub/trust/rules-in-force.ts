import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { silentLogger } from '@centralpost/shared'
import { TrustManager } from '#hub/trust/trust-manager.ts'

/** The repository's root. */
export const repository = fileURLToPath(new URL('../../../', import.meta.url))

/** The rule file that is shipped. */
export const shippedRules = `${repository}config/trust_rules.yaml`

/** One labelled command of a corpus. */
export interface Labelled {
  readonly command: string
  readonly level: 'SAFE' | 'REVIEW' | 'BLOCKED'
  readonly class: string
}

/** A manager with the shipped rules. */
export function openShipped(): Promise<TrustManager> {
  return TrustManager.open({ rulesPath: shippedRules, log: silentLogger })
}

/** The lines of one of our own corpora. */
export function readCorpus(name: string): Labelled[] {
  return readLines(`${repository}test/corpora/${name}.jsonl`) as Labelled[]
}

/** Objects of a JSON Lines file. */
export function readLines(path: string): unknown[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)
}

/** The corpora kept beside the clone, which are not part of the project; undefined where there are none. */
export const sharedCorpora = [`${repository}../shared/corpora/`].find((path) => existsSync(path))

export const rank: Readonly<Record<string, number>> = { SAFE: 0, REVIEW: 1, BLOCKED: 2 }
