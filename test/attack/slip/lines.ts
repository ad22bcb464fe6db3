import { readFileSync } from 'node:fs'
import { sharedCorpora } from '../../hub/trust/rules-in-force.ts'
import { Random } from '../enumerator/random.ts'

/** What must not be tried even in a throw-away namespace: it takes the machine's processor or memory, which all share. */
const exhausting =
  /:\s*\(\)\s*\{|\bfork\b|while\s+(?:true|:)|\byes\b|\/dev\/zero|stress|sleep \d{3}/

/** Texts that a classifier once took for harmless, or was meant to. */
export function hostileLines(most: number, seed: number): string[] {
  const lines = sharedCorpora === undefined ? own() : [...own(), ...shared(sharedCorpora)]
  const random = new Random(seed)
  return lines
    .filter((line) => !exhausting.test(line) && !line.includes('\0'))
    .map((line) => ({ line, at: random.next() }))
    .toSorted((one, other) => one.at - other.at)
    .slice(0, most)
    .map(({ line }) => line)
}

function own(): string[] {
  return commandsOf(new URL('../../corpora/bypass.jsonl', import.meta.url).pathname)
}

function shared(directory: string): string[] {
  return ['attack-open', 'dev-adversarial'].flatMap((name) =>
    commandsOf(`${directory}${name}.jsonl`),
  )
}

function commandsOf(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { command: string }).command)
}
