import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { TestExecutor } from '../hub/execution/executor-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { Program } from '../support/program.ts'

const { make } = TestExecutor

/**
 * A process whose first thread exits while another goes on: `/proc` shows it as ended, without words, environment or
 * descriptors. With "away" it leaves group and session before that, and lets go of the output.
 */
const headless = `import ctypes, os, sys, threading, time
if 'away' in sys.argv:
    if os.fork(): os._exit(0)
    os.setsid()
    if os.fork(): os._exit(0)
    os.closerange(0, 3)
def work():
    while True: time.sleep(1)
threading.Thread(target=work).start()
libc = ctypes.CDLL(None)
libc.prctl(15, sys.argv[1].encode(), 0, 0, 0)
libc.syscall(93 if os.uname().machine == 'aarch64' else 60, 0)
`

/** The processes of a name that still have a living thread. */
function livingNamed(name: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && livesAs(pid, name))
}

function livesAs(pid: string, name: string): boolean {
  try {
    if (!readFileSync(`/proc/${pid}/stat`, 'latin1').includes(`(${name})`)) return false
    return readdirSync(`/proc/${pid}/task`).some(
      (thread) => !/\) [ZX] /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1')),
    )
  } catch {
    // gone meanwhile
    return false
  }
}

const nameOf = (index: number) => `headless-${index}-${process.pid}`.slice(0, 15)

test('a command without a first thread is ended at its timeout, and when it is cancelled', async () => {
  await using it = await make()
  const file = join(it.cwd, 'headless.py')
  await writeFile(file, headless)
  const name = nameOf(1)
  const cancelling = new AbortController()

  const late = await it.script(`exec python3 ${file} ${name}`, { timeoutMs: 700 })
  const cancelled = it.script(`exec python3 ${file} ${name}`, {}, { signal: cancelling.signal })
  await eventually(() => livingNamed(name).length > 0)
  cancelling.abort()

  expect(late.status).toBe('timed_out')
  expect((await cancelled).status).toBe('cancelled')
  expect(livingNamed(name)).toEqual([])
})

test('one that left group, session and output is ended with its action', async () => {
  await using it = await make()
  const file = join(it.cwd, 'headless.py')
  await writeFile(file, headless)
  const name = nameOf(2)

  const outcome = await it.script(`python3 ${file} ${name} away; sleep 0.7; echo done`)

  expect(outcome).toMatchObject({ status: 'completed', stdout: { text: 'done\n' } })
  expect(outcome.warnings.join()).toContain(`outlived the command and were ended: ${name}`)
  expect(livingNamed(name)).toEqual([])
})

test('one that hub and runner left behind is found by the next hub', async () => {
  await using it = await make()
  const file = join(it.cwd, 'headless.py')
  await writeFile(file, headless)
  const name = nameOf(3)
  await using hub = new Program('executor-that-dies.ts', [
    it.options.marker,
    join(it.cwd, 'spool'),
    `python3 ${file} ${name} away; sleep 1000`,
  ])
  await eventually(() => hub.stdout.includes('all up') && livingNamed(name).length > 0)
  const runners = /runners ([\d ]+)/.exec(hub.stdout)?.[1]?.split(' ').map(Number) ?? []
  for (const pid of runners) process.kill(pid, 'SIGKILL')
  hub.child.kill('SIGKILL')
  await hub.ended

  const survivors = await it.executor.endSurvivors()

  expect(survivors.map((one) => one.name)).toContain(name)
  expect(livingNamed(name)).toEqual([])
})

test('one that cleared its environment is found by the pipe that only a thread of it holds', async () => {
  await using it = await make()
  const file = join(it.cwd, 'thread.py')
  const name = nameOf(4)
  await writeFile(
    file,
    `import ctypes, os, sys, threading, time
libc = ctypes.CDLL(None)
libc.prctl(15, sys.argv[1].encode(), 0, 0, 0)
ready = threading.Event()
def work():
    libc.unshare(0x400)
    ready.set()
    while True: time.sleep(1)
threading.Thread(target=work).start()
ready.wait()
os.closerange(0, 3)
`,
  )

  const outcome = await it.script(
    `env -i setsid /usr/bin/python3 ${file} ${name} & sleep 0.7; echo done`,
  )

  expect(outcome).toMatchObject({ status: 'completed', stdout: { text: 'done\n' } })
  expect(outcome.warnings.join()).toContain(`outlived the command and were ended: ${name}`)
  expect(livingNamed(name)).toEqual([])
})
