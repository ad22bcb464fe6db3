import type { UnitVerdict, Verdict } from '@centralpost/shared'
import { plural } from '../text/format.ts'
import { Shown, ShownCommand } from '../text/shown.tsx'
import { LevelBadge } from './badges.tsx'

/**
 * The parts of a command, each with its level and rule. A single part equals the command and is not
 * repeated.
 */
export function JudgedParts({ units }: { readonly units: Verdict['units'] }) {
  if (units.length === 0) return null
  return (
    <ol class="parts" aria-label="Parts of the command">
      {units.map((unit) => (
        <li>
          <LevelBadge level={unit.level} />
          {units.length > 1 && <PartText unit={unit} />}
          <span class="muted">
            <Shown text={unit.reason} /> <span class="rule-id">{unit.rule}</span>
          </span>
        </li>
      ))}
    </ol>
  )
}

/** The first line of a part; the rest is in the command itself. */
function PartText({ unit: { text } }: { readonly unit: UnitVerdict }) {
  const [first = '', ...below] = text.split('\n')
  return (
    <>
      <ShownCommand command={first} />
      {below.length > 0 && <span class="muted">and {plural(below.length, 'line')} below it</span>}
    </>
  )
}
