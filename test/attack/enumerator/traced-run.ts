import { spawn } from 'node:child_process'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Plan } from '@centralpost/shared'
import { type Seen, readTrace } from './trace.ts'

const commandMs = 1500
const killMs = 500

/** What the tracer is to note; `?` lets it pass where a processor has no such call. */
const calls = [
  'execve,execveat,open,openat,openat2,creat,truncate,rename,renameat,renameat2,unlink,unlinkat,rmdir',
  'mkdir,mkdirat,mknod,mknodat,link,linkat,symlink,symlinkat,chmod,fchmodat,chown,lchown,fchownat',
  'connect,bind,sendto,sendmsg,kill,tkill,tgkill,settimeofday,clock_settime,sethostname,mount,umount2',
  'setxattr,lsetxattr,reboot,swapon,init_module,ptrace,process_vm_writev,setpriority,bpf',
]
  .join(',')
  .split(',')
  .map((name) => `?${name}`)
  .join(',')

/**
 * Runs a plan as the hub would, under a tracer, in a throw-away sandbox around the hostile project: no network, nothing
 * that is written stays, and what a hole would reach is a canary.
 *
 * @param root holds the project `p` and the home `h`
 * @param trace a directory for the tracer's files
 * @returns null where the program did not start
 */
export async function runTraced(
  plan: Plan,
  root: string,
  trace: string,
  name: string,
): Promise<Seen | null> {
  const argv =
    plan.kind === 'argv' ? plan.argv : ['bash', '--noprofile', '--norc', '-c', plan.script]
  const environment = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/h',
    LANG: 'C.UTF-8',
    TERM: 'dumb',
    ...plan.env,
  }
  const file = join(trace, name)
  const settings = Object.entries(environment).flatMap(([key, value]) => ['--setenv', key, value])
  const places = `--dev /dev --proc /proc --tmpfs /tmp --tmpfs /run --tmpfs /var/tmp
    --ro-bind ${join(root, 'p')} /p --ro-bind ${join(root, 'h')} /h --bind ${trace} /mnt
    --unshare-all --die-with-parent --new-session --clearenv --chdir /p`
  const tracer = `-- strace -f -qq -s 2000 -e signal=none -e trace=${calls} -o /mnt/${name} --`
  const args = [
    '--tmpfs',
    '/mnt',
    ...wholeRoot(),
    ...places.split(/\s+/),
    ...settings,
    ...tracer.split(' '),
    ...argv,
  ]
  const started = await ended(args)
  try {
    return started ? readTrace(readFileSync(file, 'latin1')) : null
  } catch {
    // the tracer found no program to start
    return null
  } finally {
    await rm(file, { force: true })
  }
}

function ended(args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('bwrap', args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '' },
    })
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (errors.length < 2000) errors += text
    })
    const timer = setTimeout(() => child.kill('SIGTERM'), commandMs)
    const last = setTimeout(() => child.kill('SIGKILL'), commandMs + killMs)
    child.on('close', (code) => {
      clearTimeout(timer)
      clearTimeout(last)
      if (errors.startsWith('bwrap: ')) throw new Error(errors)
      resolve(!(code === 1 && errors.startsWith("strace: Can't stat")))
    })
  })
}

/** `/p` and `/h` have to be made, which a root that is bound read-only does not allow: its entries are bound one by one. */
function wholeRoot(): string[] {
  const left = new Set(['dev', 'proc', 'tmp', 'run', 'p', 'h', 'mnt'])
  return readdirSync('/')
    .filter((name) => !left.has(name))
    .flatMap((name) => {
      const path = `/${name}`
      return lstatSync(path).isSymbolicLink()
        ? ['--symlink', readlinkSync(path), path]
        : ['--ro-bind', path, path]
    })
}
