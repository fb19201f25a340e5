import type { NodeNumber } from '../message-store.ts';

/** How a process that stores messages holds its node number. */
export interface Fence {
  /** Undefined: none is held now; then nothing is stored (StorageError 'fenced'). */
  current(): NodeNumber | undefined;
  /** The database knows a newer holder than this fence. */
  refused(fence: bigint): void;
}

/** A node number that nobody else can have taken when the transaction commits; see fastim_require_fence_1. */
export const REQUIRE_FENCE = 'SELECT fastim_require_fence_1($1::bigint[], $2::bigint[])';
