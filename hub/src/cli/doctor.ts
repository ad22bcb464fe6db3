import { execFile } from 'node:child_process'
import { access, constants, mkdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  Bus,
  brokerVariables,
  checkJetStream,
  findCredentials,
  hubsReplySchema,
  messageOf,
  operatorEndpointSubject,
  silentLogger,
} from '@centralpost/shared'
import type { Command } from 'commander'
import { findNatsServer } from '../broker/find-nats-server.ts'
import { findRunningBroker } from '../broker/reload.ts'
import { machineViews, probeSandbox } from '../execution/index.ts'
import { TrustManager } from '../trust/trust-manager.ts'
import { type CommonOptions, dataDirOf, settingsOf, withCommonOptions } from './settings.ts'

type Mark = 'ok' | 'note' | 'fault'

interface Finding {
  readonly subject: string
  readonly mark: Mark
  readonly text: string
}

const marks: Readonly<Record<Mark, string>> = { ok: '✓', note: '·', fault: '✗' }

/** Adds `doctor`: checks everything a hub needs and reports problems. */
export function addDoctorCommand(program: Command): void {
  withCommonOptions(
    program
      .command('doctor')
      .description('check everything a hub needs on this machine, and report problems'),
  ).action(async (options: CommonOptions & { readonly json?: boolean }) => {
    const findings = await examine(options)
    if (options.json) process.stdout.write(`${JSON.stringify(findings)}\n`)
    else {
      for (const { subject, mark, text } of findings) {
        process.stdout.write(`${marks[mark]} ${subject.padEnd(12)} ${text}\n`)
      }
    }
    if (findings.some((finding) => finding.mark === 'fault')) process.exitCode = 1
  })
}

async function examine(options: CommonOptions): Promise<Finding[]> {
  const dataDir = dataDirOf(options)
  const isExternal = Boolean(process.env['NATS_URL'])
  return Promise.all([
    found('node', () => Promise.resolve(process.version)),
    found('nats-server', async () => {
      if (isExternal) return `not needed: NATS_URL is set`
      const server = await findNatsServer({ log: silentLogger })
      return `${server.version} at ${server.path}`
    }),
    found('bash', () => firstLine('/bin/bash', ['--version'])),
    found('git', () => firstLine('git', ['--version']), 'note'),
    found('sandbox', () => sandboxStanding(options, dataDir), 'note'),
    found('settings', async () => (await settingsOf(options)).file ?? 'defaults'),
    found('rules', async () => {
      const { rulesPath } = await settingsOf(options)
      await using trust = await opened(rulesPath)
      return `${rulesPath} (${trust.policy.slice(0, 12)})`
    }),
    found('data', async () => {
      await mkdir(dataDir, { recursive: true, mode: 0o700 })
      await access(dataDir, constants.W_OK)
      const { bavail, bsize } = await statfs(dataDir)
      return `${dataDir}, ${Math.round((bavail * bsize) / 1e9)} GB free`
    }),
    isExternal
      ? found('broker', () => externalBroker(dataDir))
      : found('broker', () => embeddedBroker(dataDir), 'note'),
    found('hub', () => hubStatus(dataDir), 'note'),
  ])
}

async function found(
  subject: string,
  look: () => Promise<string>,
  otherwise: Mark = 'fault',
): Promise<Finding> {
  try {
    return { subject, mark: 'ok', text: await look() }
  } catch (error) {
    return { subject, mark: otherwise, text: messageOf(error) }
  }
}

async function embeddedBroker(dataDir: string): Promise<string> {
  const running = await findRunningBroker(dataDir)
  if (running) return `embedded, runs on ${running.url}`
  throw new Error(
    'none runs on this data directory: `centralpost up` starts one, or name your own in NATS_URL',
  )
}

/**
 * Connects as the hub would; lists the environment variables used for the broker, and the unused
 * ones.
 */
async function externalBroker(dataDir: string): Promise<string> {
  const credentials = await findCredentials(join(dataDir, 'credentials', 'hub.json'), process.env)
  const names = Object.keys(brokerVariables)
  const told = names.filter((name) => process.env[name])
  const open = names.filter((name) => !process.env[name])
  await using bus = await Bus.connect({ credentials, name: 'doctor', log: silentLogger })
  const { version, cluster, isEncrypted } = bus.broker
  await checkJetStream(bus)
  return [
    `external: nats-server ${version} at ${bus.server}, ${isEncrypted ? 'encrypted' : 'not encrypted'}`,
    cluster === undefined ? 'JetStream works' : `JetStream works in the cluster "${cluster}"`,
    `set: ${told.join(', ')}`,
    `not set: ${open.join(', ')}`,
  ].join('; ')
}

/** The result of a search; a failure only where the program is required. */
async function sandboxStanding(options: CommonOptions, dataDir: string): Promise<string> {
  const { roots, execution } = await settingsOf(options)
  const { mode, safe, review, bwrap } = execution.sandbox
  if (mode === 'off') throw new Error('switched off: commands are not confined')
  const { sandbox, missing, version, tookMs } = await probeSandbox({
    roots,
    hidden: [dataDir],
    bwrap,
  })
  for (const profile of [safe, review]) {
    if (profile === 'none' || sandbox?.available.includes(profile)) continue
    const without = profile === safe ? 'needs approval, unless it reads no file' : 'runs unconfined'
    const effect = mode === 'required' ? 'is refused' : without
    throw new Error(`commands meant for ${profile} ${effect}: ${missing[profile]}`)
  }
  const way = sandbox?.userNamespace ? ', in a user namespace' : ''
  const views = machineViews.filter((view) => sandbox?.available.includes(`machine-${view}`))
  const shown = views.length === 0 ? 'nothing' : views.join(', ')
  return (
    `${version} works${way} (${Math.round(tookMs)} ms): SAFE commands in ${safe}, where ` +
    `${shown} of the machine may be shown; approved commands in ${review}`
  )
}

async function firstLine(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args)
  return stdout.split('\n', 1)[0] ?? ''
}

async function opened(rulesPath: string): Promise<TrustManager & AsyncDisposable> {
  const trust = await TrustManager.open({ rulesPath, log: silentLogger })
  return Object.assign(trust, { [Symbol.asyncDispose]: () => trust.close() })
}

async function hubStatus(dataDir: string): Promise<string> {
  const path = join(dataDir, 'credentials', 'operators', 'operator.json')
  const credentials = await findCredentials(path, process.env)
  await using bus = await Bus.connect({ credentials, name: 'doctor', log: silentLogger })
  const { hubs } = await bus.request(
    operatorEndpointSubject('operator', 'hubs'),
    {},
    { schema: hubsReplySchema },
  )
  return hubs
    .map(
      (hub) =>
        `${hub.hub_id} serves: ${hub.running} running, ${hub.queued} queued, ${hub.pending} pending`,
    )
    .join('; ')
}
