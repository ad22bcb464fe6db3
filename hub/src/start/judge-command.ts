import { type Judgement, realPathOf, type Verdict } from '@centralpost/shared'
import { askedInstead } from '../action/asked-instead.ts'
import {
  findVenv,
  isForPython,
  type JudgedCommand,
  type ProfileChoice,
} from '../execution/index.ts'
import { boundedVerdict } from '../trust/bounded-verdict.ts'
import type { TrustManager } from '../trust/trust-manager.ts'

/** Judges a command as this hub would run it. */
type JudgeCommand = (
  command: string | readonly string[],
  context: { cwd: string; env?: Readonly<Record<string, string>> },
) => Judgement

/**
 * Judges by the rules, then adapts the verdict to a missing sandbox, then to the virtual
 * environment of the directory.
 *
 * @param parts.ownPlaces paths that no command may touch
 * @param parts.choose the confinement of a judged command
 */
export function judgeCommand(parts: {
  readonly trust: TrustManager
  readonly ownPlaces: readonly string[]
  readonly choose: (judged: JudgedCommand) => ProfileChoice
}): JudgeCommand {
  const protectedPaths = parts.ownPlaces.map(realPathOf)
  return (command, context) => {
    const read = parts.trust.judge(command, { ...context, protectedPaths })
    const judged = askedInstead(read, context.cwd, parts.choose)
    return { ...judged, verdict: boundedVerdict(withVirtualEnv(judged, context.cwd)) }
  }
}

/**
 * Moves REVIEW commands for Python into the virtual environment of their directory: the shown,
 * bound and executed plan says so. SAFE commands run without approval, and therefore never get
 * programs of the workspace under known names.
 */
function withVirtualEnv({ verdict, parts }: Judgement, cwd: string): Verdict {
  const { level, plan } = verdict
  if (level !== 'REVIEW' || plan.venv !== undefined) return verdict
  if (!isForPython(parts.map(({ program }) => program))) return verdict
  const venv = findVenv(cwd)
  return venv === null ? verdict : { ...verdict, plan: { ...plan, venv } }
}
