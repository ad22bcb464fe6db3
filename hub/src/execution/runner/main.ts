import { flushCompileCache } from 'node:module'
import type { FromRunner, ToRunner } from '../runner-protocol.ts'
import { markNames } from '../processes/marks.ts'
import { Commands } from './commands.ts'

// The process that starts, watches and ends commands instead of the hub, whose memory would slow
// each fork. Few imports keep it small, and nothing outlives it: when its channel closes, the hub
// is gone, and all its commands are ended first.

/** Limit of unsent messages before live output is skipped, in bytes. */
const mostWaitingBytes = 2 * 1024 * 1024

let waitingBytes = 0
let commands: Commands | undefined

function send(message: FromRunner): void {
  if (!process.connected) return
  const bytes = message.kind === 'output' ? message.chunk.data.length : 0
  waitingBytes += bytes
  process.send?.(message, undefined, undefined, () => {
    waitingBytes -= bytes
  })
}

function receive(message: ToRunner): void {
  if (message.kind === 'settings') {
    const hasRoom = () => waitingBytes < mostWaitingBytes
    commands = new Commands(message.settings, { send, hasRoom })
    send({ kind: 'ready' })
    flushCompileCache()
    return
  }
  if (commands === undefined) throw new Error(`"${message.kind}" came before the settings`)
  switch (message.kind) {
    case 'run':
      commands.run(message.runId, message.run, message.isLive)
      break
    case 'end':
      commands.end(message.runId, message.reason)
      break
    case 'lease':
      commands.extendLease(message.untilBootMs)
      break
    case 'ping':
      send({ kind: 'pong' })
      break
    case 'sweep':
      void commands.sweep(message)
      break
  }
}

// none of its children is a runner
delete process.env[markNames.runnerOf]
// files of commands belong to the owner alone; children inherit the mask
process.umask(0o077)
// only the hub may stop it: a signal to the group or from a terminal must not leave its commands
// unattended
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('message', receive)
process.once('disconnect', () => {
  // unkillable processes are left to the next hub, which searches for them
  void (commands?.close() ?? Promise.resolve()).finally(() => process.exit())
})
