import type { Judgement, Verdict } from '@centralpost/shared'
import { findVenv, isForPython } from '../execution/index.ts'

/**
 * Lets what a person is asked to clear run in the virtual environment that belongs to its directory, where it is for
 * Python: the plan that is shown, bound and run says so. What is SAFE runs without a question, and so never gets programs
 * of the workspace under known names.
 */
export function withVirtualEnv({ verdict, parts }: Judgement, cwd: string): Verdict {
  const { level, plan } = verdict
  if (level !== 'REVIEW' || plan.venv !== undefined) return verdict
  if (!isForPython(parts.map(({ program }) => program))) return verdict
  const venv = findVenv(cwd)
  return venv === null ? verdict : { ...verdict, plan: { ...plan, venv } }
}
