import { TestHub } from '../support/hub.ts'

const notEnded = new Set(['pending', 'queued', 'running'])

test('whoever asks while an action ends is told a state and a result that fit', async () => {
  await using it = await TestHub.start({ config: { execution: { sandbox: { mode: 'off' } } } })
  const agent = await it.agent('agent-a')
  const other = await it.agent('agent-b')
  const operators = [await it.operator('alice'), await it.operator('bob')]
  const misfits: string[] = []
  const over = new AbortController()
  // what is on its way to the disk makes the looks take their time
  const busy = async (n: number): Promise<void> => {
    while (!over.signal.aborted)
      await other.requestAction({ command: `touch ${n}`, expiresAt: new Date() })
  }
  const all = Promise.all([busy(1), busy(2), busy(3)])
  for (let n = 0; n < 20; n += 1) {
    const { actionId } = await agent.requestAction(`sleep 0.0${n}`)
    let hasEnded = false
    const ask = async (who: (typeof operators)[number] | typeof agent): Promise<void> => {
      while (!hasEnded) {
        const asked = 'getAction' in who ? who.getAction(actionId) : who.result(actionId)
        // not taken in yet
        const told = await asked.catch(() => null)
        if (told === null) continue
        const { state, result } = told
        if (notEnded.has(state) !== (result === null)) misfits.push(`${state}, ${result?.status}`)
        hasEnded ||= result !== null
      }
    }
    await Promise.all([agent, ...operators].map(ask))
  }
  over.abort()
  await all
  expect(misfits).toEqual([])
}, 120_000)
