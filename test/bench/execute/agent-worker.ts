import { Agent } from '@centralpost/agents'
import { readFile } from 'node:fs/promises'
import { answerMeasurements } from './measure.mjs'

// Several agents in one process: what is measured is the hub, not how many clients fit on the machine.
const agents = await Promise.all(
  process.argv.slice(2).map(async (file) => {
    const { name, credentials } = JSON.parse(await readFile(file, 'utf8'))
    return Agent.connect({ name, credentials })
  }),
)
let turn = 0
answerMeasurements(async (argv: readonly string[]) => {
  turn += 1
  const agent = agents[turn % agents.length] as Agent
  const action = await agent.requestAction({ argv, streamOutput: false })
  const result = await action.result()
  if (result.status !== 'completed') throw new Error(JSON.stringify(result))
})
process.on('disconnect', () => {
  void Promise.all(agents.map((agent) => agent.close())).then(() => process.exit())
})
