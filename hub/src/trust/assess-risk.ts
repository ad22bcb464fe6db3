import type { Risk, TrustLevel } from '@centralpost/shared'
import type { JudgedWords } from './judge.ts'

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
const categoryOf = new Map(
  categories.flatMap(([name, points, words]) =>
    [...words].map((word) => [word, [name, points]] as const),
  ),
)
const longestText = 4096
const noRisk: Risk = { level: 'low', score: 0, parts: [] }
const high = 50
const medium = 20

/**
 * The seed's risk score over the words of the judged commands. Information for a person: it never changes a verdict,
 * and a BLOCKED command is never less than high.
 */
export function assessRisk(
  commands: readonly JudgedWords[],
  level: TrustLevel,
  extra: readonly { readonly name: string; readonly points: number }[],
): Risk {
  if (level === 'SAFE') return noRisk
  const found = new Set<string>()
  for (const command of commands) addWords(command, found)
  const parts = [...found].map((word) => {
    const [name, points] = categoryOf.get(word) ?? ['', 0]
    return { name: `${name}: ${word}`, points }
  })
  parts.push(...extra)
  const sum = parts.reduce((total, part) => total + part.points, 0)
  if (level === 'BLOCKED' && sum < high)
    parts.push({ name: 'blocked by a rule', points: high - sum })
  const score = Math.max(sum, level === 'BLOCKED' ? high : 0)
  return { level: score >= high ? 'high' : score >= medium ? 'medium' : 'low', score, parts }
}

function addWords({ program, args, input }: JudgedWords, found: Set<string>): void {
  let text = program
  for (const arg of args) {
    if (text.length > longestText) break
    text += ` ${arg}`
  }
  text = `${text} ${input ?? ''}`.slice(0, longestText).toLowerCase()
  for (const [word] of text.matchAll(/[a-z]+/g)) if (categoryOf.has(word)) found.add(word)
}
