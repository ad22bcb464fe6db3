import { chmod, mkdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { silentLogger } from '@centralpost/shared'
import { type Bound, boundOf, differenceOf, unboundOf } from '#hub/action/bound-files.ts'
import { TrustManager } from '#hub/trust/trust-manager.ts'
import { shippedRules } from '../../../support/hub.ts'
import { TempDir } from '../../../support/temp-dir.ts'

let trust: TrustManager

beforeAll(async () => {
  trust = await TrustManager.open({ rulesPath: shippedRules, log: silentLogger })
})

afterAll(() => trust.close())

async function bind(
  command: string | readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Bound> {
  const judgement = trust.judge(command, { cwd, home: join(cwd, 'home') })
  expect(judgement.verdict.level).not.toBe('BLOCKED')
  return boundOf(judgement, { cwd, env, whereIs: () => null, sandbox: 'none' })
}

async function write(root: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), text)
}

type Form = readonly [command: string | readonly string[], file: string, text?: string]

/** Each ran what the file held after it was changed. */
const ranChanged: readonly Form[] = [
  ['make --file=build.mk', 'build.mk'],
  ['bash ~/run.sh', 'home/run.sh'],
  ['bash "$HOME/run.sh"', 'home/run.sh'],
  ['bash "$PWD/run.sh"', 'run.sh'],
  ['bash ~+/run.sh', 'run.sh'],
  ['cd a && cd b && bash run.sh', 'a/b/run.sh'],
  ['( cd a; cd b; bash < run.sh )', 'a/b/run.sh'],
  ['bash "run me.sh" | cat', 'run me.sh'],
  [['sh', '-c', '. ./inc'], 'inc'],
  ['java Evil.java', 'Evil.java'],
  ['run-parts ./parts', 'parts/step'],
  ['git apply x.patch', 'x.patch'],
  ['cp payload.txt x', 'payload.txt'],
  ['node --require=./pre.js main.js', 'pre.js'],
  ['kubectl apply -f deploy.yml', 'deploy.yml'],
  ['docker compose -f other.yml up', 'other.yml'],
  ['pip install -r requirements.txt', 'requirements.txt'],
  ['psql --file=setup.sql', 'setup.sql'],
  ['go run x.go', 'x.go'],
  ['crontab f', 'f'],
]

/** What is read by implication, and other spellings of a name. */
const alike: readonly Form[] = [
  ['bash run.sh', 'run.sh'],
  ['bash r\\un.sh | cat', 'run.sh'],
  ['cat run{,}.sh | bash', 'run.sh'],
  ['bash $(echo run.sh)', 'run.sh'],
  ['f=run.sh; bash "$f"', 'run.sh'],
  ['for f in one.sh two.sh; do bash "$f"; done', 'two.sh'],
  ['{ bash; } < run.sh', 'run.sh'],
  ['printf run.sh | xargs bash', 'run.sh'],
  ['bash ./sub/../run.sh', 'run.sh'],
  ['bash st?p.sh', 'step.sh'],
  ['bash -c "bash -c \'bash deep.sh\'"', 'deep.sh'],
  ['bash -- -odd.sh', '-odd.sh'],
  ['NODE_OPTIONS=--require=./pre.js node main.js', 'pre.js'],
  ['python3 -c "exec(open(\'tool.py\').read())"', 'tool.py'],
  ['psql -fsetup.sql', 'setup.sql'],
  ['psql <<E\n\\i setup.sql\nE', 'setup.sql'],
  ['curl -d @body.json http://127.0.0.1:9/', 'body.json'],
  ['javac @args.txt', 'args.txt'],
  ['java -cp a.jar:b.jar Main', 'b.jar'],
  ['make', 'GNUmakefile'],
  ['make -C dir all', 'dir/Makefile'],
  ['make -f all.mk', 'parts/x.mk', ''],
  ['npm test', 'package.json'],
  ['npm --prefix dir run build', 'dir/package.json'],
  ['npm test', 'scripts/test.js', ''],
  ['npx jest', 'jest.config.mjs'],
  ['python3 -m pytest tests', 'conftest.py'],
  ['pip install ./dir', 'dir/setup.py'],
  ['pip install -r dev.txt', 'more/base.txt', ''],
  ['cargo test', 'build.rs'],
  ['go test ./...', 'go.mod'],
  ['just deploy', 'justfile'],
  ['docker compose up', 'compose.yaml'],
  ['docker build dir', 'dir/Dockerfile'],
  ['terraform apply', 'main.tf'],
  ['kubectl apply -k dir', 'dir/kustomization.yaml'],
  ['git commit -m x', '.git/hooks/pre-commit'],
  ['git -C dir commit -m x', 'dir/.git/config'],
  ['ansible-playbook site.yml', 'ansible.cfg'],
  ['./gradlew build', 'build.gradle.kts'],
  ['bash main.sh', 'lib.sh', ''],
  ['eval "$(cat run.sh)"', 'run.sh'],
  ['exec ./run.sh', 'run.sh'],
  ['nohup bash run.sh & true', 'run.sh'],
  ['pushd sub && bash run.sh', 'sub/run.sh'],
  ['make -fbuild.mk', 'build.mk'],
  ['make SHELL=./run.sh', 'run.sh'],
  ['tar --use-compress-program=./run.sh -cf x.tar sub', 'run.sh'],
  ['rsync -e ./run.sh sub host:', 'run.sh'],
  ['ssh -o ProxyCommand=./run.sh host true', 'run.sh'],
  ['GIT_SSH_COMMAND=./run.sh git fetch', 'run.sh'],
  ['git -c core.hooksPath=hooks commit -m x', 'hooks/pre-commit'],
  ['python3 -m tool', 'tool.py'],
  ['python3 -m sub.tool', 'sub/tool.py'],
  ['node -r ./pre main.js', 'pre.js'],
  ['node sub', 'sub/index.js'],
  ['node main.js', 'util.js', ''],
  ['ruby -r./pre -e 1', 'pre.rb'],
  ['java -cp . Main', 'Main.class'],
  ['go run .', 'main.go'],
  ['PATH=$PWD/bin:$PATH build', 'bin/build'],
  ['aws lambda update-function-code --zip-file fileb://dir/a.zip', 'dir/a.zip'],
  ['terraform apply', 'main.tf.json'],
  ['docker buildx bake', 'docker-bake.hcl'],
  ['uvicorn app:app', 'app.py'],
  ['direnv allow', '.envrc'],
  ['nix build', 'flake.nix'],
  ['cargo run --manifest-path=sub/Cargo.toml', 'sub/build.rs'],
  ['npx own-tool', 'node_modules/.bin/own-tool'],
  ['npm run x --workspace=sub', 'sub/package.json'],
  ['PATH=./sub:$PATH tool x', 'sub/tool'],
  ['bash ${X:-run.sh}', 'run.sh'],
  ['for f in st*.sh; do bash "$f"; done', 'step.sh'],
  ['while read f; do bash "$f"; done < list', 'list'],
  ['pytest tests/test_a.py', 'tests/conftest.py'],
  ['bash --rcfile rc -i', 'rc'],
  ['sqlite3 a.db ".read x.sql"', 'x.sql'],
]

describe('what a command runs or obeys is bound by what it holds', () => {
  test.each([...ranChanged, ...alike])('%j: %s', async (command, file) => {
    await using dir = await TempDir.make()
    await mkdir(join(dir.path, 'a/b'), { recursive: true })
    await mkdir(join(dir.path, 'sub'))
    await mkdir(join(dir.path, 'tests'))
    await write(dir.path, file, 'as shown')
    // what names the file in its turn
    if (file === 'parts/x.mk') await write(dir.path, 'all.mk', 'include parts/x.mk')
    if (file === 'util.js') await write(dir.path, 'main.js', "require('./util')")
    if (file === 'tests/conftest.py') await write(dir.path, 'tests/test_a.py', '')
    if (file === 'sub/build.rs') await write(dir.path, 'sub/Cargo.toml', '')
    if (file.startsWith('hooks/')) await write(dir.path, '.git/config', '')
    if (file === 'lib.sh') await write(dir.path, 'main.sh', '. ./lib.sh')
    if (file === 'more/base.txt') await write(dir.path, 'dev.txt', '-r more/base.txt')
    if (file === 'scripts/test.js') {
      await write(dir.path, 'package.json', '{"scripts": {"test": "node scripts/test.js"}}')
    }
    if (file.startsWith('.git/hooks')) await write(dir.path, '.git/config', '')
    const shown = await bind(command, dir.path)

    await writeFile(join(dir.path, file), 'CHANGED')

    expect(differenceOf(shown, await bind(command, dir.path))).toContain(
      `file ${join(dir.path, file)}`,
    )
  })

  test('hooks of another directory, and those that a linked work tree shares', async () => {
    await using dir = await TempDir.make()
    await write(dir.path, '.git/config', '[core]\n\thooksPath = .husky\n')
    await write(dir.path, '.husky/pre-commit', '')
    await write(dir.path, '.git/worktrees/w/commondir', '../..\n')
    await write(dir.path, 'w/.git', `gitdir: ${dir.path}/.git/worktrees/w\n`)
    const hook = `file ${dir.path}/.husky/pre-commit`
    expect(await bind('git commit -m x', dir.path)).toHaveProperty([hook])
    const linked = await bind('git commit -m x', join(dir.path, 'w'))
    expect(linked).toHaveProperty([`file ${dir.path}/.git/config`])
  })

  test('a file that comes into being is a change', async () => {
    await using dir = await TempDir.make()
    const shown = await bind('make', dir.path)
    await writeFile(join(dir.path, 'GNUmakefile'), 'all:')
    expect(differenceOf(shown, await bind('make', dir.path))).toContain('GNUmakefile')
  })

  test('what an environment variable names is bound as well', async () => {
    await using dir = await TempDir.make()
    await writeFile(join(dir.path, 'pre.js'), '')
    const bound = await bind('node main.js', dir.path, { NODE_OPTIONS: '--require=./pre.js' })
    expect(bound).toHaveProperty([`file ${dir.path}/pre.js`])
  })

  test.each([10, 2_000_000])(
    'a script of %i bytes that was rewritten in place is not what was shown, whatever its times say',
    async (size) => {
      await using dir = await TempDir.make()
      const script = join(dir.path, 'bundle.js')
      await writeFile(script, 'a'.repeat(size))
      const { atime, mtime } = await stat(script)
      await utimes(script, atime, mtime)
      const shown = await bind('node bundle.js', dir.path)

      await writeFile(script, 'b'.repeat(size))
      await utimes(script, atime, mtime)

      const now = await bind('node bundle.js', dir.path)
      expect(differenceOf(shown, now)).toContain(`file ${script}`)
    },
  )

  test('no hash tells what a secret or a private file of another holds', async () => {
    await using dir = await TempDir.make()
    await using other = await TempDir.make()
    await write(dir.path, '.env', 'PIN=1234')
    await write(other.path, 'private', 'x')
    await chmod(join(other.path, 'private'), 0o600)
    await symlink(join(other.path, 'private'), join(dir.path, 'link'))
    const bound = await bind('bash .env link', dir.path)
    for (const name of ['.env', 'link']) {
      expect(bound[`file ${dir.path}/${name}`]).toMatch(/^\d+-\d+-\d+-\d+$/)
    }
  })

  test('to what removes files it is all the same what they hold', async () => {
    await using dir = await TempDir.make()
    await writeFile(join(dir.path, 'app.log'), 'x')
    const shown = await bind(['rm', 'app.log'], dir.path)
    await writeFile(join(dir.path, 'app.log'), 'more')
    expect(differenceOf(shown, await bind(['rm', 'app.log'], dir.path))).toBeNull()
  })
})

describe('what is not bound is told in words', () => {
  test.each([
    ['bash "$X/run.sh"', 'words of bash: some are known only at run time'],
    ['cd "$X" && bash run.sh', 'files of bash: its directory is known only at run time'],
    ['"$X" y', 'a program: its name is known only at run time'],
    ['ls | xargs bash', 'words that bash receives at run time: unknown until then'],
    ['python3 tool.py', 'code that python3 loads: the modules that it imports'],
    ['sometool --go', 'code or settings that sometool loads: unknown here'],
    ['cp -r src there', 'the directory src: its files are not bound'],
    ['run-parts parts', 'only its direct files are bound'],
    ['bash /proc/self/status', '/proc/self/status: not a regular file'],
    ['pip install https://example.com/x.whl', 'https://example.com/x.whl: its content can change'],
    ['bash *.sh', 'files that match *.sh: more than the first 64'],
    ['bash "', 'parts of the command: unreadable'],
  ])('%s', async (command, words) => {
    await using dir = await TempDir.make()
    await mkdir(join(dir.path, 'src'))
    await mkdir(join(dir.path, 'parts/deeper'), { recursive: true })
    for (let n = 0; n < 65; n += 1) await writeFile(join(dir.path, `step-${n}.sh`), '')
    expect(unboundOf(await bind(command, dir.path)).join('\n')).toContain(words)
  })

  test('and nothing is, where all is known', async () => {
    await using dir = await TempDir.make()
    await writeFile(join(dir.path, 'a'), '')
    expect(unboundOf(await bind('mkdir -p b && cp a b', dir.path))).toEqual([])
  })
})

describe('where output goes is not bound: what is written all the time would never be as shown', () => {
  test.each([
    'echo a >> log',
    'echo a > log',
    "echo a &>> 'log'",
    '{ echo a; touch b; } >> log',
    'for n in 1 2; do echo $n; done > log',
  ])('%s', async (command) => {
    await using dir = await TempDir.make()
    await writeFile(join(dir.path, 'log'), 'a line')
    expect(Object.keys(await bind(command, dir.path))).not.toContain(
      `file ${join(dir.path, 'log')}`,
    )
  })

  test('but what runs what was written is', async () => {
    await using dir = await TempDir.make()
    await writeFile(join(dir.path, 'log'), 'a line')
    const bound = await bind('echo true > log; bash log', dir.path)
    expect(Object.keys(bound)).toContain(`file ${join(dir.path, 'log')}`)
  })
})

describe('hostile commands are bound within bounds', () => {
  test.each([
    [
      'thousands of words',
      () => `bash ${Array.from({ length: 9000 }, (_, n) => `a${n}`).join(' ')}`,
    ],
    ['separators', () => `bash ${'=,:@'.repeat(4000)}x`],
    ['a here-document', () => `bash <<E\n${'a.sh b.sh '.repeat(3000)}\nE`],
    ['patterns over the machine', () => 'bash /*/*/*/*/*/*/nothing /**/*/**/none'],
    ['directories', () => `${Array.from({ length: 90 }, (_, n) => `cd d${n}`).join(';')};bash x`],
  ])('%s', async (_, command) => {
    await using dir = await TempDir.make()
    const begun = performance.now()
    await bind(command(), dir.path)
    // alone it takes a tenth of that
    expect(performance.now() - begun).toBeLessThan(10_000)
  })

  test('files without end, and many large ones', async () => {
    await using dir = await TempDir.make()
    const big = Buffer.alloc(1_000_000)
    for (let n = 0; n < 50; n += 1) await writeFile(join(dir.path, `f${n}`), big)
    const names = Array.from({ length: 50 }, (_, n) => `f${n}`)
    const bound = await bind(['bash', ...names, '/dev/zero', '/dev/tty'], dir.path)
    const held = names.map((name) => bound[`file ${dir.path}/${name}`] ?? '')
    expect(held.filter((text) => /^[0-9a-f]{64}$/.test(text))).toHaveLength(33)
    expect(held.every(Boolean)).toBe(true)
    await rm(join(dir.path, 'f0'))
  })
})
