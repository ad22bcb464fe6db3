import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../../agents/bin/centralpost.js', import.meta.url))

export interface CliEnded {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** the Node that starts the program @default the one that runs the tests */
  readonly node?: string
  readonly input?: string
}

/** The real command line as a process, ended with the test. */
export class Cli {
  readonly ended: Promise<CliEnded>
  readonly #child
  #stdout = ''
  #stderr = ''

  constructor(args: readonly string[], options: CliOptions = {}) {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(?:NATS|CENTRALPOST)_/.test(name),
    )
    this.#child = spawn(options.node ?? process.execPath, [bin, ...args], {
      stdio: 'pipe',
      env: { ...Object.fromEntries(inherited), ...options.env },
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    })
    this.#child.stdin.end(options.input ?? '')
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code) => {
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr })
      })
    })
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }
}

/** Runs the command line to its end. */
export async function cli(args: readonly string[], options: CliOptions = {}): Promise<CliEnded> {
  await using running = new Cli(args, options)
  return await running.ended
}
