import { spawn } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, relative } from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { programPaths } from '#shared/program-paths.js'
import type { Orders, Told } from '../../programs/slips.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
/** Where the project and bubblewrap are in there: readable to everybody, wherever they lie outside. */
const inside = { repository: '/tmp/under-test', bwrap: '/tmp/bwrap-under-test' }

/** Programs that destroy, send or start: in the throw-away world each of them is a canary, so that none is ever tried. */
const replaced =
  wordsOf(`rm rmdir unlink shred dd truncate wipefs mkfs mke2fs mkfs.ext4 mkfs.xfs mkswap sfdisk fdisk parted blkdiscard
  shutdown reboot halt poweroff init telinit killall pkill curl wget nc ncat socat ssh scp sftp rsync crontab at systemctl
  service useradd usermod userdel passwd chpasswd iptables nft docker podman kubectl helm terraform npm pip pip3 apt apt-get
  dpkg make gcc cc`)

export const bwrapHere = programPaths('bwrap').find((path) => existsSync(path)) ?? null

export interface Outer {
  /** a directory of the test's own, which is all that can be written in there */
  readonly root: string
  readonly lines: readonly string[]
  readonly hasSandbox: boolean
  /** runs the payloads with nothing around them */
  readonly isOpen?: boolean
  /** who runs the hub in there; absent: whoever runs the test */
  readonly uid?: number
}

/**
 * Runs the slipping hub in a namespace that is thrown away: the machine's files read-only, its own network, processes and
 * temporary files, so that a hole costs nothing but a red test.
 */
export async function runSlips({
  root,
  lines,
  hasSandbox,
  isOpen = false,
  uid,
}: Outer): Promise<Told> {
  const canary = join(root, 'canary')
  writeFileSync(canary, canaryOf(root))
  chmodSync(canary, 0o755)
  const orders: Orders = {
    root,
    rules: join(inside.repository, 'config/trust_rules.yaml'),
    bwrap: hasSandbox ? inside.bwrap : null,
    lines,
    isOpen,
  }
  const opt = join(root, 'opt')
  mkdirSync(opt)
  if (uid !== undefined) for (const path of [root, opt]) chownSync(path, uid, uid)
  const own = relative(repository, realpathSync(process.execPath))
  const node = own.startsWith('..') ? process.execPath : join(inside.repository, own)
  const isRoot = process.getuid?.() === 0
  const bwrap = bwrapHere ?? ''
  const user = isRoot ? '' : '--unshare-user --uid 0 --gid 0'
  const places = `--ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --tmpfs /run
    --ro-bind ${repository} ${inside.repository} --ro-bind ${bwrap} ${inside.bwrap}
    --bind ${root} ${root} --bind ${opt} /opt`
  const alone = `--cap-add ALL --unshare-pid --unshare-net --unshare-ipc --unshare-uts --die-with-parent --new-session
    --clearenv --setenv HOME ${join(root, 'home')} --setenv PATH ${systemPath(node)}`
  const another = uid === undefined ? '' : `setpriv --reuid=${uid} --regid=${uid} --clear-groups`
  const args = [
    ...wordsOf(`${user} ${alone} ${places}`),
    ...targets().flatMap((path) => ['--ro-bind', canary, path]),
    // a /proc without the places that bubblewrap covers: a namespace within could have none of its own
    '--',
    'sh',
    '-c',
    'mount -t proc proc /proc && exec "$@"',
    'sh',
    ...wordsOf(another),
    node,
    '--disable-warning=ExperimentalWarning',
    join(inside.repository, 'test/programs/slips.ts'),
  ]
  const child = spawn(bwrap, args, { stdio: 'pipe' })
  child.stdin.end(JSON.stringify(orders))
  const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr)])
  const last = stdout.trim().split('\n').at(-1) ?? ''
  try {
    return JSON.parse(last) as Told
  } catch {
    throw new Error(
      `the throw-away hub said nothing: ${stdout.slice(-2000)} ${stderr.slice(-2000)}`,
    )
  }
}

/** Nothing of it runs another program, so that it works wherever it stands. */
function canaryOf(root: string): string {
  return `#!/bin/bash
echo "$0 $*" >> ${root}/outside/canary
echo x >> ${root}/w/canary
echo x >> ${root}/home/canary
for file in ${root}/home/.ssh/id_rsa ${root}/data/hub.db; do echo "$(< $file)"; done
`
}

function targets(): string[] {
  const places = replaced.flatMap((name) =>
    ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].map((folder) => join(folder, name)),
  )
  const real = places.filter((path) => existsSync(path)).map((path) => realpathSync(path))
  // one that is many programs at once, by its name, stays
  return [...new Set(real)].filter((path) => !/busybox|perl|python|node|bash|dash/.test(path))
}

function systemPath(node: string): string {
  return [dirname(node), '/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'].join(delimiter)
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}
