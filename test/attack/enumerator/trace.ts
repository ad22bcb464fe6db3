import { basename } from 'node:path'

/** What a traced command did that could matter. */
export interface Seen {
  /** programs that were started, by their path */
  readonly started: readonly string[]
  /** files that were opened to be read, each with the program that did */
  readonly read: readonly { readonly path: string; readonly program: string }[]
  /** what it tried to write, make, remove or change, as the call was traced */
  readonly written: readonly string[]
  readonly connected: readonly string[]
  /** signals to other processes, the clock, mounts and the like */
  readonly acted: readonly string[]
}

const line = /^(\d+)\s+(\w+)\((.*)$/
/** A call that another process's came between is told in two lines. */
const begun = /^(\d+)\s+(.*) <unfinished \.\.\.>$/
const resumed = /^(\d+)\s+<\.\.\. \w+ resumed>(.*)$/
const firstText = /"((?:[^"\\]|\\.)*)"/
const opens = /^(?:open|openat|openat2)$/
const changes =
  /^(?:creat|truncate|rename|renameat|renameat2|unlink|unlinkat|rmdir|mkdir|mkdirat|mknod|mknodat|link|linkat|symlink|symlinkat|chmod|fchmodat|chown|lchown|fchownat|setxattr|lsetxattr)$/
/** A shell's own, or where every program may write. */
const harmlessSinks =
  /^\/dev\/(?:null|tty|console|stdout|stderr|full)$|^\/tmp\/|^\/tmp$|^\/var\/tmp\//
/** What programs keep for themselves in the home, which holds nothing of the user's and which the sandbox makes read-only. */
const housekeeping =
  /^\/(?:h|root)\/(?:\.npm|\.cache)(?:\/|$)|^\/(?:h|root)\/\.config(?:\/procps.*)?$/
/** Looking users and hosts up asks these first. */
const lookUps =
  /\/run\/nscd\/|\/run\/systemd\/userdb|\/dev\/log|\/run\/dbus|\/run\/systemd\/resolve/

/** Reads what the tracer wrote: one call a line, a process id in front. */
export function readTrace(text: string): Seen {
  const started: string[] = []
  const read: { path: string; program: string }[] = []
  const programs = new Map<string, string>()
  const written: string[] = []
  const connected: string[] = []
  const acted: string[] = []
  for (const each of wholeLines(text)) {
    const [, pid = '', call = '', rest = ''] = line.exec(each) ?? []
    if (call === '') continue
    const path = firstText.exec(rest)?.[1] ?? ''
    if (call === 'execve' || call === 'execveat') {
      if (!rest.endsWith('= 0')) continue
      started.push(path)
      programs.set(pid, basename(path))
    } else if (opens.test(call)) {
      if (/O_WRONLY|O_RDWR|O_CREAT|O_TRUNC/.test(rest)) {
        if (!isOwn(path)) written.push(`${call}(${rest}`)
      } else if (!/O_PATH|O_DIRECTORY/.test(rest) && !/= -1/.test(rest))
        read.push({ path, program: programs.get(pid) ?? '' })
    } else if (changes.test(call)) {
      if (!isOwn(path)) written.push(`${call}(${rest}`)
    } else if (call === 'connect' || call === 'sendto' || call === 'bind' || call === 'sendmsg') {
      const isTry = call === 'bind' && /htons\(0\)/.test(rest)
      const isOut =
        /sa_family=AF_(?:INET6?|VSOCK|PACKET)/.test(rest) || /AF_UNIX.*sun_path/.test(rest)
      if (isOut && !isTry && !lookUps.test(rest)) connected.push(`${call}(${rest}`)
    } else if (/^(?:tkill|tgkill)$/.test(call)) {
      // threads of one program, as Go wakes its own
      if (!/SIGURG|SIGRT|SIGABRT|SIGPIPE/.test(rest)) acted.push(`${call}(${rest}`)
    } else if (call === 'kill') {
      const [, to = '', signal = ''] = /^(\d+), (?:\d+, )?(\w+)/.exec(rest) ?? []
      if (signal !== '0' && to !== pid) acted.push(`${call}(${rest}`)
    } else acted.push(`${call}(${rest}`)
  }
  return { started, read, written, connected, acted }
}

function* wholeLines(text: string): Generator<string> {
  const open = new Map<string, string>()
  for (const each of text.split('\n')) {
    const [, from = '', start] = begun.exec(each) ?? []
    const [, pid = '', end] = resumed.exec(each) ?? []
    if (start !== undefined) open.set(from, start)
    else if (end === undefined) yield each
    else {
      yield `${pid} ${open.get(pid) ?? ''}${end}`
      open.delete(pid)
    }
  }
  // it was ended before the call was
  for (const [pid, start] of open) yield `${pid} ${start}`
}

function isOwn(path: string): boolean {
  return harmlessSinks.test(path) || housekeeping.test(path)
}
