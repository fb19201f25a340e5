import { SINCE_OVERLAP } from './logic-limits.ts';

/**
 * From when on changes are looked for when a client says "since". A message gets its time when it comes in and is seen
 * when its batch is committed: one on its way during the client's last read has an earlier time than that read, and was
 * not in it. Rows that the client has already are harmless, a row that it never gets is not.
 */
export function lookBack(sinceMs: number): number {
  return Math.max(0, sinceMs - SINCE_OVERLAP);
}
