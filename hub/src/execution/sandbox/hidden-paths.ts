import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isWithin, type Sandbox } from './sandbox.ts'

/**
 * Credentials below a home directory. A name that is there is masked: a directory looks empty, a file too. The trust
 * rules judge the words of a command by longer lists; this one is what even a command that was cleared does not get.
 */
export const homeSecrets: readonly string[] = [
  '.ssh',
  '.gnupg',
  '.aws',
  '.azure',
  '.kube',
  '.docker',
  '.dockercfg',
  '.config/gcloud',
  '.config/gh',
  '.config/hub',
  '.config/glab-cli',
  '.config/rclone',
  '.config/op',
  '.config/doctl',
  '.config/containers/auth.json',
  '.config/git/credentials',
  '.config/google-chrome',
  '.config/chromium',
  '.mozilla',
  '.thunderbird',
  '.password-store',
  '.local/share/keyrings',
  '.netrc',
  '.git-credentials',
  '.pgpass',
  '.my.cnf',
  '.mylogin.cnf',
  '.npmrc',
  '.yarnrc.yml',
  '.pypirc',
  '.gem/credentials',
  '.cargo/credentials',
  '.cargo/credentials.toml',
  '.m2/settings.xml',
  '.gradle/gradle.properties',
  '.composer/auth.json',
  '.terraform.d/credentials.tfrc.json',
  '.terraformrc',
  '.vault-token',
  '.s3cfg',
  '.boto',
  '.Xauthority',
  '.ICEauthority',
]

/** Secrets of the machine, which root can read. */
const systemSecrets: readonly string[] = [
  '/etc/shadow',
  '/etc/shadow-',
  '/etc/gshadow',
  '/etc/gshadow-',
  '/etc/sudoers',
  '/etc/sudoers.d',
  '/etc/security/opasswd',
  '/etc/krb5.keytab',
  '/etc/ssl/private',
  '/etc/letsencrypt',
  '/etc/wireguard',
  '/etc/openvpn',
  '/etc/NetworkManager/system-connections',
  '/etc/kubernetes',
  '/var/lib/docker',
  '/var/lib/containerd',
  '/var/lib/kubelet',
  '/var/lib/sss',
  '/var/spool/cron',
  '/var/lib/mysql',
  '/var/lib/postgresql',
  '/var/lib/redis',
]

/** Where servers put their sockets: replaced as a whole. `/var/run` is a link to `/run`, or is listed by itself. */
export const socketPlaces: readonly string[] = ['/run', '/var/run']

/** What of `/run` is no socket and is looked for there: who is logged in, the resolver's file, the programs of NixOS. */
export const keptOfRun: readonly string[] = [
  '/run/utmp',
  '/run/systemd/resolve/stub-resolv.conf',
  '/run/systemd/resolve/resolv.conf',
  '/run/current-system',
]

/** One place to mask, by its real path: a link to it does not lead past the mask. */
export interface HiddenPlace {
  readonly path: string
  readonly isDirectory: boolean
}

/** What there is to mask now. It is looked up for every command: credentials come and go. */
export function hiddenPlaces(sandbox: Sandbox): HiddenPlace[] {
  const found = new Map(credentialPlaces(sandbox).map((place) => [place.path, place]))
  // hidden also where a workspace lies in it
  for (const place of sandbox.hidden.map(look)) if (place !== null) found.set(place.path, place)
  return [...found.values()].filter(
    ({ path }) => ![...found.keys()].some((other) => other !== path && isWithin(path, other)),
  )
}

/** The credentials that are there now, of the homes and of the machine. One that a workspace lies in stays usable. */
export function credentialPlaces({ homes, roots }: Sandbox): HiddenPlace[] {
  const ofMachine = process.getuid?.() === 0 ? [...systemSecrets, ...hostKeys()] : []
  return [...ofMachine, ...homes.flatMap(secretsOf)]
    .map(look)
    .filter((place) => place !== null)
    .filter(({ path }) => !roots.some((root) => isWithin(root, path)))
}

/** One look at the directory spares one at each name, which most homes have few of. */
function secretsOf(home: string): string[] {
  try {
    const there = new Set(readdirSync(home))
    return homeSecrets
      .filter((name) => there.has(name.split('/', 1)[0] ?? ''))
      .map((name) => join(home, name))
  } catch {
    // none, or closed to this user and so to the command
    return []
  }
}

function hostKeys(): string[] {
  try {
    return readdirSync('/etc/ssh')
      .filter((name) => /^ssh_host_.*_key$/.test(name))
      .map((name) => join('/etc/ssh', name))
  } catch {
    // no ssh server here
    return []
  }
}

function look(path: string): HiddenPlace | null {
  try {
    const link = lstatSync(path, { throwIfNoEntry: false })
    if (link === undefined) return null
    const real = link.isSymbolicLink() ? realpathSync.native(path) : path
    const isDirectory = link.isSymbolicLink() ? statSync(real).isDirectory() : link.isDirectory()
    return { path: realpathSync.native(real), isDirectory }
  } catch {
    // a link to nowhere, or below what this user may not enter; the command may not either
    return null
  }
}
