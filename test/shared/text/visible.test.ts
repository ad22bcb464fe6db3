import { describe, expect, test } from '@jest/globals'
import { visible, visibleCommand, visibleJson } from '@centralpost/shared'

describe('text from agents on a terminal', () => {
  test.each([
    ['an escape sequence', '\u001b[2Jgone', String.raw`\x1b[2Jgone`],
    ['a title sequence', '\u001b]0;pwned\u0007', String.raw`\x1b]0;pwned\x07`],
    ['an 8-bit control sequence', '\u009b31mred', String.raw`\x9b31mred`],
    ['a backspace', 'rm\b\bls', String.raw`rm\x08\x08ls`],
    ['a carriage return', 'rm -rf /\rls -la  ', String.raw`rm -rf /\rls -la  `],
    ['a line feed', 'ls\nrm', String.raw`ls\nrm`],
    ['a right-to-left override', 'ls \u202egpj.sh', String.raw`ls \u{202e}gpj.sh`],
    ['a bidi isolate', 'a\u2066b\u2069', String.raw`a\u{2066}b\u{2069}`],
    ['a zero-width space', 'r\u200bm', String.raw`r\u{200b}m`],
    ['a zero-width joiner', 'r\u200dm', String.raw`r\u{200d}m`],
    ['a soft hyphen', 'r\u00adm', String.raw`r\xadm`],
    ['a byte order mark', '\ufeffls', String.raw`\u{feff}ls`],
    ['a line separator', 'a\u2028b', String.raw`a\u{2028}b`],
    ['a tag character', 'a\u{e0041}', String.raw`a\u{e0041}`],
    ['a Hangul filler, drawn as nothing', 'a\u3164', String.raw`a\u{3164}`],
    ['a variation selector', 'a\ufe0f', String.raw`a\u{fe0f}`],
    ['half of a surrogate pair', 'a\ud800', String.raw`a\u{d800}`],
    ['a private use character', 'a\ue000', String.raw`a\u{e000}`],
    ['NUL', 'a\0b', String.raw`a\x00b`],
    ['DEL', 'a\u007fb', String.raw`a\x7fb`],
    ['a no-break space', 'ls\u00a0-la', String.raw`ls\xa0-la`],
    ['an ideographic space', 'ls\u3000x', String.raw`ls\u{3000}x`],
  ])('%s is spelled out', (_, text, shown) => {
    expect(visible(text)).toBe(shown)
  })

  test('what people write stays as it is', () => {
    const text = 'grep -rn "größe" . | 漢字 العربية 😀 ✓ é'
    expect(visible(text)).toBe(text)
  })

  test('lines stay lines where lines are wanted, and nothing else does', () => {
    expect(visible('a\tb\nc\r\u001b[0m', { lines: true })).toBe(`a\tb\nc${String.raw`\r\x1b[0m`}`)
  })

  test('JSON stays JSON of the same value, without a character that is not seen', () => {
    const value = { text: '\u001b[2J\u202e\u200b\u009b\u{e0041} ok 漢字' }
    const line = visibleJson(value)
    expect(JSON.parse(line)).toEqual(value)
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(line).toContain('ok 漢字')
  })

  test('padding in a command is collapsed with a mark, and what hid behind it is there', () => {
    expect(visibleCommand(`ls${' '.repeat(500)}; rm -rf ~`)).toBe('ls ⟨500 spaces⟩ ; rm -rf ~')
    expect(visibleCommand('ls  -la')).toBe('ls  -la')
  })
})
