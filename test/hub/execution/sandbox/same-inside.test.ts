import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { Outcome } from '../../../../hub/src/execution/index.ts'
import { chooseProfile } from '../../../../hub/src/execution/sandbox/policy.ts'
import { openShipped, readCorpus } from '../../trust/rules-in-force.ts'
import { choice, Confined, describeConfined, sandboxOf } from './confined.ts'

const settings = { mode: 'auto', safe: 'ro-nonet', review: 'none' } as const
const missing = { 'ro-nonet': '', 'rw-workspace-nonet': '', 'rw-workspace-net': '' }
const inFlight = 3
/** What changes by itself shows it in so many times. */
const rounds = 6
/** What never says the same twice. */
const restless = /\b(?:free|vmstat|uptime|meminfo|loadavg|date)\b/

/**
 * All that an agent sees of an ending. The size of the directory above is left out: the workspaces of tests lie in `/tmp`,
 * which is another one inside. Commands that run side by side complain in any order.
 */
function seen({ exitCode, signal, stdout, stderr, errorCategory }: Outcome): string {
  const text = stdout.text.replaceAll(/^(?:.* \.\.|total .*)$/gm, '')
  const complaints = stderr.text.split('\n').toSorted()
  return JSON.stringify([exitCode ?? signal, text, complaints, errorCategory])
}

describeConfined('what the rules call SAFE', () => {
  test('says the same inside the sandbox as outside', async () => {
    await using trust = Object.assign(await openShipped(), {
      [Symbol.asyncDispose]: () => trust.close(),
    })
    const standing = { sandbox: await sandboxOf({}), missing }
    await using it = await Confined.make()
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
      .filter(
        ({ command: _, ...judgement }) =>
          chooseProfile(
            { ...judgement, level: judgement.verdict.level, cwd: it.cwd },
            settings,
            standing,
          ).profile !== 'none',
      )
    expect(plans.length).toBeGreaterThan(250)
    const different: string[] = []
    const queue = [...plans]
    const work = async (): Promise<void> => {
      for (let next = queue.pop(); next; next = queue.pop()) {
        const { command, verdict } = next
        const limit = { timeoutMs: 5000 }
        const outside = async () => seen(await it.it.plan(verdict.plan, limit))
        const inside = async () =>
          seen(await it.it.plan(verdict.plan, { ...limit, confinement: choice('ro-nonet') }))
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
