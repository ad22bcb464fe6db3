import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { natsServerProgram } from './nats-program.ts'
import { eventually } from './eventually.ts'
import { TempDir } from './temp-dir.ts'

/** A nats-server with a configuration of the test's own: what somebody else's broker is to us. */
export class PlainServer implements AsyncDisposable {
  readonly #files: TempDir
  readonly #program: string
  #child: ChildProcess | undefined
  #port: number

  private constructor(files: TempDir, program: string, port: number) {
    this.#files = files
    this.#program = program
    this.#port = port
  }

  /** @param config the text of its configuration, apart from where it listens; `STORE` stands for a folder of its own */
  static async start(
    config = '',
    { program = natsServerProgram(), port = -1 } = {},
  ): Promise<PlainServer> {
    const files = await TempDir.make()
    const server = new PlainServer(files, program, port)
    await writeFile(server.#config, config.replaceAll('STORE', join(files.path, 'store')))
    await server.startAgain()
    return server
  }

  get port(): number {
    return this.#port
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  get log(): string {
    return join(this.#files.path, 'log')
  }

  /** Starts it on the port and with the store that it had. Resolves when it listens. */
  async startAgain(): Promise<void> {
    const { path } = this.#files
    const args = ['-a', '127.0.0.1', '-p', String(this.#port), '-c', this.#config, '-l', this.log]
    const child = spawn(this.#program, [...args, '--ports_file_dir', path], { stdio: 'ignore' })
    this.#child = child
    const name = `${basename(this.#program)}_${child.pid}.ports`
    const url = await eventually(async () => {
      if (child.exitCode !== null) throw new Error(await readFile(this.log, 'utf8'))
      const ports = JSON.parse(await readFile(join(path, name), 'utf8')) as { nats: string[] }
      return ports.nats[0]
    })
    this.#port = Number(new URL(url).port)
  }

  async kill9(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill9()
    await this.#files[Symbol.asyncDispose]()
  }

  get #config(): string {
    return join(this.#files.path, 'nats.conf')
  }
}
