import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { silentLogger } from '@centralpost/shared'
import { chooseProfile, type Outcome } from '#hub/execution/index.ts'
import { ofEachProfile } from '#hub/execution/sandbox/profiles.ts'
import type { Sandbox } from '#hub/execution/sandbox/sandbox.ts'
import { TrustManager } from '#hub/trust/trust-manager.ts'
import { Confined, describeConfined } from '../hub/execution/sandbox/confined.ts'
import { shippedRules } from '../support/hub.ts'

const settings = { mode: 'auto', safe: 'ro-nonet', review: 'none' } as const

/** Others of its kind may lie in `/tmp`, which these commands are shown. */
const secret = `SECRET-${process.pid}`

/** A hub's way from words to outcome, without the hub: what the shipped rules say, in the profile that the policy chooses. */
class Way {
  readonly #it: Confined
  readonly #trust: TrustManager

  constructor(it: Confined, trust: TrustManager) {
    this.#it = it
    this.#trust = trust
  }

  get home(): string {
    return join(this.#it.cwd, 'home')
  }

  /** Null where a person decides. */
  async run(command: string): Promise<Outcome | null> {
    const { cwd, it } = this.#it
    const judgement = this.#trust.judge(command, { cwd, home: this.home })
    const { verdict } = judgement
    if (verdict.level !== 'SAFE') return null
    const missing = ofEachProfile('')
    const sandbox = it.options.sandbox as Sandbox
    const confinement = chooseProfile({ ...judgement, level: verdict.level, cwd }, settings, {
      sandbox,
      missing,
    })
    return it.plan(verdict.plan, { confinement })
  }
}

async function withWay(work: (way: Way) => Promise<void>): Promise<void> {
  await using it = await Confined.make(async (cwd) => {
    const folder = join(cwd, 'home', '.config', 'gh')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'hosts.yml'), `oauth_token: ${secret}\n`)
    await writeFile(join(cwd, 'note'), 'a note\n')
    return { homes: [join(cwd, 'home')] }
  })
  await using trust = await TrustManager.open({ rulesPath: shippedRules, log: silentLogger })
  await work(new Way(it, trust))
}

describeConfined('a SAFE command that names a place of the machine', () => {
  test(
    'reads no credential by that: it is asked about, or the masks hold where it is shown the machine',
    () =>
      withWay(async (way) => {
        const { home } = way
        const searches = [
          `grep -r oauth ${home}/.config /tmp/`,
          `grep -rn oauth home/.config /tmp/x*`,
          `grep -rh oauth . /dev/`,
          `grep -rh oauth; ls /tmp`,
          `grep -rh oauth ${home}/.conf* /tmp/`,
          `cd home && grep -rh oauth .config /tmp/`,
          `cd home; grep -rh oauth .; ls /tmp`,
          `ps aux; grep -rh oauth ${home}/.config`,
          `find ${home} -type f; grep -rh oauth ${home}/.config; df -h`,
          `grep -R oauth /proc/self/cwd/home/ /tmp/`,
          `grep -R oauth /proc/*/cwd/ /tmp/`,
          `grep -Rs oauth /proc/self/`,
          `diff -r ${home}/.config /tmp/`,
          `cat $HOME/.config/*/* /tmp/*`,
          `cat ~/.config/*/* /tmp/*`,
          `ls -d home/.config/gh/* | xargs cat; ls /tmp`,
          `printf '%s\\n' home/.config/gh/hosts.yml | xargs cat; ls /tmp`,
          `for f in home/.config/gh/*; do cat "$f"; done; ls /tmp`,
          `cat < home/.config/gh/hosts.yml; ls /tmp`,
          `sort --files0-from=${home}/.config /tmp/`,
        ]
        const outcomes = new Map<string, Outcome | null>()
        for (const command of searches) outcomes.set(command, await way.run(command))

        const read = [...outcomes].filter(([, it]) => it?.stdout.text.includes(secret))
        expect(read.map(([command]) => command)).toEqual([])
        // A search above credentials is asked about; what is not, stays inside.
        expect(outcomes.get(searches[0] as string)).toBeNull()
        const ran = [...outcomes.values()].filter((outcome) => outcome !== null)
        expect(ran.filter(({ sandbox }) => sandbox?.profile === 'none')).toEqual([])
      }),
    60_000,
  )

  test.each([
    ['ls /tmp', 'files'],
    ['cat note; ls -la /tmp/', 'files'],
    ['ps aux', 'processes'],
    ['df -h /', 'mounts'],
    ['ss -tln', 'network'],
  ])('%s is shown the machine, and no more of it than its %s', (command, view) =>
    withWay(async (way) => {
      const outcome = await way.run(command)
      expect(outcome).toMatchObject({
        status: 'completed',
        sandbox: { profile: `machine-${view}` },
      })
    }),
  )
})
