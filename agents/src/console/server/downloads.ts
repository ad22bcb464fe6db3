import { randomBytes } from 'node:crypto'
import {
  agentIdSchema,
  actionIdSchema,
  CentralPostError,
  exportCallSchema,
  exportReplySchema,
  outputStreams,
} from '@centralpost/shared'
import { z } from 'zod'
import type { Operator } from '../../operator/operator.ts'

const ticketMs = 60_000
const mostTickets = 100

export const downloadSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('output'),
    agent_id: agentIdSchema,
    action_id: actionIdSchema,
    stream: z.enum(outputStreams),
  }),
  z.strictObject({ kind: z.literal('history'), call: exportCallSchema }),
])
export type Download = z.output<typeof downloadSchema>

/** A file streamed to the browser page by page, without buffering. */
export interface DownloadedFile {
  readonly name: string
  readonly type: string
  readonly parts: AsyncIterable<string>
}

/**
 * Downloads of files too large for a page's memory. A link cannot send the page's half of the
 * session. The page therefore fetches a ticket, which is valid for one download.
 */
export class Downloads {
  readonly #operator: Operator
  readonly #tickets = new Map<string, { readonly download: Download; readonly until: number }>()

  constructor(operator: Operator) {
    this.#operator = operator
  }

  ticketFor(download: Download): string {
    const ticket = randomBytes(24).toString('base64url')
    this.#tickets.set(ticket, { download, until: Date.now() + ticketMs })
    for (const [oldest, { until }] of this.#tickets) {
      if (this.#tickets.size <= mostTickets && until > Date.now()) break
      this.#tickets.delete(oldest)
    }
    return ticket
  }

  /** @throws {CentralPostError} `not_found` for an unknown, used or expired ticket */
  open(ticket: string): DownloadedFile {
    const bought = this.#tickets.get(ticket)
    this.#tickets.delete(ticket)
    if (bought === undefined || bought.until < Date.now()) {
      throw new CentralPostError(
        'not_found',
        'this download was used already or has expired: start it again',
      )
    }
    const { download } = bought
    if (download.kind === 'output') {
      const { action_id, stream } = download
      return {
        name: `${action_id}-${stream}.txt`,
        type: 'text/plain',
        parts: this.#output(download),
      }
    }
    const { format } = download.call
    const type = format === 'csv' ? 'text/csv' : 'application/jsonl'
    return { name: `history.${format}`, type, parts: this.#history(download.call) }
  }

  async *#output({
    agent_id,
    action_id,
    stream,
  }: Extract<Download, { kind: 'output' }>): AsyncGenerator<string> {
    for (let offset = 0; ;) {
      const query = { agent_id, stream, offset, limit: 262_144 }
      const page = await this.#operator.output(action_id, query)
      yield page.data
      if (page.eof || page.next_offset <= offset) return
      offset = page.next_offset
    }
  }

  async *#history(call: z.output<typeof exportCallSchema>): AsyncGenerator<string> {
    for (let after: number | null = call.after; after !== null;) {
      const page: z.infer<typeof exportReplySchema> = await this.#operator.ask(
        'export',
        { ...call, after },
        exportReplySchema,
        { timeoutMs: 60_000 },
      )
      yield page.text
      after = page.next
    }
  }
}
