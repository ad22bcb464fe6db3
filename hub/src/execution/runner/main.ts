import { flushCompileCache } from 'node:module'
import type { FromRunner, ToRunner } from '../runner-protocol.ts'
import { markNames } from '../processes/marks.ts'
import { Commands } from './commands.ts'

// The process that starts, watches and ends commands, so that the hub never does: starting one blocks a process for a
// time that grows with its memory. It imports next to nothing, and nothing outlives it: when its channel closes, the
// hub has gone, and all that runs here is ended first.

/** How much may wait to go out before live output is skipped. */
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

// of what it starts nothing is a runner
delete process.env[markNames.runnerOf]
// what commands make is its owner's alone; they inherit the mask
process.umask(0o077)
// the hub says when it is over: a signal to the group or from a terminal must not leave its commands alone
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('message', receive)
process.once('disconnect', () => {
  // what cannot be ended is left to the next hub, which looks for it
  void (commands?.close() ?? Promise.resolve()).finally(() => process.exit())
})
