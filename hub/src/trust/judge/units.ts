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
    const { level, rule, reason, suggestion } = finding
    const unit = { text, level, rule, reason }
    this.units.push(suggestion === undefined ? unit : { ...unit, suggestion })
    if (isStricter(level, this.level)) this.level = level
  }

  /** Adds the strictest of what was found in one part, or the verdict where nothing is stricter. */
  settle(text: string, findings: readonly Finding[], verdict: Finding): void {
    this.add(text, strictestOf(findings, verdict))
  }

  /** Does something, and keeps of what it adds only what was not there: every turn of a loop is judged, and told once. */
  onceEach(work: () => void): void {
    const before = this.units.length
    work()
    const known = new Set(this.units.slice(0, before).map(keyOf))
    const added = this.units.splice(before).filter((unit) => !known.has(keyOf(unit)))
    this.units.push(...added)
  }

  /** Far past the cap only what is stricter than all before is kept. */
  isFull(level: TrustLevel): boolean {
    return this.units.length >= mostUnits * 2 && !isStricter(level, this.level)
  }
}

function keyOf({ text, level, rule }: UnitVerdict): string {
  return `${level} ${rule} ${text}`
}
