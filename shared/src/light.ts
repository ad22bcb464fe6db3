/** Exports for processes that must stay small: free of library imports. */
export { bootMs } from './machine/boot-clock.ts'
export { isHeldPath } from './machine/held-files.ts'
export { messageOf } from './message-of.ts'
export { outputStreams, type OutputStream } from './messages/output-streams.ts'
export { isWithin } from './machine/real-path.ts'
export { quoteIfNeeded } from './text/shell-quote.ts'
