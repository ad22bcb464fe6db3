#!/usr/bin/env node
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const [major] = process.versions.node.split('.')
if (Number(major) < 24) {
  process.stderr.write(
    `CentralPost needs Node 24 or newer, this is ${process.version}. ` +
      'Start it with `npx centralpost` from where it is installed: npm brings the right Node along.\n',
  )
  process.exitCode = 78
} else {
  // halves the time to start; where the folder cannot be written, nothing is kept
  module.enableCompileCache(
    fileURLToPath(new URL('../../node_modules/.cache/centralpost', import.meta.url)),
  )
  const { main } = await import('../src/main.ts')
  await main(process.argv)
}
