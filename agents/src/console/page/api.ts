import { signal } from '@preact/signals'

const keyName = 'centralpost.key'

/** Whether the server answered that this browser is not signed in. */
export const isSignedOut = signal(false)

/** The reason why a call failed, in words for the operator. */
export class ApiError extends Error {
  readonly code: string
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: string, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message)
    this.code = code
    this.details = details
  }
}

export interface ApiProblem {
  readonly code: string
  readonly message: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** The page's half of the session; the other half is in a cookie that no script can read. */
export const keyHeaders = (): Record<string, string> => ({
  'x-centralpost-key': localStorage.getItem(keyName) ?? '',
})

/**
 * Calls the console's server.
 *
 * @throws {ApiError} with the answer of hub or server; `unavailable` when the server is away
 */
export async function call<T>(
  name: string,
  body: object = {},
  signal_: AbortSignal | null = null,
): Promise<T> {
  let answer: Response
  try {
    answer = await fetch(`/api/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...keyHeaders() },
      body: JSON.stringify(body),
      signal: signal_,
    })
  } catch (error) {
    if (signal_?.aborted) throw error
    throw new ApiError('unavailable', 'the console’s server does not answer')
  }
  if (answer.ok) return (await answer.json()) as T
  const said = (await answer.json().catch(() => ({}))) as { error?: ApiProblem }
  if (answer.status === 401) isSignedOut.value = true
  const { code = 'internal', message = `the server answered ${answer.status}` } = said.error ?? {}
  throw new ApiError(code, message, said.error?.details)
}

/** Starts a download in the browser: fetches a ticket, which a link can use once. */
export async function download(what: object): Promise<void> {
  const { ticket } = await call<{ ticket: string }>('downloads', what)
  const link = document.createElement('a')
  link.href = `/downloads/${ticket}`
  link.download = ''
  link.click()
}

export async function signOut(): Promise<void> {
  await call('logout').catch(() => {})
  localStorage.removeItem(keyName)
  isSignedOut.value = true
}
