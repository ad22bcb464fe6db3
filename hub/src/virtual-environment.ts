import type { Verdict } from '@centralpost/shared'
import { findVenv, isForPython } from './execution/index.ts'

/**
 * Lets what a person is asked to clear run in the virtual environment that belongs to its directory, where it is for
 * Python: the plan that is shown, bound and run says so. What is SAFE runs without a question, and so never gets programs
 * of the workspace under known names.
 */
export function withVirtualEnv(verdict: Verdict, cwd: string): Verdict {
  const { level, plan, units } = verdict
  if (level !== 'REVIEW' || plan.venv !== undefined) return verdict
  const programs =
    plan.kind === 'argv' ? [plan.argv[0] ?? ''] : units.map(({ text }) => firstWord(text))
  if (!isForPython(programs)) return verdict
  const venv = findVenv(cwd)
  return venv === null ? verdict : { ...verdict, plan: { ...plan, venv } }
}

function firstWord(text: string): string {
  return /^\S*/.exec(text)?.[0] ?? ''
}
