import type { Verdict } from '@centralpost/shared'
import { Shown, ShownCommand } from '../text/shown.tsx'
import { LevelBadge } from './badges.tsx'

/** Each part of a command with its own level, and the rule that gave it. */
export function JudgedParts({ units }: { readonly units: Verdict['units'] }) {
  if (units.length === 0) return null
  return (
    <ol class="parts" aria-label="Parts of the command">
      {units.map((unit) => (
        <li>
          <LevelBadge level={unit.level} />
          <ShownCommand command={unit.text} />
          <span class="muted">
            <Shown text={unit.reason} /> <span class="rule-id">{unit.rule}</span>
          </span>
        </li>
      ))}
    </ol>
  )
}
