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
  const parts: { name: string; points: number }[] = []
  for (const [name, points, words] of categories) {
    const found = new Set<string>()
    for (const command of commands)
      for (const word of wordsOf(command)) if (words.has(word)) found.add(word)
    for (const word of found) parts.push({ name: `${name}: ${word}`, points })
  }
  parts.push(...extra)
  const sum = parts.reduce((total, part) => total + part.points, 0)
  if (level === 'BLOCKED' && sum < high)
    parts.push({ name: 'blocked by a rule', points: high - sum })
  const score = Math.max(sum, level === 'BLOCKED' ? high : 0)
  return { level: score >= high ? 'high' : score >= medium ? 'medium' : 'low', score, parts }
}

function wordsOf({ program, args, input }: JudgedWords): string[] {
  const words = [program.split('.', 1)[0] ?? program]
  for (const arg of args) if (arg.length < 400) words.push(...arg.toLowerCase().split(/[^a-z]+/))
  if (input !== undefined && input.length < 4000)
    words.push(...input.toLowerCase().split(/[^a-z]+/))
  return words
}
