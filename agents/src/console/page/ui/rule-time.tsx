const hours = [1, 8, 24, 168] as const

/** What is offered at first, in hours. */
export const usualRuleHours = 8

/** Asks for how long an always rule holds. */
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
