import { duration } from './terminal.ts'

/** A short task shows no progress, in milliseconds. */
const patienceMs = 500
const stepMs = 250
const frames = ['|', '/', '-', '\\'] as const

/** Reports progress, if known. */
export type Advance = (done: string) => void

/**
 * Runs a long task and shows on stderr, if it is a terminal, its name, progress and elapsed time.
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
