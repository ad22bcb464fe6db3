// `npm pack` of the clone: what npm has packed is replaced by the package itself, under the name that npm printed.
import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { build } from './build.ts'
import { place, root } from './layout.ts'

await build()
const destination = process.argv[2] ?? process.env['npm_config_pack_destination'] ?? '.'
const folder = resolve(process.env['INIT_CWD'] ?? root, destination)
execFileSync('npm', ['pack', place, '--pack-destination', folder], {
  stdio: ['ignore', 'ignore', 'inherit'],
  // settings of the npm that has called this one would come before those given here
  env: Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('npm_config_')),
  ),
})
