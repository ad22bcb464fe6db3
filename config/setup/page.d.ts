export function ensurePage(root: string, options?: { readonly always?: boolean }): void
