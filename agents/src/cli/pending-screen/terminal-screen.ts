import { emitKeypressEvents, type Key as TypedKey } from 'node:readline'
import type { Key } from './keys.ts'
import type { Size } from './render.ts'

export const enter = [
  '\x1b[?1049h', // alternate screen: the previous content comes back at the end
  '\x1b[?25l', // hides the cursor
  '\x1b[?7l', // no auto-wrap: a row that is too wide must not push the others down
  '\x1b[?2004h', // bracketed paste: tells pasted text from typed text
  '\x1b[2J',
].join('')
/** The escape sequences that draw these rows, one per terminal row. */
export function frameOf(rows: readonly string[]): string {
  // the line is erased before it is written: erasing after a full line would remove its last
  // character
  const lines = rows.map((row) => `\x1b[0m\x1b[2K${row}`).join('\r\n')
  // synchronized output, where the terminal supports it
  return `\x1b[?2026h\x1b[H${lines}\x1b[0m\x1b[?2026l`
}

const leave = '\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[0m\x1b[?1049l'

/**
 * A full-screen terminal with single-key input. Restored however the process ends, except by
 * SIGKILL.
 */
export class TerminalScreen {
  readonly #press: (key: Key) => void
  readonly #redraw: () => void
  #pasted: string | undefined
  #isOpen = true

  /**
   * @param press called for every key; a paste is one key named `paste`
   * @param redraw called when the terminal's size has changed
   */
  constructor(press: (key: Key) => void, redraw: () => void) {
    this.#press = press
    this.#redraw = redraw
    process.on('exit', this.close)
    // restores the screen before a crash's stack is printed, which would be lost otherwise
    process.on('uncaughtExceptionMonitor', this.close)
    process.stdin.setRawMode(true)
    emitKeypressEvents(process.stdin)
    process.stdin.on('keypress', this.#typed)
    process.stdin.resume()
    process.stdout.on('resize', this.#redraw)
    process.stdout.write(enter)
  }

  get size(): Size {
    return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 }
  }

  /** Replaces the content with these rows. */
  draw(rows: readonly string[]): void {
    if (!this.#isOpen) return
    process.stdout.write(frameOf(rows))
  }

  /** Restores the terminal. Idempotent. */
  readonly close = (): void => {
    if (!this.#isOpen) return
    this.#isOpen = false
    process.off('exit', this.close)
    process.off('uncaughtExceptionMonitor', this.close)
    process.stdin.off('keypress', this.#typed)
    process.stdout.off('resize', this.#redraw)
    process.stdout.write(leave)
    process.stdin.setRawMode(false)
    process.stdin.pause()
  };

  [Symbol.dispose](): void {
    this.close()
  }

  readonly #typed = (text: string | undefined, typed: TypedKey): void => {
    if (typed.name === 'paste-start') this.#pasted = ''
    else if (typed.name === 'paste-end') {
      const pasted = this.#pasted ?? ''
      this.#pasted = undefined
      this.#press({ name: 'paste', text: pasted })
    } else if (this.#pasted !== undefined) this.#pasted += text ?? ''
    else this.#press(keyOf(text ?? '', typed))
  }
}

function keyOf(text: string, typed: TypedKey): Key {
  const { name, ctrl, meta } = typed
  if (ctrl) return { name: `ctrl-${name ?? ''}`, text: '' }
  if (name === 'enter') return { name: 'return', text: '' }
  // a letter is its own name, in either case; Alt makes it another key
  if (text.length === 1 && text >= ' ' && text !== '\x7f' && !meta) {
    return { name: text === ' ' ? 'space' : text, text }
  }
  const isTyped = text >= ' ' && !text.startsWith('\x1b') && text !== '\x7f'
  return { name: name ?? '', text: isTyped && !meta ? text : '' }
}
