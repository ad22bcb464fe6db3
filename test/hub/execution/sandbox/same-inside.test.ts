import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { Outcome } from '#hub/execution/index.ts'
import { chooseProfile } from '#hub/execution/sandbox/policy.ts'
import { ofEachProfile } from '#hub/execution/sandbox/profiles.ts'
import { openShipped, readCorpus } from '../../trust/rules-in-force.ts'
import { Confined, describeConfined, sandboxOf } from './confined.ts'

const settings = { mode: 'auto', safe: 'ro-nonet', review: 'none' } as const
const missing = ofEachProfile('')
const inFlight = 3
/** What changes by itself shows it in so many times. */
const rounds = 6
/** What never says the same twice: time, memory, and who else is at work on the machine. */
const restless = /\b(?:free|vmstat|uptime|meminfo|loadavg|date|pgrep)\b/

/** What is another user and an empty memory by design: see `asAnother`, `deviceArguments`. */
const own = /(?<= uid )\d+|^tmpfs .* \/(?:dev\/shm|run)$/gm

/**
 * All that an agent sees of an ending. The size of the directory above is left out: the workspaces of tests lie in `/tmp`,
 * which is another one inside. Commands that run side by side complain in any order.
 */
function seen({ exitCode, signal, stdout, stderr, errorCategory }: Outcome): string {
  const text = stdout.text.replaceAll(/^(?:.* \.\.|total .*)$/gm, '').replaceAll(own, '')
  const complaints = stderr.text.split('\n').toSorted()
  return JSON.stringify([exitCode ?? signal, text, complaints, errorCategory])
}

describeConfined('what the rules call SAFE', () => {
  test('says the same inside the sandbox as outside', async () => {
    await using trust = Object.assign(await openShipped(), {
      [Symbol.asyncDispose]: () => trust.close(),
    })
    await using it = await Confined.make()
    const standing = { sandbox: await sandboxOf({ roots: [it.cwd] }), missing }
    await mkdir(join(it.cwd, 'src'))
    for (const name of ['a.txt', 'b.txt', 'src/a.ts', 'README.md', 'package.json']) {
      await writeFile(join(it.cwd, name), `{"name": "${name}"}\n`)
    }
    const git = (...args: string[]) =>
      spawnSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
        cwd: it.cwd,
      })
    for (const args of [
      ['init', '-q'],
      ['add', '-A'],
      ['commit', '-q', '-m', 'first'],
    ])
      git(...args)

    const plans = readCorpus('benign')
      .map(({ command }) => ({ command, ...trust.judge(command, { cwd: it.cwd }) }))
      .filter(({ command, verdict }) => verdict.level === 'SAFE' && !restless.test(command))
      .map((judged) => ({
        ...judged,
        confinement: chooseProfile({ ...judged, level: 'SAFE', cwd: it.cwd }, settings, standing),
      }))
      .filter(({ confinement: { ask, warnings } }) => ask === null && warnings.length === 0)
    expect(plans.length).toBeGreaterThan(250)
    const different: string[] = []
    const queue = [...plans]
    const work = async (): Promise<void> => {
      for (let next = queue.pop(); next; next = queue.pop()) {
        const { command, verdict, confinement } = next
        const limit = { timeoutMs: 5000 }
        const outside = async () => seen(await it.it.plan(verdict.plan, limit))
        const inside = async () => seen(await it.it.plan(verdict.plan, { ...limit, confinement }))
        const [outs, ins] = [new Set<string>(), new Set<string>()]
        for (let round = 0; round < rounds && outs.isDisjointFrom(ins); round += 1) {
          outs.add(await outside())
          ins.add(await inside())
        }
        // what is never the same outside either (addresses, times) is not held against the sandbox
        if (outs.size === 1 && outs.isDisjointFrom(ins))
          different.push(`${command}: ${[...outs, ...ins].join('\n')}`)
      }
    }
    await Promise.all(Array.from({ length: inFlight }, work))
    expect(different).toEqual([])
  }, 180_000)
})
