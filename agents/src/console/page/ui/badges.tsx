import type { RiskLevel, TrustLevel } from '@centralpost/shared'

/** A verdict by word and shape, readable without its colour. */
export function LevelBadge({ level }: { readonly level: TrustLevel | null }) {
  if (level === null) return <span class="badge">–</span>
  return <span class={`badge level ${level.toLowerCase()}`}>{level}</span>
}

export function RiskBadge({ level }: { readonly level: RiskLevel }) {
  return <span class={`badge risk ${level}`}>{level} risk</span>
}

export function StatusBadge({ status }: { readonly status: string }) {
  return <span class={`badge status ${status}`}>{status.replace('_', ' ')}</span>
}
