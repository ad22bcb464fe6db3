import { signal } from '@preact/signals'

export const viewNames = [
  'approvals',
  'terminal',
  'history',
  'insights',
  'rules',
  'system',
] as const
export type ViewName = (typeof viewNames)[number]

export interface Route {
  readonly view: ViewName
  readonly agentId: string | null
  readonly actionId: string | null
}

export const route = signal<Route>(read())

/** The address of a view, or of an action in it. */
export function address(view: ViewName, action?: { agent_id: string; action_id: string }): string {
  return action === undefined ? `#/${view}` : `#/${view}/${action.agent_id}/${action.action_id}`
}

export function go(view: ViewName, action?: { agent_id: string; action_id: string }): void {
  location.hash = address(view, action)
}

addEventListener('hashchange', () => {
  route.value = read()
})

function read(): Route {
  const [, view, agentId, actionId] = location.hash.split('/')
  return {
    view: viewNames.find((name) => name === view) ?? 'approvals',
    agentId: agentId || null,
    actionId: actionId || null,
  }
}
