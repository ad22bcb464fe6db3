import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { TrustManager } from '#hub/trust/trust-manager.ts'
import { openShipped, rank, readCorpus } from './rules-in-force.ts'

let trust: TrustManager

beforeAll(async () => {
  trust = await openShipped()
})

afterAll(() => trust.close())

const seed = 20_261_122
const settings = { seed, numRuns: 1500 }
const lines = [...readCorpus('bypass'), ...readCorpus('benign')].map(({ command }) => command)
/** Commands that stand in one line by themselves, so that something can be put around them. */
const whole = lines.filter(
  (text) => text.length < 200 && !/[\n#\\<&]|^\s*$|\bcase\b/.test(text) && isClosed(text),
)
const simple = whole.filter((text) => /^[A-Za-z0-9_./ -]+$/.test(text) && !text.startsWith('-'))

function isClosed(text: string): boolean {
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0
  return (
    count(/'/g) % 2 === 0 &&
    count(/"/g) % 2 === 0 &&
    count(/`/g) % 2 === 0 &&
    count(/\(/g) === count(/\)/g) &&
    count(/\{/g) === count(/\}/g) &&
    !/[|;]\s*$/.test(text)
  )
}

function levelOf(text: string): number {
  return rank[trust.classifyCommand(text).level] ?? 0
}

/** The levels of a changed command that is judged more leniently than it was before; undefined where it is not. */
function lowered(changed: string, original: string): object | undefined {
  const [after, before] = [levelOf(changed), levelOf(original)]
  return after < before ? { changed, original, after, before } : undefined
}

describe('a verdict is never lowered', () => {
  test('by a segment before, behind or around', () => {
    const around = fc.constantFrom<(text: string) => string>(
      (text) => `ls; ${text}`,
      (text) => `${text}; ls`,
      (text) => `true && ${text}`,
      (text) => `${text} | cat`,
      (text) => `ls\n${text}`,
      (text) => `( ${text} )`,
      (text) => `{ ${text}; }`,
      (text) => `if true; then ${text}; fi`,
      (text) => `echo $( ${text} )`,
      (text) => `echo "$( ${text} )"`,
      (text) => `cat <(${text})`,
      (text) => `while false; do ${text}; done`,
      (text) => `f() { ${text}; }; f`,
      (text) => `! ${text}`,
      (text) => `time ${text}`,
    )
    fc.assert(
      fc.property(fc.constantFrom(...whole), around, (text, wrap) =>
        expect(lowered(wrap(text), text)).toBeUndefined(),
      ),
      settings,
    )
  })

  test('by another command joined to it', () => {
    const joint = fc.constantFrom(' ; ', ' && ', ' || ', ' | ', '\n')
    fc.assert(
      fc.property(
        fc.constantFrom(...whole),
        joint,
        fc.constantFrom(...whole),
        (left, by, right) => {
          expect(lowered(left + by + right, left)).toBeUndefined()
          // Behind a pipe, a command can read what its twin alone cannot, but nothing makes it safer; only that a
          // variable, a parameter or a directory set there is set for nobody behind it.
          const sets = by === ' | ' && /printf -v|\bread\b|\bset --|\bcd\b|\w=/.test(right)
          expect(sets ? undefined : lowered(left + by + right, right)).toBeUndefined()
        },
      ),
      settings,
    )
  })

  test('by a wrapper', () => {
    const wrappers = [
      'nice',
      'timeout 5',
      'env',
      'env A=1',
      'command',
      'nohup',
      'sudo',
      'stdbuf -oL',
      'xargs',
      'ionice -c 3',
      'setsid',
      'time -p',
      'exec',
      'sudo -u root env X=1',
    ]
    fc.assert(
      fc.property(fc.constantFrom(...simple), fc.constantFrom(...wrappers), (text, wrapper) => {
        // A shell builtin is not what a program wrapper would run.
        fc.pre(
          !/^(?:cd|source|\.|type|command|true|false|exit|break|shift|help|jobs|umask|ulimit|alias|hash|return|continue)\b/.test(
            text,
          ),
        )
        expect(lowered(`${wrapper} ${text}`, text)).toBeUndefined()
      }),
      settings,
    )
  })

  test('by shell text in an argument', () => {
    fc.assert(
      fc.property(fc.constantFrom(...whole.filter((text) => !text.includes("'"))), (text) => {
        expect(lowered(`bash -c '${text}'`, text)).toBeUndefined()
        expect(lowered(`eval '${text}'`, text)).toBeUndefined()
      }),
      settings,
    )
  })

  test('by a redirection', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...whole),
        fc.constantFrom(' > f', ' 2>/dev/null', ' >> ~/x', ' < f'),
        (text, redirect) => expect(lowered(text + redirect, text)).toBeUndefined(),
      ),
      settings,
    )
  })
})

describe('a spelling that bash reads alike gets the same verdict', () => {
  const quotings = fc.constantFrom<(word: string) => string>(
    (word) => `'${word}'`,
    (word) => `"${word}"`,
    (word) => `$'${word}'`,
    (word) => word.replaceAll(/[A-Za-z/-]/g, '\\$&'),
    (word) => `${word.slice(0, 1)}''${word.slice(1)}`,
    (word) => `${word.slice(0, 2)}""${word.slice(2)}`,
    (word) => `${word.slice(0, 1)}\\\n${word.slice(1)}`,
  )

  test('quoted and escaped words', () => {
    fc.assert(
      fc.property(fc.constantFrom(...simple), fc.nat(8), quotings, (text, at, requote) => {
        const words = text.trim().split(/ +/)
        const index = at % words.length
        const word = words[index] ?? ''
        // Quoting takes the meaning from a keyword.
        fc.pre(
          !/^(?:if|for|while|until|case|time|coproc|function|select|!|\{|\}|then|do|done|fi|esac|in|else|elif)$/.test(
            word,
          ),
        )
        fc.pre(words[0] !== 'time')
        const changed = words.with(index, requote(word)).join(' ')
        expect({ changed, level: trust.classifyCommand(changed).level }).toEqual({
          changed,
          level: trust.classifyCommand(words.join(' ')).level,
        })
      }),
      settings,
    )
  })

  test('blanks between words', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...simple),
        fc.constantFrom('  ', '\t', ' \\\n ', '   \t '),
        (text, blank) => {
          const changed = text.trim().split(/ +/).join(blank)
          expect({ changed, level: trust.classifyCommand(changed).level }).toEqual({
            changed,
            level: trust.classifyCommand(text).level,
          })
        },
      ),
      settings,
    )
  })
})

test('the plan of a SAFE command is SAFE, and planning it again changes nothing', () => {
  const wrong: object[] = []
  for (const text of lines) {
    const { level, plan } = trust.classifyCommand(text)
    if (level !== 'SAFE' || plan.venv !== undefined) continue
    const again = trust.classifyCommand(plan.kind === 'argv' ? plan.argv : plan.script)
    if (again.level !== 'SAFE') wrong.push({ text, level: again.level })
    // What the plan adds to a hardened program is added again.
    if (plan.env === undefined && JSON.stringify(again.plan) !== JSON.stringify(plan))
      wrong.push({ text, plan, again: again.plan })
  }
  expect(wrong).toEqual([])
})
