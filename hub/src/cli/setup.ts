import { CentralPostError } from '@centralpost/shared'
import type { Command } from 'commander'
import type * as Machine from '../setup/machine.js'
import { printAs } from './settings.ts'

/** Adds `setup`: gets what a hub needs and this machine lacks. */
export function addSetupCommand(program: Command): void {
  program
    .command('setup')
    .description('find or fetch nats-server and bubblewrap')
    .option('--newest', 'build the newest supported nats-server from its Go module (needs Go 1.25)')
    .option('--json', 'print JSON')
    .action(async (options: { newest?: boolean; json?: boolean }) => {
      await setUp(async (machine) => {
        await (options.newest ? machine.buildNewestBroker() : machine.ensureBroker())
        await machine.ensureSandbox()
        const found = machine.foundPrograms()
        const lines = Object.entries(found).map(
          ([name, path]) => `${name.replace('_', '-')}: ${path ?? 'missing'}`,
        )
        printAs(options, lines.join('\n'), found)
      })
    })
}

/** Prepares the machine before `up` starts. Silent and quick where nothing is missing. */
export function ensureMachine(): Promise<void> {
  return setUp(async (machine) => {
    await machine.ensureBroker()
    if (!machine.sandboxLatelyFailed()) await machine.ensureSandbox()
  })
}

async function setUp(work: (machine: typeof Machine) => Promise<void>): Promise<void> {
  const machine = await import('../setup/machine.js')
  try {
    await work(machine)
  } catch (error) {
    if (!(error instanceof machine.SetupError)) throw error
    throw new CentralPostError('unavailable', error.message, { cause: error })
  }
}
