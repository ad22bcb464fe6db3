const hours = [1, 8, 24, 168] as const

/** The default choices, in hours. */
export const usualRuleHours = 8

/** Asks for the lifetime of an always rule. */
export function RuleTime({
  forHours,
  choose,
}: {
  readonly forHours: number
  readonly choose: (hours: number) => void
}) {
  return (
    <label class="field">
      how long
      <select
        value={String(forHours)}
        onChange={(event) => choose(Number(event.currentTarget.value))}
      >
        {hours.map((count) => (
          <option value={String(count)}>{named(count)}</option>
        ))}
      </select>
    </label>
  )
}

function named(count: number): string {
  if (count < 24) return count === 1 ? '1 hour' : `${count} hours`
  return count === 24 ? '1 day' : `${count / 24} days`
}
