import type { Durations } from '@centralpost/shared'
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { duration } from '../text/format.ts'

const width = 720
const height = 160

interface Column {
  readonly label: string
  readonly parts: readonly number[]
}

/**
 * Columns of stacked counts; hovering shows the numbers, and a table lists them for screen readers.
 */
export function StackedColumns({
  columns,
  names,
  end,
}: {
  /** each labelled with its start */
  readonly columns: readonly Column[]
  readonly names: readonly string[]
  /** the end of the last one */
  readonly end: string
}) {
  const [at, setAt] = useState<number | null>(null)
  const totals = columns.map(({ parts }) => parts.reduce((sum, part) => sum + part, 0))
  const top = roundUp(Math.max(1, ...totals))
  const step = width / Math.max(1, columns.length)
  const scale = height / top
  const pointed = at === null ? undefined : columns[at]
  return (
    <div class="chart">
      <p class="pointed" aria-hidden="true">
        {pointed === undefined ? (
          names.map((name) => <span class={`key ${name.toLowerCase()}`}>{name}</span>)
        ) : (
          <>
            {pointed.label}:{' '}
            {names.map((name, index) => (
              <span class={`key ${name.toLowerCase()}`}>
                {name} {pointed.parts[index]}
              </span>
            ))}
          </>
        )}
      </p>
      <div class="canvas">
        {[0.5, 1].map((share) => (
          <span key={share} class="tick" style={{ bottom: `${share * 100}%` }} aria-hidden="true">
            {top * share}
          </span>
        ))}
        <svg
          viewBox={`0 0 ${width} ${height}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`Counts by ${names.join(', ')}`}
        >
          {columns.map(({ parts, label }, index) => {
            let below = 0
            return (
              <g
                key={label + String(index)}
                onMouseEnter={() => setAt(index)}
                onMouseLeave={() => setAt(null)}
              >
                <rect class="hit" x={index * step} y="0" width={step} height={height} />
                {parts.map((part, which) => {
                  below += part
                  return part === 0 ? null : (
                    <rect
                      key={names[which]}
                      class={`bar ${names[which]?.toLowerCase() ?? ''}`}
                      x={index * step + step * 0.12}
                      y={height - below * scale}
                      width={step * 0.76}
                      height={Math.max(1, part * scale)}
                    />
                  )
                })}
              </g>
            )
          })}
        </svg>
      </div>
      <p class="ends" aria-hidden="true">
        <span>{columns[0]?.label}</span>
        <span>{end}</span>
      </p>
      <div class="unheard">
        <table>
          <caption>Counts over time</caption>
          <thead>
            <tr>
              <th scope="col">from</th>
              {names.map((name) => (
                <th scope="col">{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {columns
              .filter((_, index) => (totals[index] ?? 0) > 0)
              .map(({ label, parts }) => (
                <tr>
                  <th scope="row">{label}</th>
                  {parts.map((part) => (
                    <td>{part}</td>
                  ))}
                </tr>
              ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}

/** The next even number with a readable half. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [2, 4, 6, 8, 10, 20].find((one) => one * power >= value) ?? 20
  return step * power
}

/** Percentiles as bars on one scale, to show the long tail. */
export function DurationBars({ durations }: { readonly durations: Durations }) {
  const rows = [
    ['median', durations.p50],
    ['90 %', durations.p90],
    ['95 %', durations.p95],
    ['99 %', durations.p99],
    ['longest', durations.max],
  ] as const
  const longest = Math.max(0.001, durations.max ?? 0)
  return (
    <BarList
      kind="plain"
      bars={rows.map(([name, value]) => ({
        name,
        share: (value ?? 0) / longest,
        text: duration(value),
      }))}
    />
  )
}

export interface Bar {
  readonly name: ComponentChildren
  /** 0 to 1 */
  readonly share: number
  readonly text: string
}

export function BarList({
  bars,
  kind = 'safe',
}: {
  readonly bars: readonly Bar[]
  readonly kind?: 'safe' | 'blocked' | 'plain'
}) {
  return (
    <ul class={`bars ${kind}`}>
      {bars.map(({ name, share, text }) => (
        <li>
          <span class="bar-name">{name}</span>
          <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
            <rect class="track" width="100" height="8" />
            <rect class="fill" width={Math.max(0, Math.min(1, share)) * 100} height="8" />
          </svg>
          <span class="bar-text">{text}</span>
        </li>
      ))}
    </ul>
  )
}
