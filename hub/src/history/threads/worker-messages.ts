import type { StoreLocation } from '../store/dialect/dialect.ts'

/**
 * The role of a history thread: one writes the memory, one answers queries, one verifies and ends.
 */
export type WorkerRole = 'indexer' | 'reader' | 'auditor'

export interface WorkerStart {
  readonly role: WorkerRole
  readonly location: StoreLocation
  readonly hubId: string
}

export interface WorkerCall {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}

export type WorkerReply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly code: string; readonly message: string }
