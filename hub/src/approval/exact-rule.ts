import { basename } from 'node:path'
import type { Part } from '@centralpost/shared'
import { boundFiles } from '../action/bound-files.ts'
import { followedBy } from '../action/binding/followed-files.ts'
import type { RuleSubject } from './rule-subject.ts'

/** Programs whose work lies elsewhere or in their words: no file that is bound would tell what they run. */
const runners = new Set(
  `env sudo doas su pkexec runuser xargs parallel eval exec ssh docker podman nerdctl kubectl oc nsenter chroot unshare
  systemd-run at batch watch timeout nice nohup setsid stdbuf time ionice flock script strace ltrace gdb expect busybox
  awk gawk mawk sed find fd helm terraform tofu ansible crontab psql mysql mariadb sqlite3 source .`.split(
    /\s+/,
  ),
)

/** Words and options of git and its like that throw work away. */
const discards = new Set(
  'reset clean checkout restore switch rebase filter-branch gc prune rm reflog update-ref stash'.split(
    ' ',
  ),
)
const discardingOption =
  /^(-f|-D|-[A-Za-z]*f|--force.*|--hard|--delete|--mirror|--prune|--no-verify)$/

/** To these `-f` names a file. */
const takesFile: ReadonlySet<string> = new Set(['make', 'gmake', 'mvn', 'ant', 'just', 'tail'])

/** What may stand beside the one program: it shortens or sorts what is printed, or says where. */
const filters: ReadonlySet<string> = new Set(
  'head tail grep egrep fgrep wc sort uniq cut tr cat nl column tac rev echo printf true : cd'.split(
    ' ',
  ),
)

const mostParts = 8

/**
 * Why exactly this command can have no rule of its own, or null. It must be one program, with nothing beside it but filters
 * of its output; all its words must be known; and where it runs code of files, these must be bound.
 */
export function exactRefusal(subject: RuleSubject): string | null {
  const { parts, isWhole } = subject
  if (subject.holdsSecret) return 'it holds what looks like a secret, and a rule is read by many'
  if (!isWhole) return 'it is too long, or parts of it could not be read'
  const [main, other] = parts.filter((part) => !isFilter(part))
  if (main === undefined) return 'it names no program'
  if (other !== undefined || parts.length > mostParts) {
    return 'only one program can be approved always, with filters of its output, and this is more'
  }
  for (const part of parts) {
    const refused = partRefusal(part)
    if (refused !== null) return refused
  }
  return programRefusal(main, subject)
}

function partRefusal({ program, words, cwd, isAppended, redirects }: Part): string | null {
  if (isAppended || words.some(({ exact }) => !exact)) {
    return `some words of ${program || 'it'} are only known when it runs`
  }
  if (cwd === undefined) return 'its directory is only known when it runs'
  const written = redirects.find(
    ({ operator, target }) =>
      !operator.startsWith('<') && operator !== '>&' && target.value !== '/dev/null',
  )
  if (written) return `it writes to ${written.target.value}: each time is asked about`
  const isOpen = redirects.some(({ target }) => !target.exact)
  return isOpen ? 'a redirection is only known when it runs' : null
}

function programRefusal(main: Part, subject: RuleSubject): string | null {
  const { program, words } = main
  const word = words[0]?.value ?? ''
  if (program === '') return 'its program is only known when it runs'
  if (runners.has(program)) {
    return `${program} runs what it is given: a rule for it would be a rule for everything`
  }
  const danger = subject.verdict.risk.parts.find(({ name }) => /^(destructive|elevated)/.test(name))
  if (danger) return `it is ${danger.name}: each one is asked about`
  const discarding = words
    .slice(1)
    .find(
      ({ value }) =>
        discards.has(value) ||
        (discardingOption.test(value) && !(value === '-f' && takesFile.has(program))),
    )
  if (discarding) return `"${discarding.value}" may throw work away: each one is asked about`
  const runsFiles = word.includes('/') || followedBy(program)?.fetches === false
  if (runsFiles && boundFiles(subject.bound).length === 0) {
    return `${basename(word)} runs code of the project, and no file of it could be bound`
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
