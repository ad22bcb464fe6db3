import { type Verdict, shortenCounted } from '@centralpost/shared'

const mostUnits = 100

const longestUnit = 300

/**
 * A verdict that fits into messages: long parts are cut with a mark. The plan, which runs, is
 * complete.
 */
export function boundedVerdict(verdict: Verdict): Verdict {
  const units = verdict.units.slice(0, mostUnits).map((unit) => ({
    ...unit,
    text: shortenCounted(unit.text, longestUnit),
    reason: shortenCounted(unit.reason, longestUnit),
  }))
  const left = verdict.units.length - units.length
  if (left > 0) {
    const text = `… and ${left} more parts`
    units.push({
      text,
      level: verdict.level,
      rule: 'cut',
      reason: 'too many parts to show',
    })
  }
  return {
    ...verdict,
    units,
    reasons: verdict.reasons.map((reason) => shortenCounted(reason, longestUnit)),
  }
}
