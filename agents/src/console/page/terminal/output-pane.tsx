import { useEffect, useRef, useState } from 'preact/hooks'
import type { EndedAction, OutputPiece, RunningAction } from '../../wire/feed-message.ts'
import { watchOutput } from '../feed.ts'
import { Shown } from '../text/shown.tsx'
import { toast } from '../ui/toasts.tsx'
import { KeptOutput } from './kept-output.ts'
import type { Screen, StreamChoice } from './screen.ts'
import { readWholeOutput } from './whole-output.ts'

const choices: readonly (readonly [StreamChoice, string])[] = [
  ['both', 'both'],
  ['stdout', 'stdout'],
  ['stderr', 'stderr'],
]

/** The output of one action, live: follow, pause, search, copy. */
export function OutputPane({
  action,
  isRunning,
}: {
  readonly action: RunningAction | EndedAction
  readonly isRunning: boolean
}) {
  const place = useRef<HTMLDivElement>(null)
  const screen = useRef<Screen | null>(null)
  const kept = useRef(new KeptOutput())
  const [stream, setStream] = useState<StreamChoice>('both')
  const streamNow = useRef<StreamChoice>('both')
  const [isPaused, setPaused] = useState(false)
  const paused = useRef(false)
  const [isPlain, setPlain] = useState(false)
  const [words, setWords] = useState('')
  const [isFound, setFound] = useState(true)
  const [hasOutput, setHasOutput] = useState(false)
  const { agent_id, action_id } = action

  useEffect(() => {
    const held = kept.current
    let isOver = false
    const begun = import('./screen.ts').then(({ Screen: Made }) => {
      if (isOver || place.current === null) return null
      screen.current = new Made(place.current)
      return screen.current
    })
    const take = async (pieces: readonly OutputPiece[], leftOut: number): Promise<void> => {
      held.push(pieces, leftOut)
      if (pieces.length > 0 || leftOut > 0) setHasOutput(true)
      if (paused.current) return
      const made = await begun
      const { pieces: fresh, leftOut: missing } = held.takeFresh(streamNow.current)
      await made?.write(fresh, missing)
    }
    watchOutput({ agent_id, action_id }, async (message) => {
      if (message.begin) {
        held.clear()
        screen.current?.clear()
        // the action ended before this console could follow it: the hub has kept its output
        if (message.pieces.length === 0 && !isRunning) {
          const whole = await readWholeOutput({ agent_id, action_id })
          await take(whole.pieces, whole.leftOut)
          return
        }
      }
      await take(message.pieces, message.left_out)
    })
    return () => {
      isOver = true
      watchOutput(null, null)
      screen.current?.close()
      screen.current = null
    }
    // checked only once, at the start
  }, [agent_id, action_id])

  const redraw = (choice: StreamChoice): void => {
    streamNow.current = choice
    setStream(choice)
    screen.current?.clear()
    kept.current.rewind()
    const { pieces, leftOut } = kept.current.takeFresh(choice)
    void screen.current?.write(pieces, leftOut)
  }
  const pause = (wanted: boolean): void => {
    paused.current = wanted
    setPaused(wanted)
    if (wanted) return
    const { pieces, leftOut } = kept.current.takeFresh(streamNow.current)
    void screen.current?.write(pieces, leftOut)
    screen.current?.setFollows(true)
  }
  const copy = async (): Promise<void> => {
    const text = isPlain ? kept.current.text(stream) : (screen.current?.text() ?? '')
    try {
      await navigator.clipboard.writeText(text)
      toast('note', `Copied ${text.length.toLocaleString()} characters.`)
    } catch {
      toast('bad', 'This browser does not let the page copy; select the text and copy it yourself.')
    }
  }
  const find = (way: 'next' | 'previous', text = words): void => {
    if (text !== '') setFound(screen.current?.find(text, way) ?? false)
  }
  return (
    <div class="output-pane">
      <div class="output-tools" role="toolbar" aria-label="Output">
        <button type="button" aria-pressed={isPaused} onClick={() => pause(!isPaused)}>
          {isPaused ? 'Follow' : 'Pause'}
        </button>
        <fieldset class="streams">
          <legend class="unheard">Streams</legend>
          {choices.map(([value, text]) => (
            <label key={value} class={value}>
              <input
                type="radio"
                name="stream"
                checked={stream === value}
                onChange={() => redraw(value)}
              />
              {text}
            </label>
          ))}
        </fieldset>
        <input
          type="search"
          aria-label="Find in the output"
          placeholder="Find in the output"
          value={words}
          class={isFound ? undefined : 'not-found'}
          onInput={(event) => {
            setWords(event.currentTarget.value)
            find('next', event.currentTarget.value)
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') find(event.shiftKey ? 'previous' : 'next')
            if (event.key === 'Escape') event.currentTarget.blur()
          }}
        />
        <button
          type="button"
          aria-pressed={isPlain}
          title="Show every character, including those that a terminal hides or obeys"
          onClick={() => setPlain(!isPlain)}
        >
          Every character
        </button>
        <button type="button" onClick={() => void copy()}>
          Copy
        </button>
      </div>
      <div class="screen-frame">
        <div
          class="screen"
          ref={place}
          hidden={isPlain}
          role="region"
          aria-label={`Output of ${action.command.slice(0, 80)}`}
        />
        {isPlain && (
          <pre class="plain-output" tabIndex={0}>
            <Shown text={kept.current.text(stream).slice(-40_000)} lines />
          </pre>
        )}
        {!hasOutput && (
          <p class="no-output muted">{isRunning ? 'Nothing printed yet.' : 'No output.'}</p>
        )}
      </div>
    </div>
  )
}
