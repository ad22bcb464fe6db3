import type { ApprovalNeeded } from '@centralpost/shared'
import { readableCommand } from '@centralpost/shared/command-lines'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { CommandLines, Shown, spansOf } from '../text/shown.tsx'
import { readingOf, readOn, watchReading } from './reading.ts'

/**
 * The command with its directory and environment: all of it must have been on the screen before
 * approval.
 */
export function WhatRuns({ asked }: { readonly asked: ApprovalNeeded }) {
  const home = useRef<HTMLDivElement>(null)
  const { command, digest } = asked
  const { units } = asked.verdict
  const readable = useMemo(() => readableCommand(command), [command])
  const spans = useMemo(() => spansOf(command, units), [command, units])
  useEffect(
    () => (home.current === null ? undefined : watchReading(home.current, digest)),
    [digest],
  )
  const { below } = readingOf(digest)
  const env = Object.entries(asked.env)
  return (
    <div class="what-runs" data-digest={digest} ref={home}>
      {readable.alarm !== null && (
        <p class="alarm" role="note">
          {readable.alarm}
        </p>
      )}
      <div class={below === null ? 'reading' : 'reading goes-on'}>
        <pre class="command-block" tabIndex={0} aria-label="The command" data-read-box>
          <CommandLines command={readable} spans={spans} />
        </pre>
        {below !== null && (
          <button type="button" class="below quiet" onClick={() => scrollOn(home.current, digest)}>
            {below} ↓
          </button>
        )}
      </div>
      <p class="where">
        <span class="muted">in</span>{' '}
        <code>
          <Shown text={asked.cwd} />
        </code>
      </p>
      {env.length > 0 && (
        <p class="where with" data-read-box>
          <span class="muted">with</span>{' '}
          {env.map(([name, value]) => (
            <code class="mono">
              <Shown text={`${name}=${value}`} />{' '}
            </code>
          ))}
          <span data-read="environment" />
        </p>
      )}
    </div>
  )
}

function scrollOn(home: HTMLElement | null, digest: string): void {
  const block = home?.querySelector('.command-block')
  if (block == null) return
  if (readingOf(digest).isRead) block.scrollBy({ top: block.clientHeight - 60 })
  else readOn(digest)
}
