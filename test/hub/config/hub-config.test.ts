import { fileURLToPath } from 'node:url'
import { hubConfigSchema } from '@centralpost/hub'
import { readYaml } from '@centralpost/shared'

const shipped = fileURLToPath(new URL('../../../config/centralpost.yaml', import.meta.url))

describe('config/centralpost.yaml', () => {
  test('shows every setting with its default', async () => {
    // what has no fixed default is not set, and stands in the file as a comment
    expect(await readYaml(shipped)).toEqual(hubConfigSchema.parse({}))
  })
})
