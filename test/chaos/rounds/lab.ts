import { TestPostgres } from '../../support/postgres.ts'
import { builtLibrary, hasCompiler } from '../../support/built-library.ts'
import { TempDir } from '../../support/temp-dir.ts'

export type Backend = 'sqlite' | 'postgres'

/** What the rounds of a run share: the programs, the database server, and the libraries that make calls fail. */
export class Lab {
  readonly backend: Backend
  /** the nats-server; undefined: the one that is installed */
  readonly program: string | undefined
  readonly server: TestPostgres | undefined
  /** undefined where there is no C compiler */
  readonly libraries: { readonly disk: string; readonly clock: string } | undefined
  readonly #opened: AsyncDisposableStack

  private constructor(
    parts: Pick<Lab, 'backend' | 'program' | 'server' | 'libraries'>,
    opened: AsyncDisposableStack,
  ) {
    this.backend = parts.backend
    this.program = parts.program
    this.server = parts.server
    this.libraries = parts.libraries
    this.#opened = opened
  }

  static async open(backend: Backend, program?: string): Promise<Lab> {
    await using opened = new AsyncDisposableStack()
    const folder = opened.use(await TempDir.make()).path
    const server = backend === 'postgres' ? opened.use(await TestPostgres.start()) : undefined
    const libraries = hasCompiler
      ? {
          disk: builtLibrary('failing-disk', folder),
          clock: builtLibrary('stepping-clock', folder),
        }
      : undefined
    return new Lab({ backend, program, server, libraries }, opened.move())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync()
  }
}
