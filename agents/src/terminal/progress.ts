import { duration } from './terminal.ts'

/** Who is quick needs no progress, in milliseconds. */
const patienceMs = 500
const stepMs = 250
const frames = ['|', '/', '-', '\\'] as const

/** Told how far it is, for what knows. */
export type Advance = (done: string) => void

/**
 * Does long work, and on a terminal says on stderr that it goes on: what it is, how far it is where it knows, and for how
 * long. A pipe gets nothing of it.
 *
 * @param what in a few words, made visible
 */
export async function withProgress<T>(
  what: string,
  work: (advance: Advance) => Promise<T>,
): Promise<T> {
  const { stderr } = process
  if (!stderr.isTTY) return work(() => {})
  const startedAt = Date.now()
  let done = ''
  let frame = 0
  const timer = setInterval(() => {
    const elapsed = Date.now() - startedAt
    if (elapsed < patienceMs) return
    frame += 1
    const mark = frames[frame % frames.length] ?? ''
    const far = done === '' ? '' : `, ${done}`
    stderr.write(`\r\x1b[K${mark} ${what}${far} (${duration(elapsed / 1000)})`)
  }, stepMs)
  try {
    return await work((now) => {
      done = now
    })
  } finally {
    clearInterval(timer)
    if (frame > 0) stderr.write('\r\x1b[K')
  }
}
