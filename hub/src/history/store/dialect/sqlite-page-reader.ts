import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('sqlite-pages.ts', import.meta.url))

/**
 * Has a process of its own look at pages as they lie in the file. This process must never open and close a file that
 * SQLite works on: the kernel drops all locks that a process has on a file when it closes any descriptor of it, and the
 * next program that reads the database then takes its log for abandoned and deletes it.
 *
 * It ends when it has answered, or when this process has gone.
 *
 * @param path of the database
 * @param pages the leaf pages of the table of events
 * @returns the number of the first row that has something in place of its number; null: there is none
 * @throws {Error} when the file cannot be read
 */
export async function rowWithAddition(
  path: string,
  pages: readonly number[],
): Promise<number | null> {
  const args = ['--disable-warning=ExperimentalWarning', program, path]
  const child = spawn(process.execPath, args, { env: {}, stdio: ['pipe', 'pipe', 'pipe'] })
  // one that ends early says why on stderr
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
