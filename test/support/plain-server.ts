import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { natsServerProgram } from './nats-program.ts'
import { eventually } from './eventually.ts'
import { TempDir } from './temp-dir.ts'

/** A nats-server with a configuration of the test's own: what somebody else's broker is to us. */
export class PlainServer {
  readonly dir: string
  readonly port: number
  readonly #child: ChildProcess
  readonly #files: TempDir

  private constructor(child: ChildProcess, files: TempDir, port: number) {
    this.#child = child
    this.#files = files
    this.dir = files.path
    this.port = port
  }

  /** @param config the text of its configuration, apart from where it listens; JetStream has to be asked for */
  static async start(
    config = '',
    { program = natsServerProgram(), port = -1 } = {},
  ): Promise<PlainServer> {
    const files = await TempDir.make()
    const path = join(files.path, 'nats.conf')
    await writeFile(path, config.replaceAll('STORE', join(files.path, 'store')))
    const args = ['-a', '127.0.0.1', '-p', String(port), '-c', path, '-l', join(files.path, 'log')]
    const child = spawn(program, [...args, '--ports_file_dir', files.path], { stdio: 'ignore' })
    const url = await eventually(async () => {
      const name = `${basename(program)}_${child.pid}.ports`
      const ports = JSON.parse(await readFile(join(files.path, name), 'utf8')) as { nats: string[] }
      return ports.nats[0]
    })
    return new PlainServer(child, files, Number(new URL(url).port))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exit = once(this.#child, 'exit')
      this.#child.kill('SIGKILL')
      await exit
    }
    await this.#files[Symbol.asyncDispose]()
  }
}
