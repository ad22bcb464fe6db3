import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { Terminal as XTerm } from '@xterm/xterm'
import { render } from '#agents/cli/pending-screen/render.ts'
import { firstState, withPending } from '#agents/cli/pending-screen/screen-state.ts'
import { enter, frameOf } from '#agents/cli/pending-screen/terminal-screen.ts'
import { askedFor } from '../../../support/asked.ts'
import { eventually } from '../../../support/eventually.ts'
import { TempDir } from '../../../support/temp-dir.ts'

const { Terminal } = createRequire(import.meta.url)('@xterm/xterm') as {
  readonly Terminal: typeof XTerm
}

const digits = Array.from({ length: 60 }, (_, at) => String(at).padStart(4, '0')).join('_')
const heredoc = `cat > notes.py <<'EOF'\n${digits}\n    ${digits}\n\tx = 1\nEOF`
const commands: readonly (readonly [name: string, command: string])[] = [
  ['one long word', `touch /srv/${digits}`],
  ['words', `rm ${digits.replaceAll('_', ' ')}`],
  ['a here-document', heredoc],
  ['wide letters', `touch ${'漢字'.repeat(80)}x${'한글'.repeat(40)}`],
  ['letters that terminals draw wider than they are', `touch ${'नमस्ते'.repeat(60)}`],
  ['marks', `touch ${'e\u0301'.repeat(200)}`],
  ['signs and flags', `touch ${'👍🏽🇩🇪😀'.repeat(40)}end`],
  ['what is spelled out', `touch ${'\u202e\u200bab'.repeat(60)}`],
  ['full rows of every width', Array.from({ length: 84 }, (_, n) => '#'.repeat(n)).join(' ')],
]

const lettersOf = (text: string): string =>
  text.replaceAll(/\s+/g, '').replaceAll(/\\u\{[0-9a-f]+\}/g, '')

/** What a terminal shows after the rows were drawn on it, over what stood there before. */
async function shownOn(columns: number, rows: number, lines: readonly string[]): Promise<string[]> {
  const terminal = new Terminal({ cols: columns, rows, allowProposedApi: true })
  const old = Array.from({ length: rows }, () => '@'.repeat(columns))
  const write = (text: string): Promise<void> =>
    new Promise((resolve) => terminal.write(text, resolve))
  try {
    await write(enter + frameOf(old) + frameOf(lines))
    const { active } = terminal.buffer
    return Array.from({ length: rows }, (_, y) => active.getLine(y)?.translateToString(true) ?? '')
  } finally {
    terminal.dispose()
  }
}

describe.each([24, 41, 80, 100, 200])('on a terminal of %d columns', (columns) => {
  test.each(commands)('%s is on the screen to its last character', async (_, command) => {
    const state = withPending(firstState('alice'), [askedFor(command)], 0)
    const [asked] = state.pending
    if (asked === undefined) throw new Error('nothing waits')
    const rows = 600
    const full = { ...state, mode: { kind: 'full', asked, from: 0 } as const }
    const drawn = render(full, { columns, rows }, Date.now())
    expect(drawn.view.lastFrom).toBe(0)
    const shown = (await shownOn(columns, rows, drawn.rows)).join('\n')
    expect(shown).not.toContain('@')
    // the command from its label on, without numbers of lines and the blanks that rows are broken at
    const from = shown.lastIndexOf('\n', shown.search(/^command/m)) + 'command'.length + 1
    const letters = lettersOf(shown.slice(from).replaceAll(/^ *\d+│/gm, ''))
    for (const line of command.replaceAll(/[\u202e\u200b]/g, '').split('\n')) {
      expect(letters).toContain(lettersOf(line))
    }
  })
})

const onTmux = spawnSync('tmux', ['-V']).status === 0 ? describe : describe.skip

// unlike xterm, tmux keeps its cursor on the last column until the next character comes
onTmux('on tmux', () => {
  test.each([40, 100])('a full row of %d columns keeps its last one', async (columns) => {
    await using folder = await TempDir.make()
    const rows = 30
    const lines = Array.from({ length: rows }, (_, at) => `${`${at % 10}`.repeat(columns - 1)}Z`)
    writeFileSync(join(folder.path, 'frame'), enter + frameOf(lines))
    const tmux = (...args: string[]): string =>
      spawnSync('tmux', ['-u', '-S', join(folder.path, 's'), '-f', '/dev/null', ...args], {
        encoding: 'utf8',
      }).stdout
    const size = ['-x', String(columns), '-y', String(rows)]
    // its last line would be the status
    tmux('new-session', '-d', ...size, 'sleep 60', ';', 'set', '-g', 'status', 'off')
    try {
      tmux('respawn-window', '-k', `cat '${join(folder.path, 'frame')}'; exec sleep 60`)
      const shown = (): string[] => tmux('capture-pane', '-p').trimEnd().split('\n')
      await eventually(() => shown().length === rows)
      expect(shown()).toEqual(lines)
    } finally {
      tmux('kill-server')
    }
  })
})

test('lines of a command are numbered, and one alone is not', async () => {
  const state = withPending(firstState('alice'), [askedFor('ls\nrisk           low (0)')], 0)
  const lines = render(state, { columns: 80, rows: 30 }, Date.now()).rows
  const shown = await shownOn(80, 30, lines)
  expect(shown).toContain('command        1│ ls')
  expect(shown.filter((line) => line.startsWith('risk '))).toHaveLength(1)
})
