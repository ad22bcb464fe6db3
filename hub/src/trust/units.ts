import type { TrustLevel, UnitVerdict } from '@centralpost/shared'
import type { Finding } from './findings.ts'
import { isStricter, strictestOf } from './findings.ts'

/** Parts of a command that are judged in full. */
export const mostUnits = 200

/** The judged parts of one command, each with the rule that decided it, and the strictest level of all. */
export class Units {
  readonly units: UnitVerdict[] = []
  level: TrustLevel = 'SAFE'

  /** Adds a verdict that no single command carries. */
  add(text: string, finding: Finding): void {
    if (this.isFull(finding.level)) return
    this.units.push({
      text,
      level: finding.level,
      rule: finding.rule,
      reason: finding.reason,
      ...(finding.suggestion !== undefined && { suggestion: finding.suggestion }),
    })
    if (isStricter(finding.level, this.level)) this.level = finding.level
  }

  /** Adds the strictest of what was found in one part, or the verdict where nothing is stricter. */
  settle(text: string, findings: readonly Finding[], verdict: Finding): void {
    this.add(text, strictestOf(findings, verdict))
  }

  /** Far past the cap only what is stricter than all before is kept. */
  isFull(level: TrustLevel): boolean {
    return this.units.length >= mostUnits * 2 && !isStricter(level, this.level)
  }
}
