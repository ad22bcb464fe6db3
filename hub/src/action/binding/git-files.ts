import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

const hookNames =
  'pre-commit prepare-commit-msg commit-msg post-commit pre-merge-commit post-merge pre-rebase post-checkout post-rewrite pre-push pre-auto-gc applypatch-msg pre-applypatch post-applypatch reference-transaction post-index-change push-to-checkout fsmonitor-watchman sendemail-validate'.split(
    ' ',
  )

/** The content of a small text file, or null. */
type ReadText = (path: string) => Promise<string | null>

/**
 * The settings and hooks that git obeys in a directory, existing or not.
 *
 * @param words of the command: `-c core.hooksPath=` names other hooks
 */
export async function gitFilesAt(
  cwd: string,
  words: readonly string[],
  read: ReadText,
): Promise<string[]> {
  const found = await workTreeOf(cwd, read)
  if (found === null) return []
  const { top, gitDir } = found
  const common = resolve(gitDir, firstLine(await read(join(gitDir, 'commondir'))) ?? '.')
  const settings = [join(common, 'config'), join(gitDir, 'config.worktree')]
  const text = (await read(join(common, 'config'))) ?? ''
  const named = words.map((word) => /^core\.hookspath=(.+)$/i.exec(word)?.[1])
  const configured = /^\s*hookspath\s*=\s*"?([^"\n]+?)"?\s*$/im.exec(text)?.[1]
  const elsewhere = named.find((path) => path !== undefined) ?? configured
  const hooks = elsewhere === undefined ? join(common, 'hooks') : resolve(top, elsewhere)
  return [
    ...settings,
    join(common, 'info/attributes'),
    join(top, '.gitattributes'),
    join(top, '.gitmodules'),
    ...hookNames.map((name) => join(hooks, name)),
  ]
}

/** The git directory of a path: the nearest one above, as git finds it. */
async function workTreeOf(
  cwd: string,
  read: ReadText,
): Promise<{ top: string; gitDir: string } | null> {
  for (let top = cwd; ; top = dirname(top)) {
    const path = join(top, '.git')
    const found = await stat(path).catch(() => null)
    if (found?.isDirectory()) return { top, gitDir: path }
    if (found?.isFile()) {
      const named = /^gitdir:\s*(.+)$/.exec(firstLine(await read(path)) ?? '')?.[1]
      return named === undefined ? null : { top, gitDir: resolve(top, named) }
    }
    if (dirname(top) === top) return null
  }
}

function firstLine(text: string | null): string | undefined {
  return text?.split('\n', 1)[0]?.trim()
}
