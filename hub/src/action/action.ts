/** A request that has passed admission: validated, complete, all defaults applied. */
export interface Action {
  /** the request message */
  readonly messageId: string
  readonly actionId: string
  readonly agentId: string
  readonly agentType: string | null
  readonly workflowId: string | null
  /** the command in readable form; the words of an `argv` request are quoted */
  readonly command: string
  readonly argv: readonly string[] | null
  readonly context: string | null
  /** real path */
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly streamOutput: boolean
  readonly reuseResult: boolean
  /** never started later, in milliseconds since 1970 */
  readonly expiresAt: number | null
  readonly requestedAt: number
}
