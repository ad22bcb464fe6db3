import type { ApprovalNeeded } from '@centralpost/shared'

/** How the action would be confined, in words; null where the hub says nothing about it. */
export function sandboxText(asked: ApprovalNeeded): string | null {
  const { sandbox } = asked as { readonly sandbox?: unknown }
  if (sandbox === undefined || sandbox === null) return null
  return typeof sandbox === 'string' ? sandbox : JSON.stringify(sandbox)
}
