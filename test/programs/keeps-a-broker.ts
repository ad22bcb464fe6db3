import { silentLogger } from '@centralpost/shared'
import { EmbeddedBroker } from '#hub/broker/embedded-broker.ts'

const [dataDir = '', port] = process.argv.slice(2)
try {
  const broker = await EmbeddedBroker.start({
    dataDir,
    log: silentLogger,
    ...(port !== undefined && { port: Number(port) }),
  })
  process.stdout.write(`${JSON.stringify({ pid: broker.pid, url: broker.url })}\n`)
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error: String(error) })}\n`)
}
