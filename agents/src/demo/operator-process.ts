import { checkConfig, messageOf, readYaml, type ApprovalNeeded } from '@centralpost/shared'
import { z } from 'zod'
import { stopped, untilStopped } from '../terminal/stop-signal.ts'
import { Operator } from '../operator/operator.ts'

const decisionsSchema = z.array(
  z.discriminatedUnion('decide', [
    z.strictObject({ program: z.string(), decide: z.literal('approve'), comment: z.string() }),
    z.strictObject({
      program: z.string(),
      decide: z.literal('deny'),
      reason: z.string(),
      suggestion: z.string(),
    }),
  ]),
)
type Decision = z.infer<typeof decisionsSchema>[number]

/** The demo's operator process: follows its list of decisions until it is stopped. */
async function main(args: readonly string[]): Promise<void> {
  const [name = '', dataDir = '', workflowId = '', list = ''] = args
  const decisions = checkConfig(decisionsSchema, await readYaml(list), list)
  await using operator = await Operator.connect({ name, dataDir })
  await untilStopped(async (signal) => {
    const tail = operator.tail((event) => {
      if (event.kind !== 'approval_needed' || event.message.workflow_id !== workflowId) return
      const [program] = event.message.command.split(' ')
      const decision = decisions.find((known) => known.program === program)
      if (decision) void decide(operator, event.message, decision)
    })
    await operator.flush()
    process.stdout.write('listening\n')
    await stopped(signal)
    await tail.drain()
  })
}

async function decide(
  operator: Operator,
  asked: ApprovalNeeded,
  decision: Decision,
): Promise<void> {
  const agentId = asked.agent_id
  try {
    if (decision.decide === 'approve') {
      const { comment } = decision
      await operator.approve(asked.action_id, { agentId, digest: asked.digest, comment })
    } else {
      const { reason, suggestion } = decision
      await operator.deny(asked.action_id, reason, { agentId, suggestion })
    }
  } catch (error) {
    process.stderr.write(`operator: ${messageOf(error)}\n`)
    process.exitCode = 1
  }
}

await main(process.argv.slice(2))
