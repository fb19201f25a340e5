import type { StoreError } from '../../engine/store.ts';

/** What the store asks its worker, and what comes back. Answers come in the order of the calls. */
export type StoreCall = { id: number; method: StoreMethod; args: readonly unknown[] };

export type StoreMethod =
  | 'open'
  | 'close'
  | 'saveProfile'
  | 'beginAccount'
  | 'endAccount'
  | 'putPendingLogOut'
  | 'removePendingLogOut'
  | 'load'
  | 'apply'
  | 'messages'
  | 'search';

export type StoreAnswer =
  | { id: number; value: unknown; millis: number }
  | { id: number; error: { kind: StoreError['kind']; message: string } };
