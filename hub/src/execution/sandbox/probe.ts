import { spawn } from 'node:child_process'
import { accessSync, constants, readFileSync, realpathSync, statSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { programPaths } from '@centralpost/shared/program-paths'
import { confine } from './confine.ts'
import type { SandboxStanding } from './policy.ts'
import { type ConfinedProfile, confinedProfiles, ofEachProfile, profileTraits } from './profiles.ts'
import type { MachineHelpers, Sandbox } from './sandbox.ts'
import { filterFd, systemCallFilter } from './system-calls.ts'

/** Facts about sandboxes, found at the hub's start. */
export interface SandboxProbe extends SandboxStanding {
  /** as printed by bwrap; null if missing */
  readonly version: string | null
  /** duration of the probe, in milliseconds */
  readonly tookMs: number
}

export interface ProbeParts {
  /** directories that commands may work in */
  readonly roots: readonly string[]
  /** hidden from every command, besides credentials */
  readonly hidden: readonly string[]
  /** path of bwrap; absent: searched on PATH, in the usual folders, then the copy made by set-up */
  readonly bwrap?: string | undefined
}

const probeMs = 10_000

/**
 * Really starts a command in each profile, once, and reports which work and why the others do not.
 * Never throws.
 */
export async function probeSandbox(parts: ProbeParts): Promise<SandboxProbe> {
  const begun = performance.now()
  const done = (standing: SandboxStanding, version: string | null): SandboxProbe => ({
    ...standing,
    version,
    tookMs: performance.now() - begun,
  })
  if (process.platform !== 'linux') return done(none('bubblewrap needs Linux'), null)
  const places = parts.bwrap === undefined ? programPaths('bwrap') : [parts.bwrap]
  const bwrap = places.find(isExecutable)
  if (bwrap === undefined) {
    const why =
      parts.bwrap === undefined
        ? 'bubblewrap (bwrap) is not installed: apt-get install bubblewrap'
        : `${parts.bwrap} is not a program: see execution.sandbox.bwrap`
    return done(none(why), null)
  }
  const told = await tryRun(bwrap, ['--version'])
  if (told.fault !== null) return done(none(`${bwrap} does not run: ${told.fault}`), null)
  const version = told.stdout.trim()
  const base = baseOf(bwrap, version, parts)
  const namespaces = process.getuid?.() === 0 ? [false, true] : [true]
  const filters = systemCallFilter('quiet') === null ? [false] : [true, false]
  let last: SandboxStanding = none('nothing was tried')
  for (const userNamespace of namespaces) {
    for (const filtersCalls of filters) {
      if (last.sandbox === null) last = await tryProfiles({ ...base, userNamespace, filtersCalls })
    }
  }
  return done(last, version)
}

function none(why: string): SandboxStanding {
  return { sandbox: null, missing: ofEachProfile(why) }
}

const [shownProfiles, plainProfiles] = [true, false].map((isShown) =>
  confinedProfiles.filter((profile) => (profileTraits[profile].machine !== null) === isShown),
) as [ConfinedProfile[], ConfinedProfile[]]

/**
 * First the requirements of every sandbox, then views of the machine, in the strictest working way.
 */
async function tryProfiles(base: Omit<Sandbox, 'available'>): Promise<SandboxStanding> {
  const missing = ofEachProfile('')
  const tryEach = async (profiles: readonly ConfinedProfile[], sandbox: Sandbox) => {
    const faults = await Promise.all(profiles.map((profile) => tryProfile(profile, sandbox)))
    for (const [index, profile] of profiles.entries()) {
      const fault = faults[index] ?? null
      missing[profile] = fault === null ? '' : explain(fault)
    }
    return profiles.filter((profile) => missing[profile] === '')
  }
  const plain = await tryEach(plainProfiles, { ...base, available: [] })
  if (plain.length === 0) return { sandbox: null, missing }
  let [best, shown]: [MachineHelpers | null, ConfinedProfile[]] = [null, []]
  if (base.filtersCalls) {
    for (const machine of waysToShow(base.userNamespace)) {
      const works = await tryEach(shownProfiles, { ...base, machine, available: [] })
      if (works.length > shown.length) [best, shown] = [machine, works]
      if (shown.length === shownProfiles.length) break
    }
    for (const profile of shown) missing[profile] = ''
  } else {
    for (const profile of shownProfiles) missing[profile] = 'system calls cannot be filtered here'
  }
  return { sandbox: { ...base, machine: best, available: [...plain, ...shown] }, missing }
}

/** Strictest first. */
function waysToShow(userNamespace: boolean): MachineHelpers[] {
  const [unshare, mount, setpriv] = ['unshare', 'mount', 'setpriv'].map(ofSystem)
  const noExec = unshare && mount ? { unshare, mount } : null
  const another = userNamespace ? null : (setpriv ?? null)
  const ways = [
    { noExec, setpriv: another },
    { noExec, setpriv: null },
    { noExec: null, setpriv: another },
    { noExec: null, setpriv: null },
  ]
  return ways.filter(
    (way, at) => ways.findIndex((one) => JSON.stringify(one) === JSON.stringify(way)) === at,
  )
}

function ofSystem(name: string): string | undefined {
  return ['/usr/bin', '/bin', '/usr/sbin', '/sbin']
    .map((folder) => `${folder}/${name}`)
    .find(isExecutable)
}

async function tryProfile(profile: ConfinedProfile, sandbox: Sandbox): Promise<string | null> {
  const { start } = confine(
    {
      file: '/bin/sh',
      argv0: 'sh',
      args: ['-c', 'exit 0'],
      cwd: sandbox.roots[0] ?? '/',
      env: { PATH: '/usr/bin:/bin' },
    },
    {
      profile,
      sandbox,
      shown: [],
      mark: { hubId: 'probe', runId: String(process.pid) },
      limits: { temporaryBytes: 1024 * 1024 },
      group: null,
    },
  )
  const { fault } = await tryRun(start.file, start.args, start.filter?.bytes)
  return fault
}

function baseOf(bwrap: string, version: string, parts: ProbeParts): Omit<Sandbox, 'available'> {
  const [, major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(version) ?? []).map(Number)
  const roots = parts.roots.map(realPathOf)
  return {
    bwrap,
    takesArgv0: major > 0 || minor >= 9,
    takesSize: major > 0 || minor >= 8,
    machine: null,
    userNamespace: false,
    filtersCalls: false,
    roots,
    homes: homesOf(roots),
    hidden: parts.hidden.map(realPathOf),
  }
}

/**
 * The homes to protect: the hub's own under either name, those of the workspaces' owners, and for
 * root, who can read everything, everyone's.
 */
function homesOf(roots: readonly string[]): string[] {
  const asRoot = process.getuid?.() === 0
  const owners = roots.map((root) => ownerOf(root))
  const homes = [
    homedir(),
    homeByName(),
    '/root',
    ...roots.flatMap((root) => /^\/(?:home|Users)\/[^/]+/.exec(root)?.[0] ?? []),
    ...usersOfMachine()
      // a foreign home may be a system directory: /bin, /usr/sbin
      .filter(({ uid, home }) => owners.includes(uid) || (asRoot && ownerOf(home) === uid))
      .map(({ home }) => home),
  ]
  return [...new Set(homes.filter((home) => home !== '' && home !== '/').map(realPathOf))]
}

/** A container's user often has no name, and so no home by name. */
function homeByName(): string {
  try {
    return userInfo().homedir
  } catch {
    return ''
  }
}

function usersOfMachine(): { readonly uid: number; readonly home: string }[] {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  return lines
    .map((line) => line.split(':'))
    .map(([, , uid, , , home = '']) => ({ uid: Number(uid), home }))
}

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid
  } catch {
    // not there
    return undefined
  }
}

/** Advice where bubblewrap's own message has none. */
function explain(fault: string): string {
  if (
    /(No permissions to creat\w*|Creating) new namespace|setting up uid map|uid_map/i.test(fault)
  ) {
    return `${fault} (user namespaces are not allowed here: see user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns, or the container's seccomp profile)`
  }
  if (/proc/.test(fault)) return `${fault} (a container needs an unmasked /proc for it)`
  return fault
}

interface Tried {
  readonly stdout: string
  readonly fault: string | null
}

function tryRun(file: string, args: readonly string[], filter?: Uint8Array): Promise<Tried> {
  return new Promise((settle) => {
    const options = { timeout: probeMs, env: { PATH: '/usr/bin:/bin' } }
    const child = spawn(file, args, {
      ...options,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    })
    const said = { stdout: '', stderr: '' }
    child.stdout?.on('data', (text) => (said.stdout += String(text)))
    child.stderr?.on('data', (text) => (said.stderr += String(text)))
    const reader = child.stdio[filterFd] as Writable
    // a helper that ignores its input still reports through its exit code
    reader.on('error', () => {}).end(filter ?? '')
    child.once('error', (error) => settle({ stdout: '', fault: error.message }))
    child.once('close', (code, signal) => {
      const fault = said.stderr.trim().split('\n')[0] || `it exited with ${code ?? signal}`
      settle({ stdout: said.stdout, fault: code === 0 ? null : fault })
    })
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // missing, or not a program
    return false
  }
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    // may appear later
    return resolve(path)
  }
}
