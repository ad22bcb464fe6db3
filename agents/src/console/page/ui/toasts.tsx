import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { ApiError } from '../api.ts'

type Kind = 'good' | 'note' | 'bad'
interface Toast {
  readonly id: number
  readonly kind: Kind
  readonly content: ComponentChildren
  /** a newer one of the same group replaces it */
  readonly group: string | undefined
}

const shownMs: Readonly<Record<Kind, number>> = { good: 7000, note: 7000, bad: 14_000 }
const mostToasts = 4
const toasts = signal<readonly Toast[]>([])
let lastId = 0

/** Shows a message without interrupting the operator. */
export function toast(kind: Kind, content: ComponentChildren, group?: string): void {
  lastId += 1
  const one = { id: lastId, kind, content, group }
  const others = toasts.value.filter((shown) => group === undefined || shown.group !== group)
  toasts.value = [...others, one].slice(-mostToasts)
  setTimeout(() => dismiss(one.id), shownMs[kind])
}

/** Shows why something failed. */
export function sayProblem(what: string, error: unknown): void {
  const why = error instanceof ApiError || error instanceof Error ? error.message : String(error)
  toast('bad', `${what}: ${why}`)
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, kind, content }) => (
        <div key={id} class={`toast ${kind}`}>
          <div>{content}</div>
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => dismiss(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  )
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((shown) => shown.id !== id)
}
