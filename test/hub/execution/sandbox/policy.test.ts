import { expect, test } from '@jest/globals'
import {
  chooseProfile,
  describeChoice,
  type JudgedCommand,
  type SandboxSettings,
  type SandboxStanding,
} from '../../../../hub/src/execution/sandbox/policy.ts'

const settings: SandboxSettings = { mode: 'auto', safe: 'ro-nonet', review: 'none' }
const required: SandboxSettings = { ...settings, mode: 'required' }
const why = 'bubblewrap is not installed'
const absent: SandboxStanding = {
  sandbox: null,
  missing: { 'ro-nonet': why, 'rw-workspace-nonet': why, 'rw-workspace-net': why },
}
const present: SandboxStanding = {
  sandbox: {
    bwrap: '/usr/bin/bwrap',
    takesArgv0: true,
    userNamespace: false,
    filtersCalls: true,
    available: ['ro-nonet', 'rw-workspace-nonet'],
    roots: ['/w'],
    homes: [],
    hidden: [],
  },
  missing: {
    'ro-nonet': '',
    'rw-workspace-nonet': '',
    'rw-workspace-net': 'refused by the kernel',
  },
}

/** As the classifier would, of commands that are one word after another. */
function asJudged(level: 'SAFE' | 'REVIEW', ...texts: string[]): JudgedCommand {
  const units = texts.map((text) => ({ text, level, rule: 'test', reason: 'a test' }))
  const risk = { level: 'low' as const, score: 0, parts: [] }
  const plan = { kind: 'script', script: texts.join('; ') } as const
  return {
    level,
    verdict: { level, reasons: [], units, risk, plan, policy: 'test' },
    parts: [],
    isWhole: true,
    cwd: '/w',
  }
}

const safe = (...texts: string[]): JudgedCommand => asJudged('SAFE', ...texts)
const review = asJudged('REVIEW', 'npm install')

test('what is SAFE is confined, what a person clears is as the settings say', () => {
  expect(chooseProfile(safe('cat a'), settings, present)).toMatchObject({
    profile: 'ro-nonet',
    reason: null,
    refusal: null,
  })
  expect(chooseProfile(review, settings, present)).toMatchObject({ profile: 'none', refusal: null })
  const own = { ...settings, review: 'rw-workspace-nonet' } as const
  expect(chooseProfile(review, own, present).profile).toBe('rw-workspace-nonet')
})

test('without bubblewrap auto goes on unconfined and says why; required refuses', () => {
  expect(chooseProfile(safe('cat a'), settings, absent)).toMatchObject({
    profile: 'none',
    reason: expect.stringContaining(why),
    refusal: null,
  })
  const refused = chooseProfile(safe('cat a'), required, absent)
  expect(refused.refusal).toContain(why)
  expect(describeChoice(refused)).toContain('will not start')
  const partly = { ...required, review: 'rw-workspace-net' } as const
  expect(chooseProfile(review, partly, present).refusal).toContain('refused by the kernel')
  expect(chooseProfile(review, required, absent).refusal).toBeNull()
})

test.each([
  'ps aux',
  '/usr/bin/ps aux',
  'df -h',
  'LC_ALL=C ss -tlnp',
  'docker ps',
  'cat /proc/1/status',
  'cat /proc/net/tcp',
  'ls /proc',
  'ls /tmp',
  "ls '/tmp/'",
  'cat /tmp/*.log',
  'ls /dev',
])('%s looks at the machine: unconfined in auto, with a warning in required', (text) => {
  const loose = chooseProfile(safe('cat a', text), settings, present)
  expect(loose).toMatchObject({ profile: 'none', reason: expect.stringContaining("machine's own") })
  const strict = chooseProfile(safe('cat a', text), required, present)
  expect(strict).toMatchObject({ profile: 'ro-nonet', refusal: null })
  expect(strict.warnings).toHaveLength(1)
})

test.each([
  'grep ps file',
  'cat /tmp/build.log',
  'cat /proc/meminfo',
  'cat /proc/self/status',
  'cat docs/dev/null',
  'echo x',
  'ls work/tmp',
  'cat /dev/null',
])('%s does not', (text) => {
  expect(chooseProfile(safe(text), settings, present)).toMatchObject({ profile: 'ro-nonet' })
})

test('in a user namespace, owners that are shown come with a warning', () => {
  const inNamespace = {
    ...present,
    sandbox: present.sandbox && { ...present.sandbox, userNamespace: true },
  }
  expect(chooseProfile(safe('ls -la'), settings, inNamespace).warnings).toHaveLength(1)
  expect(chooseProfile(safe('ls'), settings, inNamespace).warnings).toEqual([])
  expect(chooseProfile(safe('ls -la'), settings, present).warnings).toEqual([])
})

test('switched off is off', () => {
  const off = { ...settings, mode: 'off', review: 'ro-nonet' } as const
  for (const judged of [safe('cat a'), review]) {
    expect(chooseProfile(judged, off, present)).toMatchObject({
      profile: 'none',
      reason: expect.stringContaining('switched off'),
      refusal: null,
    })
  }
})
