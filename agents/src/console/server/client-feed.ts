import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { ActionOutput } from '@centralpost/shared'
import type { Board, BoardListener } from './board.ts'
import { type ActionKey, type FeedMessage, keyOf, type OutputBytes } from '../wire/feed-message.ts'
import { OutputTail } from './output-tail.ts'

/** A page draws so much output at most with each message, and gets messages no faster than it draws. */
const outputPerMessage = 48 * 1024
const betweenMessagesMs = 40
const betweenProgressMs = 500
/** A page that is so far behind begins anew from what there is now. */
const mostWaiting = 4_000
const mostTogether = 100

/**
 * What one page has yet to be told. Messages that count wait in order; output waits in a bounded tail and only of the action
 * that the page shows, so that a flood costs this process and the page a fixed amount, and delays no approval.
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

  /** @param first what to say before anything else, given the feed's id */
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

  /** Shows the output of this action from now on, beginning with what is kept of it; of none when null. */
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

  /** The next messages, a JSON value a line; waits for them. Undefined when the feed is closed. */
  async next(): Promise<string | undefined> {
    for (;;) {
      if (this.#isClosed) return undefined
      const messages = this.#takeMessages()
      if (messages.length > 0) {
        // what comes while the page draws is told together
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

  /** Waits for news, or until progress may be told. */
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
