import { type ApprovalNeeded, newActionId } from '@centralpost/shared'

let made = 0

/** An approval request as the hub sends one. */
export function askedFor(command: string, more: Partial<ApprovalNeeded> = {}): ApprovalNeeded {
  made += 1
  return {
    schema: 1,
    action_id: newActionId(),
    agent_id: 'agent-a',
    workflow_id: null,
    execution_id: made,
    agent_type: null,
    command,
    context: null,
    cwd: '/srv',
    env: {},
    timeout: 300,
    trust_level: 'REVIEW',
    risk: { level: 'low', score: 0, parts: [] },
    verdict: {
      level: 'REVIEW',
      reasons: ['writes or moves files'],
      units: [],
      risk: { level: 'low', score: 0, parts: [] },
      plan: { kind: 'argv', argv: ['true'] },
      policy: 'p',
    },
    digest: `digest-${made}`,
    bound: {},
    always: [
      { decision: 'approve_always_exact', rule: `exactly ${command}`, refused: null },
      { decision: 'approve_always_command', rule: null, refused: 'it runs what it is given' },
      { decision: 'approve_always_path_pattern', rule: 'below /srv', refused: null },
    ],
    approvals: [],
    approvals_needed: 1,
    requested_at: new Date().toISOString(),
    expires_at: new Date(Date.now() + 300_000).toISOString(),
    hub_id: 'test-hub',
    ...more,
  }
}
