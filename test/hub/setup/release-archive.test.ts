import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fromReleaseArchive, pinnedVersion } from '#hub/setup/release-archive.js'
import { TempDir } from '../../support/temp-dir.ts'

const arch = process.arch === 'x64' ? 'amd64' : process.arch
const folder = `nats-server-v${pinnedVersion}-${process.platform}-${arch}`

/** An archive in the form of the official one, with a program that only tells its version. */
async function makeArchive(place: string): Promise<Buffer> {
  await mkdir(join(place, folder))
  const program = `#!/bin/sh\necho nats-server: v${pinnedVersion}\n`
  await writeFile(join(place, folder, 'nats-server'), program, { mode: 0o755 })
  execFileSync('tar', ['-czf', join(place, 'a.tar.gz'), '-C', place, folder])
  return readFile(join(place, 'a.tar.gz'))
}

class ReleasePage implements AsyncDisposable {
  readonly asked: string[] = []
  readonly #server

  private constructor(answer: RequestListener) {
    this.#server = createServer((request, response) => {
      this.asked.push(request.url ?? '')
      answer(request, response)
    })
  }

  static async serve(answer: RequestListener): Promise<ReleasePage> {
    const page = new ReleasePage(answer)
    page.#server.listen(0, '127.0.0.1')
    await once(page.#server, 'listening')
    return page
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => {
      this.#server.close(resolve)
    })
  }
}

const sumOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

describe('the official archive of nats-server', () => {
  let opened: AsyncDisposableStack
  let archive: Buffer
  let work: string

  beforeEach(async () => {
    opened = new AsyncDisposableStack()
    archive = await makeArchive(opened.use(await TempDir.make()).path)
    work = opened.use(await TempDir.make()).path
  })

  afterEach(() => opened.disposeAsync())

  const serve = async (answer: RequestListener): Promise<ReleasePage> =>
    opened.use(await ReleasePage.serve(answer))

  const from = (page: ReleasePage): Promise<string> =>
    fromReleaseArchive(work, {
      CENTRALPOST_NATS_RELEASES: page.url,
      CENTRALPOST_NATS_SHA256: sumOf(archive),
    })

  test('is unpacked when its sum is the expected one', async () => {
    const page = await serve((_, response) => response.end(archive))
    const program = await from(page)
    expect(execFileSync(program, { encoding: 'utf8' })).toContain(pinnedVersion)
    expect(page.asked).toEqual([`/v${pinnedVersion}/${folder}.tar.gz`])
  })

  test('is refused with another sum, naming both', async () => {
    const page = await serve((_, response) => response.end(archive))
    const other = 'a'.repeat(64)
    const refused = fromReleaseArchive(work, {
      CENTRALPOST_NATS_RELEASES: page.url,
      CENTRALPOST_NATS_SHA256: other,
    })
    await expect(refused).rejects.toThrow(`${sumOf(archive)} instead of ${other}`)
  })

  test('is not even asked for while its sum is unknown', async () => {
    const page = await serve((_, response) => response.end(archive))
    const refused = fromReleaseArchive(work, { CENTRALPOST_NATS_RELEASES: page.url })
    await expect(refused).rejects.toThrow('CENTRALPOST_NATS_SHA256')
    expect(page.asked).toEqual([])
  })

  test('that is not there, or that nobody answers for, is given up in a few seconds', async () => {
    const missing = await serve((_, response) => response.writeHead(404).end())
    const silent = await serve(() => {})
    await expect(from(missing)).rejects.toThrow('HTTP 404')
    await expect(from(silent)).rejects.toThrow('no answer in 4000 ms')
  })
})
