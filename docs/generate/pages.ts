import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { configurationPage } from './configuration.ts'
import { protocolPage } from './protocol.ts'

const folder = join(import.meta.dirname, '..')
const formatter = join(folder, '../node_modules/.bin/oxfmt')

/** Every generated page by its path, formatted as the linter wants it. */
export async function generatedPages(): Promise<Record<string, string>> {
  const pages = { 'protocol.md': protocolPage(), 'configuration.md': configurationPage() }
  const written = await Promise.all(
    Object.entries(pages).map(async ([name, text]) => [
      join(folder, name),
      await format(name, text),
    ]),
  )
  return Object.fromEntries(written) as Record<string, string>
}

async function format(name: string, text: string): Promise<string> {
  const running = promisify(execFile)(formatter, ['--stdin-filepath', name], {
    cwd: join(folder, '..'),
  })
  running.child.stdin?.end(text)
  return (await running).stdout
}
