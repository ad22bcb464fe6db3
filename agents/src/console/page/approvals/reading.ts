import { signal } from '@preact/signals'

/** How far a command has been read: both ends must have been on the screen, uncovered. */
export interface ReadingProgress {
  readonly isRead: boolean
  /** the part below the visible area */
  readonly below: string | null
}

const unread: ReadingProgress = { isRead: false, below: null }
/** by the digest of the request: a changed request must be read again */
const readings = signal<ReadonlyMap<string, ReadingProgress>>(new Map())
const watched = new Map<HTMLElement, () => void>()

export const readingOf = (digest: string): ReadingProgress => readings.value.get(digest) ?? unread

/**
 * Tracks how much of a command has been shown, while its element exists.
 *
 * @param element contains the text to read; `data-read` marks its ends, and those of other required
 *   parts
 * @param digest of the request
 * @returns stops the tracking
 */
export function watchReading(element: HTMLElement, digest: string): () => void {
  const look = (): void => note(element, digest)
  const resized = new ResizeObserver(look)
  // first check, after layout
  resized.observe(element)
  watched.set(element, look)
  document.addEventListener('scroll', look, { capture: true, passive: true })
  addEventListener('resize', look)
  return () => {
    resized.disconnect()
    watched.delete(element)
    document.removeEventListener('scroll', look, { capture: true })
    removeEventListener('resize', look)
  }
}

/** Checks the visible area again, as before a decision. */
export function lookAgain(): void {
  for (const look of watched.values()) look()
}

/** Scrolls one page on to the first unread part: skipped text does not count as read. */
export function readOn(digest: string): void {
  const mark = [...document.querySelectorAll(`[data-read]:not([data-seen])`)].find(
    (one) => homeOf(one)?.dataset['digest'] === digest,
  )
  if (mark === undefined) return
  const { top, bottom } = mark.getBoundingClientRect()
  const boxes = boxesAround(mark)
  const outside = boxes.find((box) => {
    const inner = frameOf(box)
    return bottom > inner.bottom || top < inner.top
  })
  // inside every scroll box, so something covers it
  const box = outside ?? boxes.at(-1)
  if (box === undefined) return
  const page = Math.max(40, box.clientHeight - 80)
  box.scrollBy({ top: top < frameOf(box).top ? -page : outside ? page : 120, behavior: 'instant' })
  lookAgain()
}

const homeOf = (mark: Element): HTMLElement | null => mark.closest<HTMLElement>('[data-digest]')

/** The scrolling ancestors of an element, from the inside out. */
function boxesAround(element: Element): Element[] {
  const boxes: Element[] = []
  for (let box = element.parentElement; box !== null; box = box.parentElement) {
    const scrolls =
      box === document.documentElement || /auto|scroll/.test(getComputedStyle(box).overflowY)
    if (scrolls && box.scrollHeight > box.clientHeight + 1) boxes.push(box)
  }
  return boxes
}

function frameOf(box: Element): { readonly top: number; readonly bottom: number } {
  if (box === document.documentElement) return { top: 0, bottom: innerHeight }
  return box.getBoundingClientRect()
}

function note(element: HTMLElement, digest: string): void {
  for (const mark of element.querySelectorAll('[data-read]:not([data-seen])')) {
    if (isInView(mark)) mark.setAttribute('data-seen', '')
  }
  const wasRead = readingOf(digest).isRead
  const isRead = wasRead || element.querySelector('[data-read]:not([data-seen])') === null
  const below = belowOf(element)
  const before = readings.value.get(digest)
  if (before?.isRead === isRead && before.below === below) return
  readings.value = new Map(readings.value).set(digest, { isRead, below })
}

/** Whether a person can see this point: inside every scroll box, and uncovered. */
function isInView(mark: Element): boolean {
  const { left, top, bottom } = mark.getBoundingClientRect()
  const x = Math.min(Math.max(0, left - 1), innerWidth - 1)
  const there = document.elementFromPoint(x, (top + bottom) / 2)
  return there !== null && mark.closest('[data-read-box]')?.contains(there) === true
}

function belowOf(element: HTMLElement): string | null {
  const block = element.querySelector('.command-block')
  if (block === null || block.scrollHeight - block.clientHeight - block.scrollTop < 4) return null
  const { bottom } = block.getBoundingClientRect()
  const lines = [...block.querySelectorAll('.line')]
  const hidden = lines.filter((line) => line.getBoundingClientRect().bottom > bottom + 2).length
  if (lines.length < 2) return 'more of this line'
  return `${hidden} more ${hidden === 1 ? 'line' : 'lines'}`
}
