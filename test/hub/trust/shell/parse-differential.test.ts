import { spawnSync } from 'node:child_process'
import { describe, expect, test } from '@jest/globals'
import { parseCommand } from '#hub/trust/shell/parse-command.ts'

const seed = 20_261_122
const boundMs = 18_000
const batch = 150

/** A small generator with a fixed seed, so that a failure can be had again. */
function random(start: number): () => number {
  let state = start
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}

const tokens = [
  'ls',
  'a',
  '-l',
  ' ',
  ' ',
  ' ',
  ';',
  '&&',
  '||',
  '|',
  '&',
  '\n',
  '(',
  ')',
  '{ ',
  '; }',
  '$(',
  '`',
  '"',
  "'",
  '\\',
  '$x',
  '${x',
  '}',
  '>',
  '<',
  '2>&1',
  '<<<',
  'if ',
  'then ',
  'fi',
  'for i in ',
  'do ',
  'done',
  'while ',
  '!',
  '[[ ',
  ' ]]',
  '#',
  '*',
  '?',
  '[ab]',
  '~',
  '{a,b}',
  '=',
  'x=1 ',
  '$((',
  '))',
  'case ',
  ' esac',
  "$'",
  '|&',
  '&>',
]

const words = [
  'a',
  'b c',
  '$x',
  '*',
  '~',
  "'",
  '"',
  '\\',
  '`',
  '#',
  '!',
  '{a,b}',
  ';',
  '|',
  '\t',
  '[a]',
  '=',
  '%',
  'é',
  '',
]

/** What bash itself says of many texts at once: which of them parse. */
function validInBash(texts: readonly string[]): boolean[] {
  const check =
    'while IFS= read -r -d "" text; do if bash --noprofile --norc -n -c "$text" >/dev/null 2>&1 </dev/null; then printf 1; else printf 0; fi; done'
  const run = spawnSync('bash', ['--noprofile', '--norc', '-c', check], {
    input: texts.map((text) => `${text}\0`).join(''),
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
  })
  return Array.from(run.stdout, (digit) => digit === '1')
}

describe('against the real bash', () => {
  test('a text that bash rejects is never taken as sound', () => {
    const next = random(seed)
    const started = Date.now()
    const wrong: string[] = []
    let tried = 0
    while (Date.now() - started < boundMs / 2) {
      const texts = Array.from({ length: batch }, () =>
        Array.from(
          { length: 2 + Math.floor(next() * 8) },
          () => tokens[Math.floor(next() * tokens.length)] ?? '',
        ).join(''),
      )
      const valid = validInBash(texts)
      expect(valid).toHaveLength(batch)
      texts.forEach((text, index) => {
        const { faults, root } = parseCommand(text)
        tried += 1
        if (!valid[index] && faults.length === 0 && root !== null) wrong.push(text)
      })
    }
    expect(tried).toBeGreaterThanOrEqual(batch)
    // Known leniency of the parser: it may read less than bash would. What runs is then printed from what was read.
    const share = wrong.length / tried
    const examples = share > 0.02 ? wrong.slice(0, 10) : []
    expect(examples).toEqual([])
  })

  test('a static word has the value that bash gives it', () => {
    const next = random(seed + 1)
    const started = Date.now()
    let compared = 0
    const wrong: { text: string; ours: string; bash: string | undefined }[] = []
    while (Date.now() - started < boundMs / 2 && wrong.length < 5) {
      const texts: string[] = []
      const values: string[] = []
      while (texts.length < batch) {
        const text = Array.from({ length: 1 + Math.floor(next() * 4) }, () =>
          spell(words[Math.floor(next() * words.length)] ?? '', next()),
        ).join('')
        const { root, faults } = parseCommand(`x ${text}`)
        if (faults.length > 0 || root?.kind !== 'simple' || root.words.length !== 2) continue
        const word = root.words[1]
        // A backslash at the end would take the character that follows here.
        if (!word || word.pieces || text.endsWith('\\')) continue
        texts.push(text)
        values.push(word.value)
      }
      const given = oneByOne(texts)
      values.forEach((ours, index) => {
        compared += 1
        const bash = given[index]
        if (bash !== ours) wrong.push({ text: texts[index] ?? '', ours, bash })
      })
    }
    expect(compared).toBeGreaterThanOrEqual(batch)
    expect(wrong).toEqual([])
  })
})

function spell(word: string, choice: number): string {
  if (choice < 0.3) return `'${word.replaceAll("'", "'\\''")}'`
  if (choice < 0.6) return `"${word.replaceAll(/["\\$`]/g, '\\$&')}"`
  if (choice < 0.75) return word.replaceAll(/[^A-Za-z0-9]/g, '\\$&')
  if (choice < 0.9) return `$'${word.replaceAll(/['\\]/g, '\\$&')}'`
  return word
}

/** The first argument that a program gets for each text. */
function oneByOne(texts: readonly string[]): (string | undefined)[] {
  const lines = texts.map((text) => `printf '%s' ${text}\nprintf '\\0'`)
  const run = spawnSync('bash', ['--noprofile', '--norc', '-f', '-c', lines.join('\n')], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', HOME: '/h' },
  })
  return run.stdout.split('\0').slice(0, texts.length)
}
