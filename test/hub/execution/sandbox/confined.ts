import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe } from '@jest/globals'
import { programPaths } from '#shared/program-paths.js'
import type { Outcome, ProfileChoice, RunControls } from '#hub/execution/index.ts'
import { probeSandbox } from '#hub/execution/sandbox/probe.ts'
import type { Profile } from '#hub/execution/sandbox/profiles.ts'
import type { Sandbox } from '#hub/execution/sandbox/sandbox.ts'
import type { ExecutorOptions } from '#hub/execution/index.ts'
import { TestExecutor } from '../executor-fixture.ts'

/** Looks by itself, so that a probe that finds nothing fails the tests and does not skip them. */
function whyNot(): string | null {
  const bwrap = programPaths('bwrap').find((path) => existsSync(path))
  if (bwrap === undefined) return 'bubblewrap is not installed'
  const args = ['--unshare-all', '--ro-bind', '/', '/', '--proc', '/proc', 'true']
  const { status, stderr } = spawnSync(bwrap, args, { encoding: 'utf8' })
  return status === 0 ? null : stderr.trim()
}

const reason = whyNot()
if (reason !== null) process.stderr.write(`tests of the sandbox are skipped: ${reason}\n`)

/** A `describe` for tests of a real bubblewrap; where there is none that works they are skipped. */
export const describeConfined: (title: string, tests: () => void) => void =
  reason === null ? describe : describe.skip

let probed: ReturnType<typeof probeSandbox> | undefined

/** What the probe finds on this machine, around a workspace. */
export async function sandboxOf(changes: Partial<Sandbox>): Promise<Sandbox> {
  probed ??= probeSandbox({ roots: ['/'], hidden: [] })
  const { sandbox, missing } = await probed
  if (sandbox === null) throw new Error(missing['ro-nonet'])
  return { ...sandbox, roots: [], homes: [], hidden: [], ...changes }
}

/** A choice of the policy's, made by hand. */
export function choice(profile: Profile, shown: readonly string[] = []): ProfileChoice {
  return { profile, reason: null, refusal: null, ask: null, shown, warnings: [] }
}

/** A real executor with a sandbox around its own working directory. */
export class Confined implements AsyncDisposable {
  readonly it: TestExecutor

  private constructor(it: TestExecutor) {
    this.it = it
  }

  /** @param shape of the sandbox; told the working directory, which is there already */
  static async make(
    shape: (cwd: string) => Promise<Partial<Sandbox>> = async () => ({}),
    options: Partial<ExecutorOptions> = {},
  ): Promise<Confined> {
    const it = await TestExecutor.make(async (cwd) => ({
      ...options,
      sandbox: await sandboxOf({ roots: [cwd], ...(await shape(cwd)) }),
    }))
    return new Confined(it)
  }

  get cwd(): string {
    return this.it.cwd
  }

  script(script: string, profile: Profile = 'ro-nonet', controls?: RunControls): Promise<Outcome> {
    return this.it.script(script, { confinement: choice(profile) }, controls)
  }

  argv(argv: readonly string[], profile: Profile = 'ro-nonet'): Promise<Outcome> {
    return this.it.argv(argv, { confinement: choice(profile) })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.it[Symbol.asyncDispose]()
  }
}
