import { describe, expect, test } from '@jest/globals'
import { numberedLines, readableCommand } from '@centralpost/shared'

const shown = (command: string): string => numberedLines(readableCommand(command)).join('\n')
const alarm = (command: string): string | null => readableCommand(command).alarm

const heredoc = `cat > src/config.py <<'EOF'
import os

def main():
    if os.name:
\t\treturn 1        # aligned
EOF`

describe('a command of several lines', () => {
  test('is read line by line, and nothing about it is alarming', () => {
    expect(alarm(heredoc)).toBeNull()
    expect(shown(heredoc).split('\n')).toEqual([
      "1│ cat > src/config.py <<'EOF'",
      '2│ import os',
      '3│ ',
      '4│ def main():',
      '5│     if os.name:',
      '6│                 return 1 ⟨8 spaces⟩ # aligned',
      '7│ EOF',
    ])
  })

  test('a real alarm is counted, with its line', () => {
    const command = heredoc.replace('return 1', 'return \u202e1')
    expect(alarm(command)).toBe('1 hidden character: U+202E at line 6')
    expect(shown(command)).toContain(String.raw`return \u{202e}1`)
  })

  test('no line of it looks like a line of what describes it', () => {
    expect(shown('ls\nrisk           low (0)').split('\n')[1]).toMatch(/^2│ risk/)
  })
})

describe('a letter that passes for another', () => {
  test('is spelled out in a Latin word, and the alarm counts it', () => {
    expect(shown('g\u0456t push')).toBe(String.raw`g\u{456}t push`)
    expect(alarm('g\u0456t push')).toBe('1 letter that only looks Latin: U+0456')
    expect(alarm('ls \uff0d\uff41')).toBe('2 letters that only look Latin: U+FF0D, U+FF41')
    expect(alarm('\u0440\u200b m')).toBe('1 hidden character: U+200B')
  })

  test('is itself in a word of its own script, and in a unit', () => {
    for (const command of ['echo привет', 'echo Ελλάδα', 'echo 10μs', 'echo größe'])
      expect({ command, alarm: alarm(command) }).toEqual({ command, alarm: null })
  })
})

describe('what hides or pushes text is an alarm', () => {
  test.each([
    ['a bidi override', 'ls \u202egpj', /^1 hidden character: U\+202E$/],
    ['a zero-width space', 'r\u200bm', /^1 hidden character: U\+200B$/],
    ['a carriage return', 'rm x\rls', /^1 hidden character: U\+000D$/],
    ['an escape sequence', 'echo \u001b[2J', /^1 hidden character: U\+001B$/],
    ['a backspace', 'rm\b\bls', /^2 hidden characters: U\+0008, U\+0008$/],
    ['a no-break space', 'rm\u00a0x', /^1 hidden character: U\+00A0$/],
    ['a line separator', 'ls\u2028rm', /^1 hidden character: U\+2028$/],
    ['a tag', 'ls\u{e0041}', /^1 hidden character: U\+E0041$/],
    ['a run of spaces', `ls${' '.repeat(60)}; rm x`, /^1 gap that .* sight: 60 spaces$/],
    ['a run of tabs', `ls${'\t'.repeat(9)}; rm x`, /: 9 blanks$/],
    ['a deep indentation', `ls\n${' '.repeat(90)}rm x`, /: 90 spaces at line 2$/],
    ['a page of nothing', `ls${'\n'.repeat(60)}rm x`, /: 59 empty lines at line 2$/],
    ['a page of blanks', `ls${'\n  '.repeat(60)}\nrm x`, /: 60 empty lines at line 2$/],
  ])('%s', (_, command, said) => {
    expect(alarm(command)).toMatch(said)
    expect(shown(command)).toMatch(/m|ls|echo/)
  })

  test.each([
    ['words', 'git status'],
    ['letters of other scripts', 'echo größe 漢字 العربية 😀'],
    ['a line break at the end', 'ls\n'],
    ['indentation', 'for x in a; do\n\t  echo $x\ndone'],
    ['blanks at the end of a line', `ls${' '.repeat(40)}\npwd`],
    ['two empty lines', 'ls\n\n\npwd'],
  ])('%s is none', (_, command) => {
    expect(alarm(command)).toBeNull()
  })

  test('many are counted and the first are named', () => {
    expect(alarm('\u200b'.repeat(30))).toMatch(/^30 hidden characters: U\+200B, .* and 26 more$/)
  })
})

test('every character of a command belongs to a piece or is a line break', () => {
  const command = `a\tb  ${' '.repeat(30)}x\u202e\n\n\n\n\n\n\n  y\r\n\tz \n`
  const pieces = readableCommand(command).lines.flatMap((line) => line.pieces)
  const covered = new Set(
    pieces.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, at) => from + at)),
  )
  const missing = Array.from(command.matchAll(/[^\n]/g), ({ index }) => index).filter(
    (at) => !covered.has(at),
  )
  expect(missing).toEqual([])
})
