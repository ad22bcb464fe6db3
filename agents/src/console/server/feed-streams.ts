import { isoOf } from '@centralpost/shared'
import type { Context } from 'hono'
import { ClientFeed } from './client-feed.ts'
import type { ActionKey } from '../wire/feed-message.ts'
import type { ConsoleEnv } from './guard.ts'
import type { Session } from './sessions.ts'
import type { RouteParts } from './route-parts.ts'

/** Limit of open pages; the oldest is closed for a new one. */
const mostStreams = 24

/** The event streams of pages. A page reads at the speed it draws: nothing is pushed. */
export class FeedStreams {
  readonly #parts: RouteParts
  readonly #feeds = new Map<string, ClientFeed>()

  constructor(parts: RouteParts) {
    this.#parts = parts
  }

  open(c: Context<ConsoleEnv>): Response {
    const { operator, agent, board } = this.#parts
    const session = c.get('session')
    const feed = new ClientFeed(board, (id) => ({
      type: 'hello',
      feed: id,
      operator: operator.name,
      agent: agent?.name ?? null,
      expires_at: isoOf(session.expires_at),
    }))
    this.#feeds.set(feed.id, feed)
    for (const [id, oldest] of this.#feeds) {
      if (this.#feeds.size <= mostStreams) break
      this.#feeds.delete(id)
      oldest.close()
    }
    const encoder = new TextEncoder()
    const close = (): void => {
      this.#feeds.delete(feed.id)
      feed.close()
    }
    const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        pull: async (controller) => {
          const lines = await this.#nextFor(feed, session)
          if (lines === undefined) {
            close()
            controller.close()
          } else controller.enqueue(encoder.encode(lines))
        },
        cancel: close,
      },
      { highWaterMark: 0 },
    )
    c.header('content-type', 'application/x-ndjson; charset=utf-8')
    // a buffering proxy would delay approvals
    c.header('x-accel-buffering', 'no')
    return c.body(stream)
  }

  /**
   * Shows a page the output of another action. A page whose stream has ended opens a new one and
   * repeats its choice.
   */
  watch(id: string, action: ActionKey | null): void {
    this.#feeds.get(id)?.watch(action)
  }

  closeAll(): void {
    for (const feed of this.#feeds.values()) feed.close()
    this.#feeds.clear()
  }

  async #nextFor(feed: ClientFeed, session: Session): Promise<string | undefined> {
    const lines = await feed.next()
    if (lines === undefined || this.#parts.sessions.isAlive(session)) return lines
    feed.close()
    return `${JSON.stringify({ type: 'signed-out' })}\n`
  }
}
