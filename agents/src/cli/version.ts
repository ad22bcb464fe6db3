import { readFileSync } from 'node:fs'

const path = new URL('../../package.json', import.meta.url)

/** The version of this program. */
export const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
