import type { Part } from '@centralpost/shared'
import type { Finding } from './findings.ts'
import { review } from './findings.ts'
import type { Policy } from '../rules/policy.ts'

/** Programs for which virtual environments are activated, and features of bash itself. */
const lent =
  /^(?:python|pip)[\d.]*$|^(?:source|\.|cd|echo|printf|pwd|true|false|:|test|\[|type|deactivate|which)$/

/**
 * Parts that are harmless only alone: a virtual environment puts the project's programs before the
 * system's, and git may start a filter named by the repository, which must not see the machine as
 * another part does.
 */
export function judgeMixtures(
  parts: readonly Part[],
  venv: string | undefined,
  hardensGit: boolean,
  { machine }: Policy,
): Finding | undefined {
  if (venv !== undefined) {
    const other = parts.find(({ program, isWrapper }) => !isWrapper && !lent.test(program))
    if (other)
      return review('venv-programs', `${other.program} may be one that ${venv} brings along`)
  }
  const shows = hardensGit ? parts.find(({ program }) => machine.has(program)) : undefined
  return shows
    ? review(
        'mixture',
        `git may start what the repository names, beside ${shows.program}, which looks at the machine`,
        'run them one after the other',
      )
    : undefined
}
