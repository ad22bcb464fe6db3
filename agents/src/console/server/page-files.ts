import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { CentralPostError } from '@centralpost/shared'
import type { Context } from 'hono'

/** The output folder of `npm run build`. */
export const builtPage = fileURLToPath(new URL('../../../dist/console', import.meta.url))

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
}
/** The placeholder in the built page for each answer's nonce. */
const noncePlace = 'nonce-of-this-page'

interface PageFile {
  readonly type: string
  readonly body: Buffer<ArrayBuffer>
  readonly brotli: Buffer<ArrayBuffer>
  readonly gzip: Buffer<ArrayBuffer>
}

/** The built page, read and compressed once and held in memory. No other file can be requested. */
export class PageFiles {
  readonly #files: ReadonlyMap<string, PageFile>

  private constructor(files: ReadonlyMap<string, PageFile>) {
    this.#files = files
  }

  /** @throws {CentralPostError} `not_found` when the page has not been built */
  static async read(folder: string): Promise<PageFiles> {
    const files = new Map<string, PageFile>()
    for (const path of await pathsBelow(folder)) {
      const type = types[extname(path)]
      if (type === undefined) continue
      const body = await readFile(join(folder, path))
      files.set(`/${path}`, {
        type,
        body,
        brotli: brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
        gzip: gzipSync(body),
      })
    }
    if (!files.has('/index.html')) throw notBuilt(folder)
    return new PageFiles(files)
  }

  /** The paths that can be requested. */
  get paths(): readonly string[] {
    return [...this.#files.keys()]
  }

  /** Answers with a file, or undefined for an unknown name. */
  answer(c: Context, path: string, nonce: string): Response | undefined {
    const file = this.#files.get(path)
    if (file === undefined) return undefined
    if (path.endsWith('.html')) {
      return c.body(file.body.toString().replaceAll(noncePlace, nonce), 200, {
        'content-type': file.type,
      })
    }
    const accepted = c.req.header('accept-encoding') ?? ''
    const encoding = /\bbr\b/.test(accepted) ? 'br' : /\bgzip\b/.test(accepted) ? 'gzip' : null
    const body = encoding === null ? file.body : encoding === 'br' ? file.brotli : file.gzip
    // names below /assets change with their content
    const forEver = path.startsWith('/assets/')
    return c.body(body, 200, {
      'content-type': file.type,
      'cache-control': forEver ? 'private, max-age=31536000, immutable' : 'no-cache',
      vary: 'accept-encoding',
      ...(encoding !== null && { 'content-encoding': encoding }),
    })
  }
}

async function pathsBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true })
    return entries.map((path) => path.replaceAll('\\', '/'))
  } catch (error) {
    throw notBuilt(folder, error)
  }
}

function notBuilt(folder: string, cause?: unknown): CentralPostError {
  return new CentralPostError(
    'not_found',
    `the console's page is not built (${folder}): run \`npm run build\` in the folder of CentralPost`,
    { cause },
  )
}
