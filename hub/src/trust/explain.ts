import type { Verdict } from '@centralpost/shared'
import { explainRisk } from '@centralpost/shared'

/** A verdict for people: each part with its level and rule, the reasons, the risk, and the plan. */
export function explainVerdict(verdict: Verdict): string {
  const lines = [
    `${verdict.level}${verdict.level === 'SAFE' ? '' : `  risk ${verdict.risk.level}`}`,
  ]
  lines.push('', 'parts:')
  for (const unit of verdict.units) {
    lines.push(`  ${unit.level.padEnd(7)} ${visible(unit.text)}`)
    lines.push(`          ${unit.rule}: ${visible(unit.reason)}`)
  }
  if (verdict.suggestion !== undefined) lines.push('', `instead: ${verdict.suggestion}`)
  if (verdict.risk.parts.length > 0) lines.push('', `risk: ${explainRisk(verdict.risk)}`)
  lines.push('', `would run: ${visible(planText(verdict))}`)
  if (verdict.plan.venv !== undefined)
    lines.push(`with the virtual environment ${visible(verdict.plan.venv)}`)
  return `${lines.join('\n')}\n`
}

function planText({ plan }: Verdict): string {
  return plan.kind === 'argv' ? JSON.stringify(plan.argv) : plan.script
}

const unprintable =
  // oxlint-disable-next-line no-control-regex -- what a terminal would obey is the target
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

/** Spells out control characters and invisible characters. */
function visible(text: string): string {
  return text.replaceAll(unprintable, (char) => `\\u{${char.codePointAt(0)?.toString(16) ?? ''}}`)
}
