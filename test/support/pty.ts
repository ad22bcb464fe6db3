import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

const bin = fileURLToPath(new URL('../../agents/bin/centralpost.js', import.meta.url))

/** Whether this machine has script(1) of util-linux, which gives a program a real terminal. */
export const hasPty = process.platform === 'linux' && existsSync('/usr/bin/script')

/** The command line on a real terminal: keys go in, what is drawn comes out. */
export class PtyCli {
  readonly #child: ChildProcess
  readonly ended: Promise<number | null>
  #output = ''

  constructor(
    args: readonly string[],
    options: { env: Readonly<Record<string, string>>; columns?: number; rows?: number },
  ) {
    const { columns = 100, rows = 30 } = options
    const words = [process.execPath, bin, ...args].map((word) => `'${word}'`).join(' ')
    const inherited = Object.entries(process.env).filter(
      // a program that knows it is in CI draws no colours, whatever its terminal can
      ([name]) => !/^(?:NATS|CENTRALPOST|NO_COLOR|CI$)/.test(name),
    )
    // what stty says at the end shows whether the terminal was given back
    const command = `stty rows ${rows} cols ${columns}; echo pid $$; ${words}; code=$?; stty -a | grep -o '.icanon' ; exit $code`
    this.#child = spawn('/usr/bin/script', ['-qfec', command, '/dev/null'], {
      stdio: 'pipe',
      env: { ...Object.fromEntries(inherited), TERM: 'xterm-256color', ...options.env },
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
    })
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code) => resolve(code))
    })
  }

  /** Everything that was written to the terminal so far. */
  get output(): string {
    return this.#output
  }

  /** What the latest drawing shows, without colours. */
  get screen(): string {
    const latest = this.#output.slice(this.#output.lastIndexOf('\u001b[?2026h'))
    return stripVTControlCharacters(latest)
  }

  press(keys: string): void {
    this.#child.stdin?.write(keys)
  }

  /** Sends a signal to the program itself. */
  async signal(signal: string): Promise<void> {
    const [, shell = ''] = /pid (\d+)/.exec(this.#output) ?? []
    const killer = spawn('pkill', [`-${signal}`, '-P', shell], { stdio: 'ignore' })
    await new Promise((resolve) => killer.once('exit', resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }
}
