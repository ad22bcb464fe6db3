#!/usr/bin/env node
const [major] = process.versions.node.split('.')
if (Number(major) < 24) {
  process.stderr.write(
    `CentralPost needs Node 24 or newer, this is ${process.version}. ` +
      'Start it with `npx centralpost` from where it is installed: npm brings the right Node along.\n',
  )
  process.exitCode = 78
} else {
  const { main } = await import('../src/main.ts')
  await main(process.argv)
}
