/** The commands of the hub's own program, with their lines for --help. */
export const hubCommands: ReadonlyMap<string, string> = new Map([
  ['up', 'start broker, hub and console on this machine and keep them running'],
  ['hub', 'start only the hub, on the broker of NATS_URL or of the data directory'],
  ['broker', 'start only the embedded broker'],
  ['classify', 'show how a command would be judged, and why (needs no hub)'],
  ['check', 'check configuration and rules (needs no hub)'],
  ['credentials', 'add, show, list and revoke agents and operators'],
  ['broker-config', 'write the accounts of all identities for your own nats-server'],
  ['recover', 'start even if a database or key is lost'],
  ['setup', 'find or fetch nats-server and bubblewrap'],
  ['doctor', 'check this machine for missing or broken parts'],
])

/** `rules` commands of the hub's program; the other `rules` commands need an operator. */
export const ruleFileCommands: ReadonlyMap<string, string> = new Map([
  ['lint', 'check a rule file, and warn of probable mistakes'],
  ['test', 'check that a command gets the expected level'],
  ['recheck', 'show which past commands a rule file would decide differently'],
])

/** Whether the hub's program handles these arguments. */
export function asksForHub([command = '', ...words]: readonly string[]): boolean {
  if (command === 'rules') return words.some((word) => ruleFileCommands.has(word))
  return hubCommands.has(command)
}
