/** A request that has passed admission: checked, complete, with nothing left to default. */
export interface Action {
  /** the message that asked for it */
  readonly messageId: string
  readonly actionId: string
  readonly agentId: string
  readonly agentType: string | null
  readonly workflowId: string | null
  /** the command as a person reads it; of an `argv` request, its words quoted */
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
