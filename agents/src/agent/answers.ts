/** The forms of what a hub answers: loaded with the first question, since most requests ask none. */
export {
  agentPatternsReplySchema,
  cancelReplySchema,
  resultReplySchema,
  stateReplySchema,
  verdictSchema,
} from '@centralpost/shared'
