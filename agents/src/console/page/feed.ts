import { Backoff } from '@centralpost/shared/backoff'
import type { RuleChanged } from '@centralpost/shared'
import { batch } from '@preact/signals'
import { type ActionKey, type Decided, type FeedMessage, keyOf } from '../wire/feed-message.ts'
import { isSignedOut, keyHeaders, call } from './api.ts'
import { setHubTime } from './clock.ts'
import {
  agents,
  bytes,
  connection,
  decided,
  ended,
  hub,
  me,
  pending,
  ruleChanges,
  running,
} from './store.ts'

/** The server sends something every two seconds; a longer silence is a lost connection. */
const silenceMs = 12_000
const mostEnded = 200
const mostDecided = 1000

type OutputMessage = Extract<FeedMessage, { type: 'output' }>
/**
 * Receives output; the feed reads on when the returned promise resolves, so that a flood waits at
 * the server.
 */
type OutputReader = (message: OutputMessage) => Promise<void> | void

let outputReader: OutputReader | null = null
let watched: ActionKey | null = null
const decidedListeners = new Set<(one: Decided) => void>()
const ruleListeners = new Set<(change: RuleChanged) => void>()
const arrivedListeners = new Set<(keys: readonly string[]) => void>()

/** Shows the output of one action; null: no output. */
export function watchOutput(key: ActionKey | null, reader: OutputReader | null): void {
  watched = key
  outputReader = reader
  void sayWatched()
}

export const onDecided = (listener: (one: Decided) => void): void => {
  decidedListeners.add(listener)
}
export const onRuleChanged = (listener: (change: RuleChanged) => void): void => {
  ruleListeners.add(listener)
}
export const onArrived = (listener: (keys: readonly string[]) => void): void => {
  arrivedListeners.add(listener)
}

/** Reads the server's feed while the page is open. */
export async function keepInTouch(): Promise<void> {
  const pauses = new Backoff(500, 8000)
  while (!isSignedOut.value) {
    const hasBegun = await readOnce()
    if (isSignedOut.value) return
    connection.value = 'lost'
    if (hasBegun) pauses.reset()
    await new Promise((resolve) => setTimeout(resolve, pauses.next()))
  }
}

async function readOnce(): Promise<boolean> {
  const stop = new AbortController()
  let guard = setTimeout(() => stop.abort(), silenceMs)
  let hasBegun = false
  try {
    const answer = await fetch('/api/events', { headers: keyHeaders(), signal: stop.signal })
    if (answer.status === 401) isSignedOut.value = true
    if (!answer.ok || answer.body === null) return false
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      clearTimeout(guard)
      guard = setTimeout(() => stop.abort(), silenceMs)
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      const messages = lines.map((line) => JSON.parse(line) as FeedMessage)
      hasBegun ||= messages.length > 0
      batch(() => messages.forEach(apply))
      for (const message of messages) if (message.type === 'output') await show(message)
    }
  } catch {
    // whatever ended the stream, the loop opens another
  } finally {
    clearTimeout(guard)
  }
  return hasBegun
}

async function show(message: OutputMessage): Promise<void> {
  if (watched !== null && keyOf(watched) === keyOf(message.key)) await outputReader?.(message)
}

async function sayWatched(): Promise<void> {
  const feed = me.value?.feed
  if (feed === undefined) return
  const action = watched && { agent_id: watched.agent_id, action_id: watched.action_id }
  await call('watch', { feed, action }).catch(() => {
    // the next connection repeats it
  })
}

function apply(message: FeedMessage): void {
  switch (message.type) {
    case 'hello': {
      const { operator, agent, feed } = message
      me.value = { operator, agent, feed }
      connection.value = 'open'
      if (watched !== null) void sayWatched()
      return
    }
    case 'snapshot':
      pending.value = new Map(message.pending.map((asked) => [keyOf(asked), asked]))
      running.value = new Map(message.running.map((action) => [keyOf(action), action]))
      bytes.value = new Map(message.running.map((action) => [keyOf(action), action.bytes]))
      ended.value = message.ended
      agents.value = message.agents
      // catches up on changes missed while disconnected
      ruleChanges.value += 1
      return
    case 'pending': {
      const next = new Map(pending.value)
      const arrived = message.actions.map(keyOf).filter((key) => !next.has(key))
      for (const asked of message.actions) next.set(keyOf(asked), asked)
      pending.value = next
      if (arrived.length > 0) for (const listener of arrivedListeners) listener(arrived)
      return
    }
    case 'voted': {
      const asked = pending.value.get(keyOf(message.key))
      if (!asked) return
      const voted = { ...asked, approvals: [...message.approvals] }
      pending.value = new Map(pending.value).set(keyOf(asked), voted)
      return
    }
    case 'decided':
      settle(message.decided)
      return
    case 'started': {
      const { action } = message
      running.value = new Map(running.value).set(keyOf(action), action)
      bytes.value = new Map(bytes.value).set(keyOf(action), action.bytes)
      return
    }
    case 'progress': {
      const next = new Map(bytes.value)
      for (const action of message.actions) next.set(keyOf(action), action.bytes)
      bytes.value = next
      return
    }
    case 'ended': {
      const key = keyOf(message.result)
      running.value = without(running.value, key)
      ended.value = [message.result, ...ended.value].slice(0, mostEnded)
      return
    }
    case 'agents':
      agents.value = message.agents
      return
    case 'rules':
      ruleChanges.value += 1
      if (message.change !== null) for (const listener of ruleListeners) listener(message.change)
      return
    case 'hub':
      hub.value = message.hub
      if (message.hub.hub_now !== null) setHubTime(message.hub.hub_now)
      return
    case 'signed-out':
      isSignedOut.value = true
      return
    case 'output':
  }
}

function settle(one: Decided): void {
  const key = keyOf(one)
  const next = new Map(decided.value)
  next.delete(key)
  next.set(key, one)
  for (const oldest of next.keys()) {
    if (next.size <= mostDecided) break
    next.delete(oldest)
  }
  decided.value = next
  // views of the action learn its end before it leaves the list
  for (const listener of decidedListeners) listener(one)
  pending.value = without(pending.value, key)
}

function without<T>(map: ReadonlyMap<string, T>, key: string): ReadonlyMap<string, T> {
  if (!map.has(key)) return map
  const next = new Map(map)
  next.delete(key)
  return next
}
