import { readFile } from 'node:fs/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { historySettings, Hub, hubConfigSchema } from '@centralpost/hub'
import { silentLogger } from '@centralpost/shared'
import { holdMemory } from './ballast.ts'

const [settings = ''] = process.argv.slice(2)
const { dataDir, credentials, config, ballast } = JSON.parse(await readFile(settings, 'utf8'))
const held = holdMemory(ballast)
const parsed = hubConfigSchema.parse(config)
const hub = await Hub.start({
  config: {
    ...parsed,
    history: historySettings(parsed, settings),
    file: null,
    rulesPath: fileURLToPath(new URL('../../../config/trust_rules.yaml', import.meta.url)),
    roots: ['/'],
  },
  dataDir,
  credentials,
  log: silentLogger,
})
let delays = monitorEventLoopDelay({ resolution: 1 })
const ms = (nanoseconds: number): number => nanoseconds / 1e6
process.on('message', (message: 'watch' | 'report') => {
  if (message === 'watch') {
    delays = monitorEventLoopDelay({ resolution: 1 })
    delays.enable()
    return
  }
  delays.disable()
  process.send?.({
    n: delays.count,
    p50: ms(delays.percentile(50)),
    p95: ms(delays.percentile(95)),
    p99: ms(delays.percentile(99)),
    max: ms(delays.max),
    rss: process.memoryUsage.rss(),
  })
})
process.on('disconnect', () => {
  void hub.stop().then(() => process.exit(held.length > 0 ? 0 : 1))
})
process.send?.({ ready: true })
