import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'

const root = join(import.meta.dirname, '..')
const sources = globSync('{agents,hub,shared}/src/**/*.{ts,tsx,js}', { cwd: root })

/** A subject that names nothing: the reader must search for the thing meant. */
const bareSubject = /^(?:What|Who|Whoever|Whatever|It|That)\b/

test('the check finds a bare subject in each kind of comment, and in any sentence', () => {
  const source = `/** What waits. */\n/**\n * Reads.\n * It ends.\n */\n// Who? Fine.\n// That is it.\n`
  expect(bareSubjectsIn(source)).toEqual(['What waits.', 'It ends.', 'Who?', 'That is it.'])
  expect(bareSubjectsIn('/** The queue. */\nconst a = "What?" // Whoever')).toEqual([])
})

test('comments name their subject: no sentence begins with a bare what, who, it or that', () => {
  expect(sources.length).toBeGreaterThan(400)
  const found = sources.flatMap((file) =>
    bareSubjectsIn(readFileSync(join(root, file), 'utf8')).map((text) => `${file}: ${text}`),
  )
  expect(found).toEqual([])
})

/** Sentences of whole-line comments that begin with a bare subject. */
function bareSubjectsIn(source: string): string[] {
  const blocks = source.matchAll(/^[ \t]*(?:\/\*\*?([^]*?)\*\/|((?:\/\/.*\n?[ \t]*)+))/gm)
  return [...blocks]
    .map(([, block, lines]) => (block ?? lines ?? '').replaceAll(/^[ \t]*(?:\*|\/\/)[ \t]?/gm, ''))
    .flatMap((text) => text.replaceAll(/`[^`]*`/g, 'X').split(/(?<=[.!?])\s+|\n\s*\n|\n(?=@)/))
    .map((sentence) => sentence.replaceAll(/\s+/g, ' ').trim())
    .filter((sentence) => bareSubject.test(sentence))
}
