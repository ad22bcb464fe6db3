import { effect, type Signal, signal } from '@preact/signals'

export const themes = ['auto', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

/** The settings of this browser. */
export const theme = kept<Theme>('theme', 'auto')
export const notifies = kept<boolean>('notify', false)
export const sounds = kept<boolean>('sound', false)

effect(() => {
  document.documentElement.dataset['theme'] = theme.value
})

/** A value stored in this browser. */
function kept<T>(name: string, otherwise: T): Signal<T> {
  const key = `centralpost.${name}`
  const stored = localStorage.getItem(key)
  const value = signal<T>(stored === null ? otherwise : (JSON.parse(stored) as T))
  effect(() => localStorage.setItem(key, JSON.stringify(value.value)))
  return value
}
