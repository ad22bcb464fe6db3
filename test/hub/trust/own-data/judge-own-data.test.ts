import { spawnSync } from 'node:child_process'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TrustManager } from '@centralpost/hub'
import { silentLogger } from '@centralpost/shared'
import { shippedRules } from '../../../support/hub.ts'
import { TempDir } from '../../../support/temp-dir.ts'

describe("the hub's own data", () => {
  let trust: TrustManager
  let dir: TempDir
  beforeAll(async () => {
    trust = await TrustManager.open({ rulesPath: shippedRules, log: silentLogger })
    dir = await TempDir.make()
    await mkdir(join(dir.path, '.centralpost/credentials'), { recursive: true })
    await writeFile(join(dir.path, '.centralpost/hub.db'), '')
    await symlink('.centralpost/credentials', join(dir.path, 'innocent'))
  })
  afterAll(async () => {
    await trust.close()
    await dir[Symbol.asyncDispose]()
  })
  const judge = (text: string) =>
    trust.classifyCommand(text, {
      cwd: dir.path,
      home: '/home/somebody',
      protectedPaths: [join(dir.path, '.centralpost')],
    })

  test.each([
    'cat .centralpost/credentials/operators/operator.json',
    'cat ./.centralpost//credentials/../hub.db',
    "cat '.central''post'/hub.db",
    'cat innocent/hub.json',
    'strings .centralpost/hub.db',
    'git diff --no-index /dev/null .centralpost/hub.db',
    'cd .centralpost && cat hub.db',
    'cat "$PWD/.centralpost/hub.db"',
    'cat /proc/self/cwd/.centralpost/hub.db',
    'cat .{centralpost,x}/hub.db',
    'wc -l < .centralpost/hub.db',
    'echo .centralpost/hub.db | xargs cat',
    'bash -c "cat .centralpost/hub.db"',
    'python3 -c "open(\'.centralpost/hub.db\')"',
    'head -c 100 --verbose .centralpost/broker/nats-server.conf',
    'cp .centralpost/hub.db /tmp/x',
    'rm -rf .centralpost',
  ])('is not touched by %s', (text) => {
    expect(judge(text).level).toBe('BLOCKED')
  })

  test.each([
    'cat .centralpost/*/*',
    'cat .*/hub.db',
    'cat .cent?alpost/hub.db',
    'head .c*/credentials/*',
    'rg -uu pass',
    'rg --hidden pass',
    'git grep --no-index pass',
    'diff -r . /tmp',
    'find . -type f -exec cat {} +',
    'find . -type f | xargs cat',
    "find . -name '*.json' | xargs cat",
    'for d in .central; do cat ${d}post/hub.db; done',
    'grep -r pass .*',
  ])('may be met by %s: a person is asked', (text) => {
    expect(judge(text).level).toBe('REVIEW')
  })

  test.each([
    'ls -la',
    'ls *',
    'cat *.md',
    'find . -name x',
    'find . -type f | head',
    "find . -name '*.ts' -exec wc -l {} +",
    "find . -name '*.ts' | xargs wc -l",
    'rg pass',
    'git status',
    'du -sh .',
    'grep pass README.md',
  ])('is not met by %s, which stays SAFE', (text) => {
    expect(judge(text).level).toBe('SAFE')
  })

  test.each(['grep -r pass .', 'grep -Rn pass', 'timeout 5 grep -rl pass ..'])(
    'is left out of %s, which stays SAFE',
    (text) => {
      const { level, plan } = judge(text)
      expect(level).toBe('SAFE')
      expect(JSON.stringify(plan)).toContain('--exclude-dir=.centralpost')
    },
  )

  test('is not touched by a link to what is not there yet, nor by a file that has become a link since it was judged', async () => {
    const path = join(dir.path, 'turncoat')
    await writeFile(path, '')
    expect(judge('cat turncoat').level).toBe('SAFE')
    await rm(path)
    await symlink('.centralpost/hub.db', path)
    expect(judge('cat turncoat').level).toBe('BLOCKED')
    await rm(path)
    await symlink('.centralpost/credentials/later.json', path)
    expect(judge('cat turncoat').level).toBe('BLOCKED')
    await rm(path)
    expect(judge('cat turncoat').level).toBe('SAFE')
  })

  test('is a single file as well, which searches leave out', async () => {
    const file = join(dir.path, 'keys', 'hub.creds')
    await mkdir(join(dir.path, 'keys'))
    await writeFile(file, 'SECRET')
    const judgeWith = (text: string) =>
      trust.classifyCommand(text, { cwd: dir.path, protectedPaths: [file] })

    expect(judgeWith('cat keys/hub.creds').level).toBe('BLOCKED')
    const { level, plan } = judgeWith('grep -r SECRET keys')
    expect([level, plan.kind]).toEqual(['SAFE', 'argv'])
    const argv = plan.kind === 'argv' ? plan.argv : []
    const { status, stdout } = spawnSync('grep', argv.slice(1), { cwd: dir.path })
    expect([status, stdout.toString()]).toEqual([1, ''])
  })
})
