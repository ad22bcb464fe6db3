import { basename } from 'node:path'
import type { Part } from '@centralpost/shared'
import { boundFiles } from '../action/bound-files.ts'
import { followedBy } from '../action/binding/followed-files.ts'
import type { RuleSubject } from './rule-subject.ts'

/** Programs whose code is elsewhere or in their words: no bound file would show what they run. */
const runners = new Set(
  `env sudo doas su pkexec runuser xargs parallel eval exec ssh docker podman nerdctl kubectl oc nsenter chroot unshare
  systemd-run at batch watch timeout nice nohup setsid stdbuf time ionice flock script strace ltrace gdb expect busybox
  awk gawk mawk sed find fd helm terraform tofu ansible crontab psql mysql mariadb sqlite3 source .`.split(
    /\s+/,
  ),
)

/** Words and options of git and similar programs that discard work. */
const discards = new Set(
  'reset clean checkout restore switch rebase filter-branch gc prune rm reflog update-ref stash'.split(
    ' ',
  ),
)
const discardingOption =
  /^(-f|-D|-[A-Za-z]*f|--force.*|--hard|--delete|--mirror|--prune|--no-verify)$/

/** Programs for which `-f` names a file. */
const takesFile: ReadonlySet<string> = new Set(['make', 'gmake', 'mvn', 'ant', 'just', 'tail'])

/** Filters allowed beside the one program: they shorten or sort its output, or change directory. */
const filters: ReadonlySet<string> = new Set(
  'head tail grep egrep fgrep wc sort uniq cut tr cat nl column tac rev echo printf true : cd'.split(
    ' ',
  ),
)

const mostParts = 8

/**
 * Why this command cannot have an exact rule, or null. Required: one program, beside filters of its
 * output only; all words known; and bound files wherever it runs code from files.
 */
export function exactRefusal(subject: RuleSubject): string | null {
  const { parts, isWhole } = subject
  if (subject.holdsSecret) return 'it contains a probable secret, and rules are widely readable'
  if (!isWhole) return 'it is too long, or partly unreadable'
  const [main, other] = parts.filter((part) => !isFilter(part))
  if (main === undefined) return 'it names no program'
  if (other !== undefined || parts.length > mostParts) {
    return 'only one program can be approved always, beside filters of its output'
  }
  for (const part of parts) {
    const refused = partRefusal(part)
    if (refused !== null) return refused
  }
  return programRefusal(main, subject)
}

function partRefusal({ program, words, cwd, isAppended, redirects }: Part): string | null {
  if (isAppended || words.some(({ exact }) => !exact)) {
    return `some words of ${program || 'it'} are known only at run time`
  }
  if (cwd === undefined) return 'its directory is known only at run time'
  const written = redirects.find(
    ({ operator, target }) =>
      !operator.startsWith('<') && operator !== '>&' && target.value !== '/dev/null',
  )
  if (written) return `it writes to ${written.target.value}, which always needs approval`
  const isOpen = redirects.some(({ target }) => !target.exact)
  return isOpen ? 'a redirection is known only at run time' : null
}

function programRefusal(main: Part, subject: RuleSubject): string | null {
  const { program, words } = main
  const word = words[0]?.value ?? ''
  if (program === '') return 'its program is known only at run time'
  if (runners.has(program)) {
    return `${program} runs what it is given: a rule for it would allow everything`
  }
  const danger = subject.verdict.risk.parts.find(({ name }) => /^(destructive|elevated)/.test(name))
  if (danger) return `it is ${danger.name} and always needs approval`
  const discarding = words
    .slice(1)
    .find(
      ({ value }) =>
        discards.has(value) ||
        (discardingOption.test(value) && !(value === '-f' && takesFile.has(program))),
    )
  if (discarding) return `"${discarding.value}" may discard work and always needs approval`
  const runsFiles = word.includes('/') || followedBy(program)?.fetches === false
  if (runsFiles && boundFiles(subject.bound).length === 0) {
    return `${basename(word)} runs code of the project, none of which could be bound`
  }
  return null
}

function isFilter({ program, words }: Part): boolean {
  if (!filters.has(program) || words[0]?.value !== program) return false
  const args = words.slice(1).map(({ value }) => value)
  if (program === 'sort') return !args.some((arg) => /^(-[a-zA-Z]*o|--o)/.test(arg))
  if (program === 'uniq') return args.every((arg) => arg.startsWith('-'))
  return true
}
