import { type AlwaysRule, visible } from '@centralpost/shared'
import type { Command } from 'commander'
import { type OperatorOptions, withOperator, withOperatorOptions } from './connection.ts'
import { ruleFileCommands } from './hub-commands.ts'
import { print, printJson, table, timeOf } from '../terminal/terminal.ts'

interface ListOptions extends OperatorOptions {
  readonly all?: boolean
}

/** Adds `rules`: the rule-file commands of the hub's program, and the always rules of operators. */
export function addRulesCommand(program: Command): void {
  const rules = program
    .command('rules')
    .description('check the trust rules; list and revoke always rules')
  for (const [name, description] of ruleFileCommands) {
    rules
      .command(`${name} [args...]`)
      .description(description)
      .allowUnknownOption()
      .helpOption(false)
  }
  const list = rules
    .command('list')
    .description('list the always rules')
    .option('--all', 'include expired and revoked rules')
  withOperatorOptions(list).action((options: ListOptions) =>
    withOperator(options, async (operator) =>
      show(await operator.alwaysRules(options.all ? { all: true } : {}), options),
    ),
  )
  const revoke = rules
    .command('revoke')
    .description('revoke an always rule; actions it has already cleared continue')
    .argument('<id>', 'the id of the rule')
  withOperatorOptions(revoke).action((ruleId: string, options: OperatorOptions) =>
    withOperator(options, async (operator) => {
      await operator.revokeRule(ruleId)
      if (options.json) printJson({ rule_id: ruleId })
      else print(`revoked ${visible(ruleId)}`)
    }),
  )
}

function scopeOf(rule: AlwaysRule): string {
  if (rule.workflow_id !== null) return `workflow ${visible(rule.workflow_id)}`
  return rule.agent_id === null ? 'everything' : `agent ${rule.agent_id}`
}

function show(rules: readonly AlwaysRule[], options: OperatorOptions): void {
  if (options.json) {
    printJson(rules)
    return
  }
  if (rules.length === 0) {
    print('no always rules are in force')
    return
  }
  const rows = rules.map((rule) => [
    rule.rule_id,
    scopeOf(rule),
    rule.created_by,
    rule.revoked_at === null
      ? timeOf(rule.expires_at)
      : `revoked by ${rule.revoked_by ?? 'unknown'}`,
    String(rule.uses),
    visible(rule.description),
  ])
  const heads = ['RULE', 'FOR', 'MADE BY', 'UNTIL', 'USES', 'LETS RUN']
  for (const line of table(heads, rows)) print(line)
}
