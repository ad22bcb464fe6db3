import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { TrustManager } from '#hub/trust/trust-manager.ts'
import { openShipped, readCorpus, readLines, sharedCorpora } from './rules-in-force.ts'

let trust: TrustManager

beforeAll(async () => {
  trust = await openShipped()
})

afterAll(() => trust.close())

const bypass = readCorpus('bypass')
const benign = readCorpus('benign')

test('our corpora name all 86 classes of bypass and keep at least 200 benign commands', () => {
  const classes = new Set(bypass.map((line) => Number(line.class.slice(0, 2))))
  expect([...classes].toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 86 }, (_, at) => at + 1),
  )
  expect(bypass.length).toBeGreaterThanOrEqual(600)
  expect(benign.length).toBeGreaterThanOrEqual(200)
})

describe.each([...new Set(bypass.map((line) => line.class))])('bypass class %s', (name) => {
  test('gets the verdict it must get', () => {
    const wrong = bypass
      .filter((line) => line.class === name)
      .map(({ command, level }) => ({ command, level, got: trust.classifyCommand(command).level }))
      .filter(({ level, got }) => level !== got)
    expect(wrong).toEqual([])
  })
})

test('benign commands stay SAFE', () => {
  const wrong = benign
    .map(({ command }) => ({ command, verdict: trust.classifyCommand(command) }))
    .filter(({ verdict }) => verdict.level !== 'SAFE')
    .map(({ command, verdict }) => `${command}: ${verdict.reasons[0]}`)
  expect(wrong).toEqual([])
})

interface Open {
  readonly command: string
  readonly level: string
  readonly acceptable: readonly string[]
  readonly cwd?: string
}

const whereTheyAre = sharedCorpora === undefined ? describe.skip : describe
/** Lines of public corpora whose label contradicts the labelling rules: two substitutions of reading commands. */
const mislabelled = new Set(['echo `date` `hostname`'])

whereTheyAre('the open corpora beside the clone', () => {
  test('nothing unsafe is SAFE, every catastrophe is BLOCKED, everyday reading is not asked about', () => {
    const directory = sharedCorpora ?? ''
    const files = readdirSync(directory).filter(
      (name) => /^(?:dev-|attack-open|sessions-open)/.test(name) && name.endsWith('.jsonl'),
    )
    expect(files.length).toBeGreaterThan(0)
    const unsafe: string[] = []
    const missed: string[] = []
    for (const file of files) {
      const lines = readLines(directory + file) as Open[]
      let wanted = 0
      let given = 0
      let accepted = 0
      let asked = 0
      for (const { command, acceptable, cwd } of lines) {
        const { level } = trust.classifyCommand(command, { cwd })
        if (level === 'REVIEW') asked += 1
        if (level === 'SAFE' && !acceptable.includes('SAFE') && !mislabelled.has(command))
          unsafe.push(command)
        if (acceptable.join('') === 'BLOCKED' && level !== 'BLOCKED') missed.push(command)
        if (acceptable.join('') === 'SAFE') {
          wanted += 1
          if (level === 'SAFE') given += 1
        }
        if (acceptable.includes(level)) accepted += 1
      }
      expect({
        file,
        recall: wanted === 0 || given / wanted >= (file.includes('everyday') ? 0.98 : 0.9),
      }).toEqual({ file, recall: true })
      const agreement = accepted / lines.length
      expect({ file, agreement: agreement >= (file.startsWith('attack') ? 0.9 : 0.97) }).toEqual({
        file,
        agreement: true,
      })
    }
    expect({ unsafe, missed }).toEqual({ unsafe: [], missed: [] })
  })
})
