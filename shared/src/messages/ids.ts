import { ulid } from 'ulid'
import { z } from 'zod'

/** A name that is valid as one token of a subject. */
const token = /^[A-Za-z0-9_-]{1,64}$/

const tokenSchema = (what: string) =>
  z.string().regex(token, {
    error: `${what} must match ${token.source}`,
  })

export const agentIdSchema = tokenSchema('an agent id')
export const operatorIdSchema = tokenSchema('an operator name')
export const actionIdSchema = tokenSchema('an action id')
export const workflowIdSchema = z
  .union([z.string().min(1).max(128), z.int()])
  .transform((id) => String(id))

export const isAgentId = (text: string): boolean => token.test(text)

/** A new action id: sorts by time, cannot be guessed. */
export const newActionId = (): string => ulid()
