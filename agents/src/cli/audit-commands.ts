import { readFile, writeFile } from 'node:fs/promises'
import {
  type Checkpoint,
  CentralPostError,
  checkpointSchema,
  messageOf,
  visible,
  exitCodes,
} from '@centralpost/shared'
import type { Command } from 'commander'
import type { Operator } from '../operator/operator.ts'
import { type OperatorOptions, withOperator, withOperatorOptions } from './connection.ts'
import { moment } from './history-filters.ts'
import { withProgress } from '../terminal/progress.ts'
import { print, printJson, table, timeOf } from '../terminal/terminal.ts'

interface VerifyOptions extends OperatorOptions {
  readonly checkpoint?: string
  readonly against?: readonly string[]
}

/** Adds the audit-trail commands `verify` and `segments` to `history`. */
export function addAuditCommands(history: Command): void {
  withOperatorOptions(
    history
      .command('verify')
      .description('recompute the audit chain; exit code 1 when it is broken')
      .option(
        '--checkpoint <file>',
        'append a checkpoint of the chain to this file, if the chain is intact',
      )
      .option('--against <files...>', 'compare with the checkpoints in these files'),
  ).action((options: VerifyOptions) =>
    withOperator(options, (operator) => verify(operator, options)),
  )
  withOperatorOptions(
    history
      .command('segments')
      .description('list the sealed segments of the audit trail')
      .option('--seal-before <time>', 'seal events that are due first', moment),
  ).action((options: OperatorOptions & { sealBefore?: string }) =>
    withOperator(options, async (operator) => {
      const { sealBefore } = options
      const segments = await operator.segments(sealBefore === undefined ? {} : { sealBefore })
      if (options.json) {
        printJson(segments)
        return
      }
      if (segments.length === 0) print('nothing was sealed')
      else {
        const rows = segments.map((one) => [
          `${one.first_seq}-${one.last_seq}`,
          timeOf(one.last_at),
          one.sealed_by,
          one.sha256,
          visible(one.file),
        ])
        for (const line of table(['EVENTS', 'UNTIL', 'BY', 'SHA-256', 'FILE'], rows)) print(line)
      }
    }),
  )
}

async function verify(operator: Operator, options: VerifyOptions): Promise<void> {
  const kept = await Promise.all((options.against ?? []).map(readCheckpoints))
  const chain = await withProgress('recomputing the audit chain', () =>
    operator.verify(kept.flat()),
  )
  if (chain.intact && chain.checkpoint !== null && options.checkpoint !== undefined) {
    await writeFile(options.checkpoint, `${JSON.stringify(chain.checkpoint)}\n`, { flag: 'a' })
  }
  if (options.json) printJson(chain)
  else if (chain.intact && chain.head === null)
    print('nothing is recorded: the audit chain is empty')
  else if (chain.intact) {
    const compared = kept.flat().length
    const also = compared === 0 ? '' : `, and matches ${compared} checkpoints`
    print(`the audit chain is intact: ${chain.events} events, head ${chain.head}${also}`)
  } else
    print(`the audit chain is BROKEN at event ${chain.first_bad}: ${visible(chain.problem ?? '')}`)
  if (!chain.intact) process.exitCode = exitCodes.failed
}

/** Checkpoints as `--checkpoint` writes them: one JSON object per line. */
async function readCheckpoints(path: string): Promise<Checkpoint[]> {
  try {
    const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.trim() !== '')
    return lines.map((line) => checkpointSchema.parse(JSON.parse(line)))
  } catch (error) {
    throw new CentralPostError(
      'invalid_request',
      `${path} does not hold checkpoints: ${messageOf(error)}`,
      { cause: error },
    )
  }
}
