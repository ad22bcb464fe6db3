import { useEffect } from 'preact/hooks'

/**
 * Dispatches single keys, while no text is being typed and no dialog is open. Names are those of
 * `KeyboardEvent.key`.
 */
export function useKeys(keys: Readonly<Record<string, () => void>>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isChord = event.ctrlKey || event.metaKey || event.altKey
      if (isChord || event.defaultPrevented || isTyping(event.target)) return
      if (document.querySelector('dialog[open]') !== null) return
      const action = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined
      if (action === undefined) return
      event.preventDefault()
      // a held key decides only once
      if (event.repeat && !['j', 'k'].includes(event.key)) return
      action()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  })
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement)
    return target.type !== 'checkbox' && target.type !== 'radio'
  return target.isContentEditable || ['TEXTAREA', 'SELECT'].includes(target.tagName)
}
