import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { ActionOutput } from '@centralpost/shared'
import type { Board, BoardListener } from './board.ts'
import { type ActionKey, type FeedMessage, keyOf, type OutputBytes } from '../wire/feed-message.ts'
import { OutputTail } from './output-tail.ts'

/**
 * Limit of the output in one message to a page; a page gets messages no faster than it draws them.
 */
const outputPerMessage = 48 * 1024
const betweenMessagesMs = 40
const betweenProgressMs = 500
/** A page this far behind restarts from the current state. */
const mostWaiting = 4_000
const mostTogether = 100

/**
 * The messages queued for one page. State messages keep their order. Output goes into a bounded
 * tail, for the shown action only. A flood thus costs a fixed amount of memory and delays no
 * approval.
 */
export class ClientFeed implements BoardListener {
  readonly id: string = randomUUID()
  readonly #board: Board
  readonly #stopListening: () => void
  #waiting: FeedMessage[] = []
  #progress = new Map<string, ActionKey & { readonly bytes: OutputBytes }>()
  #progressAt = 0
  #watched: ActionKey | null = null
  #begins = false
  #output = new OutputTail()
  #wake: (() => void) | undefined
  #isClosed = false

  /** @param first the first message, given the feed's id */
  constructor(board: Board, first: (id: string) => FeedMessage) {
    this.#board = board
    this.#waiting = [first(this.id), ...board.snapshot()]
    this.#stopListening = board.listen(this)
  }

  tell(message: FeedMessage): void {
    this.#waiting.push(message)
    if (this.#waiting.length > mostWaiting) this.#waiting = this.#board.snapshot()
    this.#wake?.()
  }

  output(key: ActionKey, chunk: ActionOutput): void {
    const action = this.#board.runningOf(key)
    if (action) {
      const { agent_id, action_id, bytes } = action
      this.#progress.set(keyOf(key), { agent_id, action_id, bytes })
    }
    if (this.#watched !== null && keyOf(this.#watched) === keyOf(key)) {
      this.#output.push(chunk.stream, chunk.data, chunk.skipped_bytes ?? 0)
    }
    this.#wake?.()
  }

  /** Switches to the output of this action, starting with its buffered end; null: no output. */
  watch(key: ActionKey | null): void {
    this.#watched = key
    this.#output = new OutputTail()
    this.#begins = key !== null
    if (key === null) return
    const { pieces, leftOut } = this.#board.outputOf(key)
    this.#output.push('stdout', '', leftOut)
    for (const piece of pieces) this.#output.push(piece.stream, piece.data, 0)
    this.#wake?.()
  }

  /** Waits for the next messages, one JSON value per line. Undefined when the feed is closed. */
  async next(): Promise<string | undefined> {
    for (;;) {
      if (this.#isClosed) return undefined
      const messages = this.#takeMessages()
      if (messages.length > 0) {
        // messages that arrive while the page draws go out together
        await delay(betweenMessagesMs)
        return `${messages.map((message) => JSON.stringify(message)).join('\n')}\n`
      }
      await this.#until()
    }
  }

  close(): void {
    this.#isClosed = true
    this.#stopListening()
    this.#wake?.()
  }

  #takeMessages(): FeedMessage[] {
    const messages = this.#waiting.splice(0, mostTogether)
    const now = performance.now()
    if (this.#progress.size > 0 && now - this.#progressAt >= betweenProgressMs) {
      messages.push({ type: 'progress', actions: [...this.#progress.values()] })
      this.#progress.clear()
      this.#progressAt = now
    }
    if (this.#watched !== null && (this.#begins || !this.#output.isEmpty)) {
      const { pieces, leftOut } = this.#output.take(outputPerMessage)
      const begin = this.#begins
      this.#begins = false
      messages.push({ type: 'output', key: this.#watched, begin, pieces, left_out: leftOut })
    }
    return messages
  }

  /** Waits for messages, or until progress may be sent. */
  #until(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#progress.size > 0 ? setTimeout(resolve, betweenProgressMs) : undefined
    this.#wake = resolve
    return promise.finally(() => {
      clearTimeout(timer)
      this.#wake = undefined
    })
  }
}
