import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  chooseProfile,
  describeChoice,
  type JudgedCommand,
  type SandboxSettings,
  type SandboxStanding,
} from '#hub/execution/sandbox/policy.ts'
import { ofEachProfile } from '#hub/execution/sandbox/profiles.ts'
import type { TrustManager } from '#hub/trust/trust-manager.ts'
import { openShipped } from '../../trust/rules-in-force.ts'

const settings: SandboxSettings = { mode: 'auto', safe: 'ro-nonet', review: 'none' }
const required: SandboxSettings = { ...settings, mode: 'required' }
const why = 'bubblewrap is not installed'
const absent: SandboxStanding = { sandbox: null, missing: ofEachProfile(why) }
const present = {
  sandbox: {
    bwrap: '/usr/bin/bwrap',
    takesArgv0: true,
    takesSize: true,
    userNamespace: false,
    filtersCalls: true,
    machine: { noExec: null, setpriv: null },
    available: [
      'ro-nonet',
      'rw-workspace-nonet',
      'machine-files',
      'machine-mounts',
      'machine-processes',
      'machine-network',
    ],
    roots: ['/w'],
    homes: ['/home/me'],
    hidden: [],
  },
  missing: { ...ofEachProfile(''), 'rw-workspace-net': 'refused by the kernel' },
} satisfies SandboxStanding

let trust: TrustManager

beforeAll(async () => {
  trust = await openShipped()
})

afterAll(() => trust.close())

/** As the classifier reads it, at a level of the test's choosing: the choice must not lean on the verdict. */
function asJudged(level: 'SAFE' | 'REVIEW', command: string): JudgedCommand {
  return { ...trust.judge(command, { cwd: '/w', home: '/home/me' }), level, cwd: '/w' }
}

const safe = (command: string): JudgedCommand => asJudged('SAFE', command)
const review = (): JudgedCommand => asJudged('REVIEW', 'npm install')

test('what is SAFE is confined, what a person clears is as the settings say', () => {
  expect(chooseProfile(safe('cat a'), settings, present)).toMatchObject({
    profile: 'ro-nonet',
    reason: null,
    refusal: null,
  })
  expect(chooseProfile(review(), settings, present)).toMatchObject({
    profile: 'none',
    refusal: null,
  })
  const own = { ...settings, review: 'rw-workspace-nonet' } as const
  expect(chooseProfile(review(), own, present).profile).toBe('rw-workspace-nonet')
})

test('required refuses without bubblewrap', () => {
  const refused = chooseProfile(safe('cat a'), required, absent)
  expect(refused.refusal).toContain(why)
  expect(describeChoice(refused)).toContain('will not start')
  const partly = { ...required, review: 'rw-workspace-net' } as const
  expect(chooseProfile(review(), partly, present).refusal).toContain('refused by the kernel')
  expect(chooseProfile(review(), required, absent).refusal).toBeNull()
})

describe('without bubblewrap, what is SAFE', () => {
  test.each([
    'pwd',
    'date',
    'uname -a',
    'df -h',
    'ps aux',
    'git --version',
    'echo done',
    'id; pwd',
  ])('%s runs, because no file says what it does', (command) => {
    expect(chooseProfile(safe(command), settings, absent)).toMatchObject({
      profile: 'none',
      reason: expect.stringContaining(why),
      refusal: null,
      ask: null,
    })
  })

  test.each([
    'cat a',
    'ls',
    'git status',
    'df .venv/../x',
    'df $HOME',
    'echo *',
    'date -f a',
    'date -s 12:00',
    'ss -D out',
    'ss -tK',
    'ps -aue',
    'ps e',
    'who a',
    'mount -a',
    'uptime; ls',
    'date > a',
    './date',
    'ps aux | grep x',
    'timeout 5 date',
    'ls | xargs date',
    'eslint --version',
    'source .venv/bin/activate && date',
    'date "',
    '',
  ])('%s is asked', (command) => {
    const { ask, refusal } = chooseProfile(safe(command), settings, absent)
    expect(ask).toContain(why)
    expect(refusal).not.toBeNull()
  })
})

describe('what is SAFE and tells of the machine', () => {
  test.each([
    ['ps aux', 'processes'],
    ['/usr/bin/ps aux | grep node', 'processes'],
    ['top -b -n1 | head -5', 'processes'],
    ['timeout 5 ps aux', 'processes'],
    ['df -h', 'mounts'],
    ["df -h | tail -1 | awk '{print $5}'", 'mounts'],
    ['cat < /proc/mounts', 'mounts'],
    ['LC_ALL=C ss -tln', 'network'],
    ['source .venv/bin/activate && ps', 'processes'],
    ['cat /proc/net/tcp', 'network'],
    ['hostname -I', 'network'],
    ['ls /tmp', 'files'],
    ["ls '/tmp/'", 'files'],
    ['cd /tmp && ls', 'files'],
    ['cd -- /t"m"p; ls', 'files'],
    ['cat /tmp/*.log', 'files'],
    ['ls -la /dev', 'files'],
    ['ls /tmp; ps aux; df', 'processes'],
  ])('%s is shown its %s', (command, view) => {
    for (const mode of ['auto', 'required'] as const) {
      expect(chooseProfile(safe(command), { ...settings, mode }, present)).toMatchObject({
        profile: `machine-${view}`,
        refusal: null,
      })
    }
  })

  test.each([
    'npm ls; df -h',
    'git diff --stat; df /',
    'source ./setup.sh && ps',
    'source .venv/bin/activate && pip list; ps',
    './ps aux',
    'python3 -m json.tool a; ps',
    '$X; ps',
    'ps "',
  ])('%s stays where it sees nothing of it, and the result warns', (command) => {
    const choice = chooseProfile(safe(command), settings, present)
    expect(choice.profile).toBe('ro-nonet')
  })

  test('warns of what it sees instead', () => {
    const { warnings } = chooseProfile(safe('npm ls; df -h'), settings, present)
    expect(warnings.join()).toContain("sees only the sandbox's")
    expect(said('ls /tmp; ps aux; df')).toMatch(
      /mounts .* request this command alone.*temporary files .* request this command alone/,
    )
    const partly = { ...present.sandbox, available: ['ro-nonet' as const] }
    const without = chooseProfile(safe('ps'), settings, { ...present, sandbox: partly })
    expect(without).toMatchObject({ profile: 'ro-nonet', refusal: null })
    expect(without.warnings.join()).toContain("sees only the sandbox's")
    expect(chooseProfile(safe('lsof -i :80'), settings, present).warnings.join()).toContain(
      'may be there',
    )
    expect(chooseProfile(safe('ss -tlnp'), settings, present).warnings.join()).toContain(
      'which process holds a socket',
    )
  })

  test.each(['docker ps', 'systemctl status x | head', 'crontab -l', 'nvidia-smi'])(
    '%s would need all of the machine: a person is asked',
    (command) => {
      const { ask, refusal } = chooseProfile(safe(command), settings, present)
      expect(ask).toContain('no sandbox can show')
      expect(refusal).toContain('it needs approval')
    },
  )

  test.each([
    'grep ps file',
    'echo /proc/1',
    'grep -c /dev/sda /etc/hostname',
    'printf "%s" "/tmp/*"',
    'cat /tmp/build.log',
    'cd /tmp/build && ls',
    'cat /proc/meminfo',
    'cat /proc/self/status',
    'cat docs/dev/null',
    'echo df',
    'ls work/tmp',
    'cat /dev/null',
    'docker --version',
    'git log -- ps',
  ])('%s tells nothing of it', (command) => {
    expect(chooseProfile(safe(command), settings, present)).toMatchObject({
      profile: 'ro-nonet',
      warnings: expect.not.arrayContaining([expect.stringContaining('machine')]),
    })
  })
})

test.each([
  ['cat /tmp/build.log', ['/tmp/build.log']],
  [`cat '/tmp/a b/c d'`, ['/tmp/a b']],
  ['cat /tmp/Grüße.txt', ['/tmp/Grüße.txt']],
  ['cd /tmp/x && cat ../y/z', ['/tmp/x', '/tmp/y']],
  ['sort --files0-from=/tmp/l', ['/tmp/l']],
  ['cat < /var/tmp/in', ['/var/tmp/in']],
  ['cat /tmp/../etc/hostname', []],
  ['cat /tmp/x/../../etc/hostname', []],
])('%s is shown what it names of the temporary files', (command, shown) => {
  expect(chooseProfile(safe(command), settings, present).shown).toEqual(shown)
})

const said = (command: string): string =>
  chooseProfile(safe(command), settings, present).warnings.join()

test('what it names and does not see is said', () => {
  expect(said('ls /run/x ~/.ssh')).toContain('sandbox hides /run, /home/me/.ssh')
  expect(said('cd ~ && ls .aws')).toContain('/home/me/.aws')
  expect(said('echo /run')).toBe('')
  expect(said('cat /tmp/x')).toContain('/tmp contained only the paths')
})

test('in a user namespace, owners that are shown come with a warning', () => {
  const inNamespace = {
    ...present,
    sandbox: { ...present.sandbox, userNamespace: true },
  }
  expect(chooseProfile(safe('ls -la'), settings, inNamespace).warnings).toHaveLength(1)
  expect(chooseProfile(safe('ls'), settings, inNamespace).warnings).toEqual([])
  expect(chooseProfile(safe('ls -la'), settings, present).warnings).toEqual([])
})

test('switched off is off', () => {
  const off = { ...settings, mode: 'off', review: 'ro-nonet' } as const
  for (const judged of [safe('cat a'), review()]) {
    expect(chooseProfile(judged, off, present)).toMatchObject({
      profile: 'none',
      reason: expect.stringContaining('switched off'),
      refusal: null,
    })
  }
})
