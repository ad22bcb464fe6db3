import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { categorize } from '#hub/execution/runner/categorize.ts'
import { TestExecutor } from '../executor-fixture.ts'

const ending = { exitCode: 1, signal: null, stderrTail: '' }

describe('by what is left of a process', () => {
  test.each([
    [{ exitCode: 0 }, null],
    [{ exitCode: 0, stderrTail: 'Permission denied' }, null],
    [{ exitCode: 1 }, 'runtime'],
    [{ exitCode: 126 }, 'permission'],
    [{ exitCode: 127 }, 'not_found'],
    [{ exitCode: 137 }, 'resource'],
    [{ exitCode: 124 }, 'runtime'],
    [{ exitCode: 124, program: 'timeout' }, 'timeout'],
    [{ exitCode: 6, program: 'curl' }, 'network'],
    [{ exitCode: 28, program: 'curl' }, 'timeout'],
    [{ exitCode: 6, program: 'other' }, 'runtime'],
    [{ exitCode: null, signal: 'SIGKILL' }, 'resource'],
    [{ exitCode: null, signal: 'SIGSEGV' }, 'runtime'],
    [{ stderrTail: "cp: cannot create 'x': No space left on device" }, 'resource'],
    [{ stderrTail: 'FATAL ERROR: JavaScript heap out of memory' }, 'resource'],
    [{ stderrTail: 'curl: (6) Could not resolve host: example.invalid' }, 'network'],
    [{ stderrTail: 'Error: getaddrinfo ENOTFOUND example.invalid' }, 'network'],
    [{ stderrTail: 'npm error code EACCES' }, 'permission'],
    [{ stderrTail: '  File "x.py", line 1\nSyntaxError: invalid syntax' }, 'syntax'],
    [{ stderrTail: 'the networkers were here at timeout.txt' }, 'runtime'],
  ])('%j is %j', (changes, category) => {
    expect(categorize({ ...ending, ...changes })).toBe(category)
  })

  test('the last message counts', () => {
    const stderrTail = 'warning: Permission denied on a cache\ncurl: (7) Failed to connect\n\n'

    expect(categorize({ ...ending, stderrTail })).toBe('network')
  })
})

describe('by real failures', () => {
  test.each([
    ['if then', 'syntax'],
    ['echo "unclosed', 'syntax'],
    ['no-such-command', 'not_found'],
    ['cat no-such-file', 'not_found'],
    ['cd no-such-folder', 'not_found'],
    ['./plain', 'permission'],
    ['mkdir /proc/x', 'not_found'],
    ['kill -9 $$', 'resource'],
    ['(kill -9 $BASHPID); exit $?', 'resource'],
    ['echo x > /dev/full', 'resource'],
    ['ulimit -n 6; exec 3<plain 4<plain 5<plain 6<plain || exit 1', 'resource'],
    ['/bin/echo $(head -c 3000000 /dev/zero | tr "\\0" x)', 'resource'],
    ['grep nothing plain', 'runtime'],
    ['diff plain /dev/stdin <<< other', 'runtime'],
    ['test 1 = 2', 'runtime'],
    ['exit 42', 'runtime'],
    ['node --eval "let ="', 'syntax'],
    ['node --eval "throw new Error(1)"', 'runtime'],
    ['node --eval "require(\'no-such-module\')"', 'not_found'],
  ])('%s is %s', async (script, category) => {
    await using it = await TestExecutor.make({
      path: `${join(process.execPath, '..')}:/usr/bin:/bin`,
    })
    await writeFile(join(it.cwd, 'plain'), 'text\n', { mode: 0o644 })

    const outcome = await it.script(script)

    expect(outcome).toMatchObject({ status: 'failed', errorCategory: category })
  })

  test('a refused connection is a matter of the network', async () => {
    await using it = await TestExecutor.make()
    const server = createServer()
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        resolve(typeof address === 'object' ? (address?.port ?? 0) : 0)
      })
    })
    await new Promise((resolve) => server.close(resolve))

    expect(await it.script(`exec 3<> /dev/tcp/127.0.0.1/${port}`)).toMatchObject({
      errorCategory: 'network',
    })
  })

  test('messages are judged in English whatever language the hub speaks', async () => {
    await using it = await TestExecutor.make({ hubEnv: { LANG: 'de_DE.UTF-8', HOME: '/' } })

    const outcome = await it.script('cat no-such-file')

    expect(outcome).toMatchObject({ errorCategory: 'not_found' })
    expect(outcome.stderr.text).toContain('No such file or directory')
  })
})
