import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'

const programs = join(import.meta.dirname, '..', 'programs')

/** What a program printed and how it ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** One of the programs in test/programs as a real process, ended with the test. */
export class Program {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  #stdout = ''
  #stderr = ''

  constructor(name: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.child = spawn(process.execPath, [join(programs, name), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code) => {
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr })
      })
    })
  }

  /** What it has printed so far. */
  get stdout(): string {
    return this.#stdout
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
  }
}
