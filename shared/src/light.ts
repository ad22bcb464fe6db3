/** Exports for processes that must stay small: free of library imports. */
export { bootMs } from './boot-clock.ts'
export { isHeldPath } from './held-files.ts'
export { messageOf } from './message-of.ts'
export { outputStreams, type OutputStream } from './output-streams.ts'
export { isWithin } from './real-path.ts'
export { quoteIfNeeded } from './shell-quote.ts'
