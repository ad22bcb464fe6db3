import type { Risk, TrustLevel, UnitVerdict } from '@centralpost/shared'
import { riskLevelOf, riskThresholds } from '@centralpost/shared'
import type { Points } from './judge-dangers.ts'
import type { JudgedWords } from './judge.ts'

type RiskPart = Risk['parts'][number]
type Category = readonly [name: string, points: number, words: ReadonlySet<string>]

/** The seed's words, taken as whole words, with the programs that do the same under other names. */
const categories: readonly Category[] = [
  ['elevated', 30, new Set(['sudo', 'doas', 'su', 'pkexec', 'runuser'])],
  [
    'destructive',
    20,
    new Set(
      `rm rmdir unlink shred wipefs srm delete drop truncate format mkfs dd dropdb flushall flushdb purge destroy prune
      clean erase kill killall pkill`.split(/\s+/),
    ),
  ],
  [
    'network',
    10,
    new Set('curl wget download fetch clone nc ncat ssh scp rsync ftp sftp'.split(' ')),
  ],
  [
    'system change',
    15,
    new Set(
      `install uninstall update upgrade remove mount umount chown chmod useradd usermod userdel passwd iptables systemctl
      crontab modprobe insmod rmmod`.split(/\s+/),
    ),
  ],
]
/** The risk that a word of a command adds. */
const wordsOfRisk = new Map(
  categories.flatMap(([category, points, words]) =>
    [...words].map((word) => [word, { category, name: `${category}: ${word}`, points }] as const),
  ),
)
const anyOfRisk = new RegExp(`(?<![a-z])(?:${[...wordsOfRisk.keys()].join('|')})(?![a-z])`, 'g')
/** Risks of findings that do not depend on words. */
const ofFindings = new Map<string, readonly [name: string, points: number]>(
  Object.entries({
    invisible: ['hidden characters: it is not what it looks like', 50],
    nul: ['hidden characters: it is not what it looks like', 50],
    credentials: ['secrets: reads credentials', 30],
    'private-file': ['secrets: reads what may hold secrets', 20],
    'secret-variable': ['secrets: uses a secret variable', 15],
    exfiltration: ['secrets: sends credentials away', 50],
    'network-code': ['foreign code: runs what the network sends', 50],
    'decoded-code': ['foreign code: runs what nobody sees', 30],
    'network-redirect': ['network: opens a connection', 10],
    'dynamic-program': ['unseen code: which program runs is not known', 20],
    'program-path': ['unseen code: runs a program of the project', 10],
    'parse-error': ['unseen code: cannot be read as a shell reads it', 20],
    environment: ['unseen code: changes how programs run', 10],
  } as const),
)
/** Effects that a word of the command has told already. */
const toldByWord: Readonly<Record<string, string>> = { discards: 'destructive' }
const longestText = 4096
const noRisk: Risk = { level: 'low', score: 0, parts: [] }

/**
 * The risk score of the judged commands: the seed's words and the effects known to rules. Informs a
 * person: never changes a verdict, and a BLOCKED command is always high.
 *
 * @param units the judged parts, for their findings
 * @param effects the effects of the commands by `risks.yaml`
 */
export function assessRisk(
  commands: readonly JudgedWords[],
  level: TrustLevel,
  units: readonly UnitVerdict[],
  effects: readonly Points[],
): Risk {
  if (level === 'SAFE') return noRisk
  const words = new Set<string>()
  for (const command of commands) addWords(command, words)
  const parts: RiskPart[] = []
  const told = new Set<string>()
  for (const word of words) {
    const found = wordsOfRisk.get(word)
    if (!found) continue
    parts.push({ name: found.name, points: found.points })
    told.add(found.category)
  }
  for (const { id, name, points } of effects)
    if (!told.has(toldByWord[id] ?? '')) parts.push({ name, points })
  for (const { rule } of units) {
    const found = ofFindings.get(rule)
    if (!found) continue
    const [name, points] = found
    if (!parts.some((part) => part.name === name)) parts.push({ name, points })
  }
  const sum = parts.reduce((total, part) => total + part.points, 0)
  const least = riskThresholds.high
  if (level === 'BLOCKED' && sum < least)
    parts.push({ name: 'blocked by a rule', points: least - sum })
  const score = Math.max(sum, level === 'BLOCKED' ? least : 0)
  return { level: riskLevelOf(score), score, parts }
}

function addWords({ program, args, input }: JudgedWords, found: Set<string>): void {
  let text = program
  for (const arg of args) {
    if (text.length > longestText) break
    text += ` ${arg}`
  }
  if (input !== undefined) text += ` ${input}`
  const read = text.length > longestText ? text.slice(0, longestText) : text
  for (const word of read.toLowerCase().match(anyOfRisk) ?? []) found.add(word)
}
