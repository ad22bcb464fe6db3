import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('sqlite-pages.ts', import.meta.url))

/**
 * Reads raw pages of the database file in a separate process. This process must never open and close
 * a file that SQLite works on: closing any descriptor drops all its locks, and the next reader of the
 * database then takes its log for abandoned and deletes it.
 *
 * The reader exits after its answer, or when this process is gone.
 *
 * @param path of the database
 * @param pages the leaf pages of the event table
 * @returns the number of the first row with a value in place of its rowid; null without any
 * @throws {Error} when the file cannot be read
 */
export async function rowWithAddition(
  path: string,
  pages: readonly number[],
): Promise<number | null> {
  const args = ['--disable-warning=ExperimentalWarning', program, path]
  const child = spawn(process.execPath, args, { env: {}, stdio: ['pipe', 'pipe', 'pipe'] })
  // a reader that exits early explains on stderr
  child.stdin.on('error', () => {})
  // left open: it ends when this process does
  child.stdin.write(`${JSON.stringify(pages)}\n`)
  const [answer, complaint, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null, string | null]>,
  ])
  if (code !== 0) {
    throw new Error(`the pages of ${path} cannot be read (${code ?? signal}): ${complaint.trim()}`)
  }
  return JSON.parse(answer) as number | null
}
