import '@xterm/xterm/css/xterm.css'
import { FitAddon } from '@xterm/addon-fit'
import { SearchAddon } from '@xterm/addon-search'
import { Terminal } from '@xterm/xterm'
import type { OutputPiece } from '../../wire/feed-message.ts'
import { harmless } from './harmless.ts'

/** Limit of output handed to the terminal and not drawn, in characters; reading pauses above it. */
const mostUndrawn = 192 * 1024
const dark = matchMedia('(prefers-color-scheme: dark)')

export type StreamChoice = 'both' | 'stdout' | 'stderr'

/** A read-only terminal: output can use colours and move the cursor, and do nothing else. */
export class Screen {
  readonly #terminal: Terminal
  readonly #fit = new FitAddon()
  readonly #search = new SearchAddon()
  readonly #watch: ResizeObserver
  #undrawn = 0
  #drawn: (() => void) | undefined
  #lineIsOpen = false

  constructor(place: HTMLElement) {
    this.#terminal = new Terminal({
      allowProposedApi: true,
      convertEol: true,
      disableStdin: true,
      cursorBlink: false,
      cursorInactiveStyle: 'none',
      fontFamily: "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
      fontSize: 13,
      lineHeight: 1.25,
      scrollback: 10_000,
      minimumContrastRatio: 4.5,
      screenReaderMode: false,
      theme: colours(),
      // links in output must not navigate
      linkHandler: { activate: () => {}, allowNonHttpProtocols: false },
    })
    this.#terminal.loadAddon(this.#fit)
    this.#terminal.loadAddon(this.#search)
    silence(this.#terminal)
    this.#terminal.open(place)
    this.#fit.fit()
    this.#watch = new ResizeObserver(() => this.#fit.fit())
    this.#watch.observe(place)
  }

  /** Draws output. Resolves when the terminal is ready for more. */
  async write(pieces: readonly OutputPiece[], leftOut: number): Promise<void> {
    if (leftOut > 0)
      this.#note(`… ${leftOut.toLocaleString()} bytes are omitted here; the download has them …`)
    for (const { stream, data } of pieces) {
      const text = harmless(data)
      this.#put(stream === 'stderr' ? tinted(text) : text)
      this.#lineIsOpen = !data.endsWith('\n')
    }
    if (this.#undrawn <= mostUndrawn) return
    await new Promise<void>((resolve) => {
      this.#drawn = resolve
    })
  }

  /** A line of the console itself. */
  #note(text: string): void {
    this.#put(`${this.#lineIsOpen ? '\n' : ''}\u001b[0m\u001b[2;3m${text}\u001b[0m\n`)
    this.#lineIsOpen = false
  }

  clear(): void {
    this.#terminal.reset()
    this.#lineIsOpen = false
  }

  setFollows(follows: boolean): void {
    if (follows) this.#terminal.scrollToBottom()
  }

  get isAtEnd(): boolean {
    const { viewportY, baseY } = this.#terminal.buffer.active
    return viewportY >= baseY
  }

  onScroll(listener: () => void): void {
    this.#terminal.onScroll(listener)
  }

  find(text: string, way: 'next' | 'previous'): boolean {
    const options = { incremental: way === 'next', caseSensitive: false }
    return way === 'next'
      ? this.#search.findNext(text, options)
      : this.#search.findPrevious(text, options)
  }

  /** The selection, or all buffered output. */
  text(): string {
    const marked = this.#terminal.getSelection()
    if (marked !== '') return marked
    const buffer = this.#terminal.buffer.active
    const lines: string[] = []
    for (let at = 0; at < buffer.length; at += 1) {
      const line = buffer.getLine(at)
      const text = line?.translateToString(true) ?? ''
      if (line?.isWrapped) lines.push((lines.pop() ?? '') + text)
      else lines.push(text)
    }
    return lines.join('\n').trimEnd()
  }

  close(): void {
    this.#watch.disconnect()
    this.#drawn?.()
    this.#terminal.dispose()
  }

  #put(text: string): void {
    this.#undrawn += text.length
    this.#terminal.write(text, () => {
      this.#undrawn -= text.length
      if (this.#undrawn > mostUndrawn / 2) return
      this.#drawn?.()
      this.#drawn = undefined
    })
  }
}

/** Ignores control sequences beyond drawing: titles, links, clipboard, palette changes, queries. */
function silence({ parser }: Terminal): void {
  for (const code of [
    0, 1, 2, 4, 7, 8, 9, 10, 11, 12, 52, 104, 110, 111, 112, 133, 633, 777, 1337,
  ]) {
    parser.registerOscHandler(code, () => true)
  }
  for (const final of ['c', 'n', 't', 'x', 'q']) parser.registerCsiHandler({ final }, () => true)
  parser.registerCsiHandler({ prefix: '>', final: 'c' }, () => true)
  // an alternate screen would hide earlier output, and the mouse belongs to the page; only wrapping
  // may change
  for (const final of ['h', 'l']) {
    parser.registerCsiHandler({ prefix: '?', final }, (modes) => !modes.every((mode) => mode === 7))
  }
  parser.registerCsiHandler({ prefix: '?', final: 'n' }, () => true)
  parser.registerDcsHandler({ intermediates: '$', final: 'q' }, () => true)
}

/** Standard error keeps its own colours and is red elsewhere. */
function tinted(text: string): string {
  // eslint-disable-next-line no-control-regex -- it is the escape that is looked for
  return `\u001b[31m${text.replace(/\u001b\[0?m/g, '\u001b[0;31m')}\u001b[0m`
}

const nonce = document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')?.content ?? ''
const createElement = document.createElement.bind(document)

/**
 * The page's policy refuses style elements without the nonce, and style attributes. Styles set
 * through the object model are allowed, since a script that may run may style. The terminal creates
 * its elements with this function; the page itself creates none.
 */
function createAllowed(tag: string, options?: ElementCreationOptions): HTMLElement {
  const element = createElement(tag, options)
  if (tag === 'style') element.nonce = nonce
  return tag === 'span' ? styledThroughModel(element) : element
}
Object.defineProperty(document, 'createElement', { configurable: true, value: createAllowed })

/** The terminal sets colours beyond the first 256 as attributes, also on copies of an element. */
function styledThroughModel(element: HTMLElement): HTMLElement {
  element.setAttribute = (name: string, value: string) => {
    if (name === 'style') element.style.cssText = value
    else Element.prototype.setAttribute.call(element, name, value)
  }
  // the policy refuses a copied style attribute too; the terminal copies elements without children
  element.cloneNode = () => {
    const copy = createAllowed('span')
    copy.className = element.className
    copy.style.cssText = element.style.cssText
    return copy
  }
  return element
}

function colours() {
  const chosen = document.documentElement.dataset['theme']
  const isDark = chosen === 'dark' || (chosen !== 'light' && dark.matches)
  return isDark
    ? {
        background: '#101417',
        foreground: '#e8e4da',
        selectionBackground: '#3c5a78',
        red: '#ff8f85',
        green: '#7fd1a6',
        yellow: '#e8bf72',
        blue: '#8fb9ea',
      }
    : {
        background: '#fffdf8',
        foreground: '#1d2327',
        selectionBackground: '#bcd3ea',
        red: '#b3261e',
        green: '#1c6e45',
        yellow: '#7d5600',
        blue: '#23558a',
        white: '#5b5f63',
        brightWhite: '#1d2327',
      }
}
