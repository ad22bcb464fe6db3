import { RunningActions } from '#hub/action/running-actions.ts'

const action = { agent_id: 'a', action_id: 'one' }

describe('an action that runs', () => {
  test('is registered before the ledger says so, and forgotten where it does not', async () => {
    const running = new RunningActions()
    let wasThere = false
    const write = () => {
      wasThere = running.has(action)
      return Promise.resolve(false)
    }
    await running.register(action, write, Boolean)
    expect(wasThere).toBe(true)
    expect(running.has(action)).toBe(false)
    await expect(
      running.register(action, () => Promise.reject(new Error('locked')), Boolean),
    ).rejects.toThrow('locked')
    expect(running.has(action)).toBe(false)
  })

  test('stays so when its request comes again while it is being started', async () => {
    const running = new RunningActions()
    const again = Promise.withResolvers<boolean>()
    const known = running.register(action, () => again.promise, Boolean)
    await running.register(action, () => Promise.resolve(true), Boolean)
    again.resolve(false)
    await known
    expect(running.end(action, new Error('enough'))).toBe(true)
    expect(running.signalOf(action).aborted).toBe(true)
    running.forget(action)
    expect(running.has(action)).toBe(false)
  })
})
