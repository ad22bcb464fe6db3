import type { ViewName } from '../route.ts'

const paths: Readonly<Record<ViewName | 'help' | 'leave' | 'settings', string>> = {
  approvals: 'M3 6h18v12H3zM3 7l9 7 9-7',
  terminal: 'M4 5h16v14H4zM7 9l3 3-3 3M12 15h5',
  history: 'M12 7v5l3 2M4.5 9A8 8 0 1 1 4 12M4 5v4h4',
  insights: 'M4 20V4M4 20h16M8 16v-4M12 16V8M16 16v-6',
  rules: 'M5 4h11l3 3v13H5zM8 10h8M8 14h8M8 18h5',
  system: 'M4 5h16v6H4zM4 13h16v6H4zM7 8h.01M7 16h.01',
  help: 'M9.2 9a3 3 0 1 1 4 2.8c-.8.4-1.2 1-1.2 1.9M12 17h.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18',
  leave: 'M14 5H5v14h9M10 12h11M18 9l3 3-3 3',
  settings: 'M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4',
}

export function Icon({ name }: { readonly name: keyof typeof paths }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}

/** The postmark. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 64 64" aria-hidden="true">
      <circle cx="26" cy="32" r="21" />
      <circle cx="26" cy="32" r="14.5" />
      <path class="cross" d="M19.5 32.5l4.7 4.7 8.6-9.6" />
      <path d="M44 22c4-3 6 3 10 0s5 1 7 0M46 32c4-3 6 3 9 0s4 1 6 0M44 42c4-3 6 3 10 0s5 1 7 0" />
    </svg>
  )
}
