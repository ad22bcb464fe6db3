import type { CommandPattern, CommandPatternStats } from '@centralpost/shared'
import { useState } from 'preact/hooks'
import { duration, moment, percent, plural } from '../text/format.ts'
import { Shown, ShownCommand } from '../text/shown.tsx'
import { Asked } from '../ui/asked.tsx'

interface Answer {
  readonly patterns: readonly CommandPattern[]
  readonly commands: readonly CommandPatternStats[]
}
const lists = [
  ['patterns', 'sequences that work'],
  ['successes', 'commands that work'],
  ['failures', 'commands that fail'],
] as const
type List = (typeof lists)[number][0]

export function Patterns() {
  const [list, setList] = useState<List>('patterns')
  const [mined, setMined] = useState(0)
  return (
    <>
      <div class="row">
        <fieldset class="streams">
          <legend class="unheard">Which commands</legend>
          {lists.map(([name, text]) => (
            <label key={name}>
              <input
                type="radio"
                name="list"
                checked={list === name}
                onChange={() => setList(name)}
              />
              {text}
            </label>
          ))}
        </fieldset>
        {list === 'patterns' && (
          <button type="button" onClick={() => setMined((count) => count + 1)}>
            Mine for patterns now
          </button>
        )}
      </div>
      <Asked<Answer>
        key={list}
        endpoint="patterns"
        body={{ list, ...(list === 'patterns' && mined > 0 && { mine: true }) }}
        again={mined}
      >
        {({ patterns, commands }) =>
          list === 'patterns' ? (
            <Sequences patterns={patterns} />
          ) : (
            <Commands commands={commands} list={list} />
          )
        }
      </Asked>
    </>
  )
}

function Sequences({ patterns }: { readonly patterns: readonly CommandPattern[] }) {
  if (patterns.length === 0) {
    return (
      <p class="notice">
        No patterns yet. A pattern appears when agents have succeeded with the same steps in several
        workflows.
      </p>
    )
  }
  return (
    <ul class="slips">
      {patterns.map((pattern) => (
        <li key={pattern.pattern_id}>
          <h2>
            <Shown text={pattern.pattern_name} /> <span class="badge">{pattern.task_category}</span>
          </h2>
          <ol class="steps">
            {pattern.command_sequence.map((command) => (
              <li>
                <ShownCommand command={command} />
              </li>
            ))}
          </ol>
          <p class="muted">
            {plural(pattern.usage_count, 'use')}, {percent(pattern.success_rate)} with success,{' '}
            {duration(pattern.avg_duration)} on average; seen in{' '}
            {plural(pattern.support, 'workflow')}.
          </p>
        </li>
      ))}
    </ul>
  )
}

function Commands({
  commands,
  list,
}: {
  readonly commands: readonly CommandPatternStats[]
  readonly list: List
}) {
  if (commands.length === 0) {
    return (
      <p class="notice">
        {list === 'successes'
          ? 'No command has run often enough to be listed.'
          : 'No command has failed often enough to be listed.'}
      </p>
    )
  }
  return (
    <ul class="slips">
      {commands.map((one) => (
        <li key={one.command}>
          <ShownCommand command={one.example.slice(0, 300)} />
          <p class="muted">
            {plural(one.uses, 'use')}, {percent(one.success_rate)} with success,{' '}
            {duration(one.avg_duration)} on average, last {moment(one.last_execution)}
          </p>
          {one.last_error !== null && list === 'failures' && (
            <p class="bad mono">
              <Shown text={one.last_error.slice(0, 300)} />
            </p>
          )}
          {one.fixed_by.length > 0 && (
            <p>
              fixed by{' '}
              {one.fixed_by.map(({ command, times }) => (
                <>
                  <ShownCommand command={command.slice(0, 200)} /> ({plural(times, 'time')}){' '}
                </>
              ))}
            </p>
          )}
        </li>
      ))}
    </ul>
  )
}
