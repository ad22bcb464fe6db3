import { existsSync } from 'node:fs'
import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { silentLogger } from '@centralpost/shared'
import { KeptOutputs, type OutputLimits } from '#hub/execution/output/kept-outputs.ts'
import { TempDir } from '../../../support/temp-dir.ts'

const limits: OutputLimits = { maxBytes: 10_000, maxBytesPerAgent: 5000, maxAgeMs: 3_600_000 }

async function written(folder: string, ref: string, bytes: number, ageMs = 0): Promise<string> {
  await mkdir(join(folder, ref), { recursive: true })
  for (const stream of ['stdout', 'stderr']) {
    const path = join(folder, ref, stream)
    await writeFile(path, Buffer.alloc(stream === 'stdout' ? bytes : 0))
    const at = new Date(Date.now() - ageMs)
    await utimes(path, at, at)
  }
  return ref
}

const kept = (folder: string, refs: readonly string[]): string[] =>
  refs.filter((ref) => existsSync(join(folder, ref)))

test('an agent that fills the disk loses its own oldest outputs, and nobody else loses any', async () => {
  await using dir = await TempDir.make()
  const outputs = new KeptOutputs(dir.path, limits, silentLogger)
  await outputs.add(await written(dir.path, 'polite', 2000), 'polite')
  for (let n = 0; n < 20; n += 1) {
    await outputs.add(await written(dir.path, `flood-${n}`, 1200), 'flooder')
  }
  const flooded = Array.from({ length: 20 }, (_, n) => `flood-${n}`)
  expect(kept(dir.path, ['polite', ...flooded])).toEqual([
    'polite',
    'flood-16',
    'flood-17',
    'flood-18',
    'flood-19',
  ])
  await outputs.stop()
})

test('many agents together keep to the whole, and the youngest stay, also after a new start', async () => {
  await using dir = await TempDir.make()
  const refs = Array.from({ length: 8 }, (_, n) => `output-${n}`)
  const outputs = new KeptOutputs(dir.path, limits, silentLogger)
  for (const [n, ref] of refs.entries()) {
    await outputs.add(await written(dir.path, ref, 2000, (8 - n) * 1000), `agent-${n}`)
  }
  await outputs.stop()
  expect(kept(dir.path, refs)).toEqual(refs.slice(3))

  const next = new KeptOutputs(dir.path, { ...limits, maxBytes: 4000 }, silentLogger)
  await next.stop()
  expect(kept(dir.path, refs)).toEqual(refs.slice(6))
})

test('what is too old goes, and an output that is larger than all may be as well', async () => {
  await using dir = await TempDir.make()
  const refs = [
    await written(dir.path, 'old', 10, 7_200_000),
    await written(dir.path, 'young', 10),
    await written(dir.path, 'huge', 20_000),
  ]
  const outputs = new KeptOutputs(dir.path, limits, silentLogger)
  await outputs.stop()
  expect(kept(dir.path, refs)).toEqual(['young'])
})

test('the folder of a command that has just begun is left alone by the first look', async () => {
  await using dir = await TempDir.make()
  await mkdir(join(dir.path, 'begun'))
  const outputs = new KeptOutputs(dir.path, limits, silentLogger)
  await outputs.stop()
  expect(kept(dir.path, ['begun'])).toEqual(['begun'])
  await outputs.add(await written(dir.path, 'begun', 100), 'agent-a')
  expect(kept(dir.path, ['begun'])).toEqual(['begun'])
})
