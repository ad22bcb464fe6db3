import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { operatorIdSchema } from '@centralpost/shared'
import { z } from 'zod'
import { dataDirOf, type SpokeOptions } from '../../spoke/spoke.ts'
import { writePrivateFileSync } from '@centralpost/shared/private-files'

const placeSchema = z.object({ url: z.string(), port: z.int(), pid: z.int().nullable() })
export type KnownPlace = z.infer<typeof placeSchema>

/** The folder of one operator's console within the data directory. */
export function consoleStateDir(options: Pick<SpokeOptions, 'dataDir' | 'env' | 'name'>): string {
  return join(dataDirOf(options), 'console', operatorIdSchema.parse(options.name))
}

/** The address of a running console, or of the last one (then its pid is null). */
export function readPlace(stateDir: string): KnownPlace | undefined {
  try {
    return placeSchema.parse(JSON.parse(readFileSync(join(stateDir, 'place.json'), 'utf8')))
  } catch {
    return undefined
  }
}

/** @throws {CentralPostError} `storage` */
export function writePlace(stateDir: string, place: KnownPlace): void {
  writePrivateFileSync(join(stateDir, 'place.json'), JSON.stringify(place))
}
