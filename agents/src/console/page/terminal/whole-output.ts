import type { ActionKey, OutputPiece } from '../../wire/feed-message.ts'
import { call } from '../api.ts'

const shownBytes = 512 * 1024
const pageBytes = 256 * 1024

interface Page {
  readonly data: string
  readonly offset: number
  readonly next_offset: number
  readonly total: number
  readonly eof: boolean
}

/** The stored output of an ended action: the end of each stream; the download has all of it. */
export async function readWholeOutput(
  key: ActionKey,
): Promise<{ readonly pieces: readonly OutputPiece[]; readonly leftOut: number }> {
  const pieces: OutputPiece[] = []
  let leftOut = 0
  for (const stream of ['stdout', 'stderr'] as const) {
    const ask = (offset: number, limit: number): Promise<Page> =>
      call<Page>('output', {
        action_id: key.action_id,
        agent_id: key.agent_id,
        stream,
        offset,
        limit,
      })
    try {
      const { total } = await ask(0, 1)
      let offset = Math.max(0, total - shownBytes)
      leftOut += offset
      while (offset < total) {
        const page = await ask(offset, pageBytes)
        pieces.push({ stream, data: page.data })
        if (page.eof || page.next_offset <= offset) break
        offset = page.next_offset
      }
    } catch {
      // no stored output, or the hub is away: the page shows that there is no output
    }
  }
  return { pieces, leftOut }
}
