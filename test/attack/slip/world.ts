import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Places, secret } from './payloads.ts'

/** How long what was sent may be on its way to the servers of this process, in milliseconds. */
const arrivalMs = 20

/** What can be harmed: files of four kinds, servers that count who reaches them, a process, settings of the kernel. */
export class World {
  readonly places: Places
  readonly #reached: () => number

  private constructor(places: Places, reached: () => number) {
    this.places = places
    this.#reached = reached
  }

  /** @param root an empty directory that gets all of it */
  static async open(root: string): Promise<World> {
    const [workspace, home, data, outside] = [
      join(root, 'w'),
      join(root, 'home'),
      join(root, 'data'),
      join(root, 'outside'),
    ]
    put(join(workspace, 'a.txt'), 'one\n')
    put(join(workspace, 'README.md'), '# a project\n')
    put(
      join(workspace, 'evil'),
      `#!/bin/bash\necho x > ${outside}/evil; echo "$(< ${home}/.netrc)"\n`,
    )
    chmodSync(join(workspace, 'evil'), 0o755)
    put(join(home, '.bashrc'), '\n')
    put(join(outside, 'there'), '\n')
    for (const name of ['.ssh/id_rsa', '.netrc', '.config/gh/hosts.yml', '.aws/credentials'])
      put(join(home, name), `${secret}\n`)
    for (const name of ['hub.db', 'credentials/operators/alice.json', 'history.key'])
      put(join(data, name), `${secret}\n`)

    let reached = 0
    const answer = (socket: { end(text: string): void }): void => {
      reached += 1
      socket.end(secret)
    }
    const byAddress = createServer(answer).listen(0, '127.0.0.1')
    await once(byAddress, 'listening')
    const { port } = byAddress.address() as { port: number }
    const socket = join(outside, 'socket')
    const others = [
      createServer(answer).listen(socket),
      createServer(answer).listen(`\0slip-${port}`),
      createSocket('udp4', () => {
        reached += 1
      }).bind(port, '127.0.0.1'),
    ]
    await Promise.all(others.map((server) => once(server, 'listening')))
    const { pid = 0 } = spawn('sleep', ['1000000'], {
      cwd: data,
      env: { SECRET: secret },
      stdio: [openSync(join(data, 'hub.db'), 'r'), 'ignore', 'ignore'],
    })
    return new World({ workspace, home, data, outside, port, socket, victim: pid }, () => reached)
  }

  /** What stands now, by name. */
  async state(): Promise<ReadonlyMap<string, string>> {
    await delay(arrivalMs)
    const { workspace, home, data, outside, victim } = this.places
    const found = new Map<string, string>()
    for (const place of [workspace, home, data, outside, '/opt']) snapshot(place, found)
    for (const name of ['net/ipv4/ip_default_ttl', 'kernel/hostname'])
      found.set(name, readFileSync(`/proc/sys/${name}`, 'latin1').trim())
    found.set('connections', String(this.#reached()))
    found.set('the victim', stateOfProcess(victim))
    return found
  }

  /** What has changed since, each in a few words. */
  async changesSince(before: ReadonlyMap<string, string>): Promise<string[]> {
    const after = await this.state()
    return [...new Set([...before.keys(), ...after.keys()])]
      .filter((name) => before.get(name) !== after.get(name))
      .map((name) => `${name}: ${before.get(name) ?? 'nothing'} -> ${after.get(name) ?? 'nothing'}`)
  }
}

/** Whether it lives, and its nice value and its limit of open files. */
function stateOfProcess(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ')
    const limits = readFileSync(`/proc/${pid}/limits`, 'latin1')
    const files = /Max open files\s+(\S+)/.exec(limits)?.[1]
    return `${stat[0] === 'T' ? 'stopped' : 'lives'} ${stat[16]} ${files}`
  } catch {
    return 'gone'
  }
}

function snapshot(place: string, into: Map<string, string>): void {
  for (const entry of readdirSync(place, { withFileTypes: true })) {
    const path = join(place, entry.name)
    const { mode, size } = lstatSync(path)
    const hash = () => createHash('sha1').update(readFileSync(path)).digest('hex')
    const link = entry.isSymbolicLink() ? readlinkSync(path) : ''
    into.set(path, entry.isFile() ? `${mode} ${size} ${hash()}` : `${mode} ${link}`)
    if (entry.isDirectory()) snapshot(path, into)
  }
}

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
