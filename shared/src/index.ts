/**
 * The vocabulary shared by every process of CentralPost.
 *
 * - **action**: a request of an agent, identified by its action id (the idempotency key).
 * - **command**: the text (or argv) of an action.
 * - **execution**: the row of an action in the history.
 * - **agent**: a spoke that requests actions. **operator**: a person's spoke that approves.
 *   **hub**: CentralPost.
 * - **verdict**: the classification of a command: a trust level with its reasons and a plan.
 * - **plan**: exactly what will be executed.
 * - **approval**: a person's decision on a REVIEW action.
 * - **result**: the one terminal message of an action.
 * - **ledger**: the table that decides what has happened to an action. **outbox**: results not yet
 *   confirmed by the broker.
 */
export * from './backoff.ts'
export * from './machine/boot-clock.ts'
export * from './bus/bus.ts'
export * from './bus/credentials.ts'
export * from './bus/endpoints.ts'
export * from './bus/kept-messages.ts'
export * from './bus/kept-record.ts'
export * from './bus/streams.ts'
export type { Delivery } from './bus/subject-queue.ts'
export * from './bus/per-caller-queue.ts'
export * from './bus/work-queue.ts'
export * from './messages/codec.ts'
export * from './text/command-lines.ts'
export * from './cli/completion.ts'
export * from './cli/exit-codes.ts'
export * from './config.ts'
export * from './machine/held-files.ts'
export * from './messages/ids.ts'
export * from './machine/is-alive.ts'
export * from './log/logger.ts'
export * from './message-of.ts'
export * from './messages/endpoints.ts'
export * from './messages/audit.ts'
export * from './messages/events.ts'
export * from './messages/history.ts'
export * from './messages/patterns.ts'
export * from './messages/request.ts'
export * from './messages/result.ts'
export * from './messages/rule-changed.ts'
export * from './messages/stats.ts'
export * from './text/iso-time.ts'
export * from './text/shell-quote.ts'
export * from './text/shorten.ts'
export * from './bus/message-size.ts'
export * from './messages/output-streams.ts'
export * from './problem.ts'
export * from './machine/real-path.ts'
export * from './secrets/find-secrets.ts'
export * from './secrets/secret-patterns.ts'
export * from './messages/subjects.ts'
export * from './tracing/open-tracing.ts'
export * from './tracing/tracing.ts'
export * from './messages/trust.ts'
export * from './text/visible.ts'
