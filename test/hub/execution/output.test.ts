import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import type { OutputStream } from '@centralpost/shared'
import type { Outcome, OutputChunk, OutputPage } from '#hub/execution/index.ts'
import { Program } from '../../support/program.ts'
import { TestExecutor } from './executor-fixture.ts'

const make = TestExecutor.make
const MiB = 1024 * 1024

/** Reads all of a kept stream page by page. */
async function readAll(it: TestExecutor, ref: string, stream: OutputStream, limit: number) {
  let data = ''
  for (let offset = 0; ;) {
    const page = await it.executor.readOutput(ref, stream, offset, limit)
    data += page.data
    if (page.eof) return { data, total: page.total }
    expect(page.next_offset).toBeGreaterThan(offset)
    offset = page.next_offset
  }
}

function listener() {
  const chunks: OutputChunk[] = []
  const text = (stream: OutputStream) =>
    chunks
      .filter((chunk) => chunk.stream === stream)
      .map((chunk) => chunk.data)
      .join('')
  return { chunks, text, onOutput: (chunk: OutputChunk) => chunks.push(chunk) }
}

describe('what the outcome holds', () => {
  test('short output touches no disk', async () => {
    await using it = await make()

    await it.script('seq 1000')

    await expect(stat(it.options.spoolDir)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('of long output the outcome holds head and tail, and the spool all', async () => {
    await using it = await make({ inlineBytes: 2000 })
    const whole = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join('')

    const outcome = await it.script('seq 20000; echo note >&2')

    expect(outcome).toMatchObject({ status: 'completed', truncated: true, outputRef: 'action-1' })
    expect(outcome.stdout.bytes).toBe(whole.length)
    expect(outcome.stdout.text.length).toBeLessThanOrEqual(2000)
    const parts = /^(.*)\n… (\d+) bytes left out …\n(.*)$/s.exec(outcome.stdout.text)
    const [, head = '', left = '', tail = ''] = parts ?? []
    expect(whole.startsWith(head)).toBe(true)
    expect(whole.endsWith(tail)).toBe(true)
    expect(head.length + tail.length + Number(left)).toBe(whole.length)
    expect(Math.min(head.length, tail.length)).toBeGreaterThan(900)
    expect(outcome.stderr.text).toBe('note\n')
    expect(await readAll(it, 'action-1', 'stdout', 4096)).toEqual({
      data: whole,
      total: whole.length,
    })
    expect(await readAll(it, 'action-1', 'stderr', 4096)).toEqual({ data: 'note\n', total: 5 })
  })

  test('what is kept can be read by its owner only', async () => {
    await using it = await make({ inlineBytes: 1024 })
    await it.script('seq 2000')
    const folder = join(it.options.spoolDir, 'action-1')

    expect((await readdir(folder)).toSorted()).toEqual(['stderr', 'stdout'])
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect((await stat(join(folder, 'stdout'))).mode & 0o777).toBe(0o600)
  })

  test('two runs under one action id keep their output apart', async () => {
    await using it = await make({ inlineBytes: 1024 })

    const [one, two] = await Promise.all([it.script('seq 1 2000'), it.script('seq 3001 5000')])

    expect(new Set([one.outputRef, two.outputRef])).toEqual(new Set(['action-1', 'action-1.2']))
    expect((await readAll(it, one.outputRef ?? '', 'stdout', 65_536)).data).toMatch(/^1\n2\n/)
    expect((await readAll(it, two.outputRef ?? '', 'stdout', 65_536)).data).toMatch(/^3001\n3002\n/)
  })

  test('colours stay, NUL stays, and what is not UTF-8 is marked', async () => {
    await using it = await make()

    const outcome = await it.script(String.raw`printf '\033[31mred\033[0m \0 \xff\xfe \xc3(\n'`)

    expect(outcome.stdout.text).toBe('\u001B[31mred\u001B[0m \0 \uFFFD\uFFFD \uFFFD(\n')
  })

  test('text that JSON would blow up is cut until both streams fit in one message', async () => {
    await using it = await make()

    const outcome = await it.script('head -c 262144 /dev/zero; head -c 262144 /dev/zero >&2')

    expect(outcome).toMatchObject({ status: 'completed', truncated: true, outputRef: 'action-1' })
    const { stdout, stderr } = outcome
    expect(stdout.bytes).toBe(262_144)
    expect(Buffer.byteLength(JSON.stringify({ stdout, stderr }))).toBeLessThan(900 * 1024)
    const read = await readAll(it, 'action-1', 'stdout', 262_144)
    expect(read.data === '\0'.repeat(262_144)).toBe(true)
  })
})

describe('limits', () => {
  test('a command that writes too much is ended and what came is kept', async () => {
    await using it = await make({ maxOutputBytes: 1_000_000 })

    const outcome = await it.argv(['yes'])

    expect(outcome).toMatchObject({
      status: 'failed',
      success: false,
      errorCategory: 'output_limit',
      truncated: true,
      reason: 'ended because it wrote more than 1000000 bytes',
    })
    expect(outcome.stdout.bytes).toBe(1_000_000)
    expect((await readAll(it, 'action-1', 'stdout', 262_144)).total).toBe(1_000_000)
  })

  test('the limit is one for both streams', async () => {
    await using it = await make({ maxOutputBytes: 1_000_000 })

    const outcome = await it.script('head -c 600000 /dev/zero; exec yes e >&2')

    expect(outcome.errorCategory).toBe('output_limit')
    expect([outcome.stdout.bytes, outcome.stderr.bytes]).toEqual([600_000, 400_000])
  })

  test('exactly as much as is allowed is no fault', async () => {
    await using it = await make({ maxOutputBytes: 1_000_000 })

    expect(await it.script('head -c 1000000 /dev/zero')).toMatchObject({
      status: 'completed',
      stdout: { bytes: 1_000_000 },
    })
  })

  test('a flood that ignores SIGTERM is killed', async () => {
    await using it = await make({ maxOutputBytes: 1_000_000 })

    const outcome = await it.script(`trap '' TERM; while :; do echo flood >&2; done`)

    expect(outcome).toMatchObject({ errorCategory: 'output_limit', signal: 'SIGKILL' })
  })

  test('a flood that a command left behind spoils its outcome', async () => {
    await using it = await make({ maxOutputBytes: 1_000_000 })

    const outcome = await it.script('yes & sleep 0.5; exit 0')

    expect(outcome).toMatchObject({ status: 'failed', errorCategory: 'output_limit' })
  })

  test('ten seconds of full speed grow the memory of neither the hub nor its runner', async () => {
    await using it = await make()
    const { marker, spoolDir } = it.options
    // up to 1 GB a second is written: where there is no room for that, two seconds must do
    const { bavail, bsize } = statfsSync(it.cwd)
    const seconds = bavail * bsize > 16_384 * MiB ? 10 : 2
    await using program = new Program('runs-a-flood.ts', [marker, spoolDir, `${seconds * 1000}`])

    const { stdout } = await program.ended
    const seen = JSON.parse(stdout) as {
      status: string
      bytes: number
      heard: number
      grownBytes: number[]
    }

    expect(seen.status).toBe('timed_out')
    expect(seen.bytes).toBeGreaterThan(20 * MiB)
    expect(seen.heard).toBeLessThan((seconds + 2) * MiB)
    expect(seen.grownBytes).toHaveLength(2)
    expect(Math.max(...seen.grownBytes) / MiB).toBeLessThan(64)
  }, 60_000)
})

describe('a spool that fails', () => {
  const mount = mountTiny()

  afterAll(() => {
    if (mount !== null) execFileSync('umount', [mount])
    if (mount !== null) rmSync(mount, { recursive: true })
  })

  const testMounted = mount === null ? test.skip : test

  testMounted('a full disk ends the command and keeps what was written', async () => {
    await using it = await make({ spoolDir: join(mount ?? '', 'spool') })

    const outcome = await it.argv(['yes'])

    const page = await it.executor.readOutput('action-1', 'stdout', 0, 100)
    expectFullDisk(outcome, page, it.options.spoolDir)
  })

  test('a folder that cannot be made ends the command', async () => {
    await using it = await make({ inlineBytes: 1024 })
    await writeFile(it.options.spoolDir, 'a file in its place')

    const outcome = await it.script('seq 100000; sleep 1000')

    expect(outcome).toMatchObject({ status: 'failed', errorCategory: 'resource', outputRef: null })
    expect(outcome.stdout.text).toMatch(/^1\n2\n/)
  })
})

describe('live output', () => {
  test('pieces come in order, numbered over both streams', async () => {
    await using it = await make()
    const heard = listener()

    await it.script(
      'for i in 1 2 3; do echo o$i; sleep 0.08; echo e$i >&2; sleep 0.08; done',
      {},
      heard,
    )

    expect(heard.chunks.map(({ seq }) => seq)).toEqual(heard.chunks.map((_, index) => index))
    expect(heard.chunks.map(({ data }) => data).join('')).toBe('o1\ne1\no2\ne2\no3\ne3\n')
    expect(heard.chunks).toHaveLength(6)
  })

  test('it comes while the command runs', async () => {
    await using it = await make()
    const cancelling = new AbortController()

    const outcome = await it.script(
      'printf partial; sleep 1000',
      {},
      { signal: cancelling.signal, onOutput: () => cancelling.abort() },
    )

    expect(outcome).toMatchObject({ status: 'cancelled', stdout: { text: 'partial' } })
    expect(outcome.durationMs).toBeLessThan(5000)
  })

  test('many small writes are gathered', async () => {
    await using it = await make()
    const heard = listener()

    await it.script('for ((i = 0; i < 5000; i++)); do echo $i; done', {}, heard)

    expect(heard.text('stdout').split('\n')).toHaveLength(5001)
    expect(heard.chunks.length).toBeLessThan(60)
  })

  test('a character that is written byte by byte arrives whole', async () => {
    await using it = await make()
    const heard = listener()

    const outcome = await it.script(
      String.raw`for b in '\xe2' '\x82' '\xac' '\xf0' '\x9f' '\x98' '\x80' '\xc3'; do printf $b; sleep 0.08; done`,
      {},
      heard,
    )

    expect(heard.text('stdout')).toBe('€😀\uFFFD')
    expect(outcome.stdout.text).toBe('€😀\uFFFD')
  })

  test('a flood is thinned, what is left out is counted, and the spool has it all', async () => {
    await using it = await make()
    const heard = listener()

    const outcome = await it.script('head -c 20000000 /dev/zero | tr "\\0" x', {}, heard)

    const told = heard.text('stdout').length
    const skipped = heard.chunks.reduce((sum, { skippedBytes = 0 }) => sum + skippedBytes, 0)
    expect(told + skipped).toBe(20_000_000)
    expect(skipped).toBeGreaterThan(0)
    expect(Math.max(...heard.chunks.map(({ data }) => data.length))).toBeLessThanOrEqual(32_768)
    const seqs = heard.chunks.map(({ seq }) => seq)
    expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b))
    expect(seqs.at(-1)).toBeGreaterThan(seqs.length)
    expect(outcome.stdout.bytes).toBe(20_000_000)
  })

  test('a listener that throws is logged once and harms nothing', async () => {
    await using it = await make()
    let calls = 0
    const onOutput = () => {
      calls += 1
      throw new Error('listener broke')
    }

    const outcome = await it.script('echo a; sleep 0.1; echo b; echo c >&2', {}, { onOutput })

    expect(calls).toBeGreaterThan(1)
    expect(outcome).toMatchObject({ status: 'completed', stdout: { text: 'a\nb\n' } })
    expect(it.warned.map(({ fields }) => fields['error'])).toEqual(['listener broke'])
  })
})

describe('pages of kept output', () => {
  test('no page splits a character, wherever it begins', async () => {
    await using it = await make({ inlineBytes: 1024 })
    const whole = 'aé€😀'.repeat(500)
    await writeFile(join(it.cwd, 'text'), whole)
    const { outputRef } = await it.script('cat text')

    for (const limit of [4, 5, 7, 1000]) {
      expect((await readAll(it, outputRef ?? '', 'stdout', limit)).data).toBe(whole)
    }
    const inside = await it.executor.readOutput(outputRef ?? '', 'stdout', 8, 10)
    expect(inside).toMatchObject({ offset: 6, data: '😀aé€' })
  })

  test('pages of what is no text come to the same as the whole', async () => {
    await using it = await make({ inlineBytes: 1024 })
    const bytes = Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7919) % 256))
    await writeFile(join(it.cwd, 'bytes'), bytes)
    const { outputRef } = await it.script('cat bytes')

    expect((await readAll(it, outputRef ?? '', 'stdout', 64)).data).toBe(bytes.toString('utf8'))
  })

  test('past the end there is nothing more', async () => {
    await using it = await make({ inlineBytes: 1024 })
    const { outputRef } = await it.script('seq 1000')

    expect(await it.executor.readOutput(outputRef ?? '', 'stdout', 1_000_000, 10)).toEqual({
      data: '',
      offset: 3893,
      next_offset: 3893,
      total: 3893,
      eof: true,
    })
  })

  test.each([
    ['../action-1', 0, 10, 'output_ref'],
    ['a/b', 0, 10, 'output_ref'],
    ['', 0, 10, 'output_ref'],
    ['action-1', -1, 10, 'offset'],
    ['action-1', 0.5, 10, 'offset'],
    ['action-1', 0, 0, 'limit'],
  ])(
    'a page of %j from %d of %d bytes is refused for its %s',
    async (ref, offset, limit, field) => {
      await using it = await make()
      await mkdir(join(it.options.spoolDir, 'action-1'), { recursive: true })

      await expect(it.executor.readOutput(ref, 'stdout', offset, limit)).rejects.toMatchObject({
        code: 'invalid_request',
        details: { field },
      })
    },
  )

  test('a reference under which nothing is kept is not found', async () => {
    await using it = await make()

    await expect(it.executor.readOutput('action-9', 'stdout', 0, 10)).rejects.toMatchObject({
      code: 'not_found',
    })
  })
})

function expectFullDisk(outcome: Outcome, page: OutputPage, spoolDir: string): void {
  expect(outcome).toMatchObject({
    status: 'failed',
    errorCategory: 'resource',
    truncated: true,
    outputRef: 'action-1',
  })
  expect(outcome.reason).toContain('ENOSPC')
  expect(outcome.reason).toContain(spoolDir)
  expect(page.total).toBeGreaterThan(100_000)
  expect(page.data).toMatch(/^y\ny\n/)
}

/** A file system of 1 MiB, null where this user may not mount one. */
function mountTiny(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'centralpost-tiny-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' })
    mkdirSync(join(folder, 'spool'))
    return folder
  } catch {
    rmSync(folder, { recursive: true })
    return null
  }
}
