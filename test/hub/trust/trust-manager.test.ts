import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { isCentralPostError, silentLogger } from '@centralpost/shared'
import { TrustManager } from '#hub/trust/trust-manager.ts'
import { eventually } from '../../support/eventually.ts'
import { MemoryLog } from '../../support/memory-log.ts'
import { openShipped } from './rules-in-force.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trust-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

async function rulesFile(text: string): Promise<string> {
  const path = join(folder, 'rules.yaml')
  // Written aside and moved, as editors do.
  await writeFile(`${path}.new`, text)
  await rename(`${path}.new`, path)
  return path
}

async function failure(text: string): Promise<string> {
  const rulesPath = await rulesFile(text)
  try {
    await using opened = await TrustManager.open({ rulesPath, log: silentLogger })
    return `no failure, policy ${opened.policy}`
  } catch (error) {
    if (!isCentralPostError(error)) throw error
    return `${error.code}: ${error.message}`
  }
}

const seedFile = `
safe: ['^ls', '^find\\s', '^sort\\s', '^mytool\\s(?:status|list)$', '^cat\\s', '^git\\s', '^timeout\\s', '^echo\\s']
review: ['^mytool\\s', '^wc\\s']
blocked: ['rm\\s+-rf', '^mytool\\s+destroy', 'secret-project']
`

describe('a seed file of plain patterns', () => {
  test('loads unchanged and vouches only for plain reading forms', async () => {
    await using trust = await TrustManager.open({
      rulesPath: await rulesFile(seedFile),
      log: silentLogger,
    })
    const levels = Object.fromEntries(
      [
        'ls -la',
        'ls; touch x',
        'find . -name x',
        'find . -delete',
        'sort -o a a',
        'cat ~/.ssh/id_rsa',
        'cat $X',
        'cat f > g',
        'git status',
        'git push',
        'timeout 5 rm -r x',
        'head f',
        'wc f',
        'mytool list',
        'mytool list > f',
        'mytool go',
        'mytool destroy',
        'echo secret-project',
        'cat secret-project/x',
        'ls && rm -rf q',
      ].map((command) => [command, trust.classifyCommand(command).level]),
    )
    expect(levels).toEqual({
      'ls -la': 'SAFE',
      'ls; touch x': 'REVIEW',
      'find . -name x': 'SAFE',
      'find . -delete': 'REVIEW',
      'sort -o a a': 'REVIEW',
      'cat ~/.ssh/id_rsa': 'BLOCKED',
      'cat $X': 'REVIEW',
      'cat f > g': 'REVIEW',
      'git status': 'SAFE',
      'git push': 'REVIEW',
      'timeout 5 rm -r x': 'REVIEW',
      'head f': 'REVIEW',
      'wc f': 'REVIEW',
      'mytool list': 'REVIEW',
      'mytool list > f': 'REVIEW',
      'mytool go': 'REVIEW',
      'mytool destroy': 'BLOCKED',
      'echo secret-project': 'SAFE',
      'cat secret-project/x': 'BLOCKED',
      'ls && rm -rf q': 'BLOCKED',
    })
  })

  test('a pattern vouches for a program that no table knows', async () => {
    const rulesPath = await rulesFile(
      "safe: ['^mytool\\s(?:status|list)$']\nreview: []\nblocked: []\n",
    )
    await using trust = await TrustManager.open({ rulesPath, log: silentLogger })
    expect(trust.classifyCommand('mytool list').level).toBe('SAFE')
    expect(trust.classifyCommand('mytool list; mytool list').level).toBe('SAFE')
    expect(trust.classifyCommand('mytool list $X').level).toBe('REVIEW')
    expect(trust.classifyCommand('./mytool list').level).toBe('REVIEW')
    expect(trust.classifyCommand('MYTOOL list').level).toBe('REVIEW')
  })
})

describe('a faulty rule file is refused with file, line and pattern', () => {
  test.each([
    [
      'a pattern that does not compile',
      "safe: []\nreview: []\nblocked:\n  - 'a('\n",
      /rules\.yaml:4: blocked pattern a\(/,
    ],
    [
      'an exponential pattern',
      "safe:\n  - '^(a+)+$'\nreview: []\nblocked: []\n",
      /rules\.yaml:2: .*repetition inside/,
    ],
    ['an unknown key', 'safe: []\nreview: []\nblocked: []\nbloked: []\n', /bloked/],
    ['a missing list', 'safe: []\nreview: []\n', /blocked/],
    [
      'a wrong condition',
      'safe: []\nreview: []\nblocked:\n  - { id: x, progam: rm, reason: y }\n',
      /rules\.yaml:4: .*progam/,
    ],
    ['text that is not YAML', 'safe: [', /rules\.yaml:\d+: not YAML/],
    [
      'a test that fails',
      "version: 2\nsafe: []\nreview: []\nblocked: []\ntests:\n  - { safe: 'rm x' }\n",
      /rules\.yaml:6: test failed: rm x should be SAFE and is REVIEW/,
    ],
    [
      'a condition whose pattern does not compile',
      "safe: []\nreview: []\nblocked:\n  - { id: x, text: '(', reason: y }\n",
      /rules\.yaml:4: x: \(: Invalid regular expression/,
    ],
  ])('%s', async (_name, text, message) => {
    expect(await failure(text)).toMatch(message)
  })

  test('all faults are told at once', async () => {
    const message = await failure("safe: ['a(']\nreview: ['b[']\nblocked: ['(c*)*d']\n")
    expect(message.split('\n')).toHaveLength(3)
  })

  test('a file that is not there', async () => {
    await expect(
      TrustManager.open({ rulesPath: join(folder, 'none.yaml'), log: silentLogger }),
    ).rejects.toThrow(/cannot read the trust rules .*none\.yaml/)
  })
})

describe('a change of the file', () => {
  test('takes effect while watching, and a bad one changes nothing', async () => {
    const log = new MemoryLog()
    const rulesPath = await rulesFile("safe: ['^mytool$']\nreview: []\nblocked: []\n")
    await using trust = await TrustManager.open({ rulesPath, log, watch: true })
    const first = trust.policy
    expect(trust.classifyCommand('mytool').level).toBe('SAFE')

    await rulesFile("safe: ['(']\nreview: []\nblocked: []\n")
    await eventually(() => log.of('error').length > 0)
    expect(trust.policy).toBe(first)
    expect(trust.classifyCommand('mytool').level).toBe('SAFE')

    await rulesFile("safe: []\nreview: []\nblocked: ['^mytool']\n")
    await eventually(() => trust.policy !== first)
    expect(trust.classifyCommand('mytool').level).toBe('BLOCKED')
  })

  test('reload says whether the file is in force', async () => {
    const rulesPath = await rulesFile('safe: []\nreview: []\nblocked: []\n')
    await using trust = await TrustManager.open({ rulesPath, log: silentLogger })
    await rulesFile('nonsense: 1\n')
    expect(await trust.reload()).toBe(false)
    await rulesFile("safe: ['^x$']\nreview: []\nblocked: []\n")
    expect(await trust.reload()).toBe(true)
    expect(trust.classifyCommand('x').level).toBe('SAFE')
  })
})

describe('the shipped rules', () => {
  test('hold at least the seed’s number of patterns', async () => {
    await using trust = await openShipped()
    expect(trust.counts.safe).toBeGreaterThanOrEqual(45)
    expect(trust.counts.review).toBeGreaterThanOrEqual(47)
    expect(trust.counts.blocked).toBeGreaterThanOrEqual(45)
  })

  test('a repeated command gets the same verdict, and texts that look like another’s key do not share it', async () => {
    await using trust = await openShipped()
    expect(trust.classifyCommand('ls')).toBe(trust.classifyCommand('ls'))
    expect(trust.classifyCommand('ls', { env: { LD_PRELOAD: 'x' } }).level).toBe('BLOCKED')
    expect(trust.classifyCommand('ls').level).toBe('SAFE')
    expect(trust.classifyCommand(['ls', 'a b']).plan).toEqual({ kind: 'argv', argv: ['ls', 'a b'] })
    expect(trust.classifyCommand('["ls","a b"]').level).toBe('REVIEW')
    expect(trust.classifyCommand('ls\0\0').level).toBe('BLOCKED')
  })
})
