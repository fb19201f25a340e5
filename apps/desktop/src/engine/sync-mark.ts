import type { SyncMark } from '@fastim/protocol';
import type { ConversationRow } from './store.ts';

/** What this device knows of its list. */
export function markOf(conversations: Iterable<ConversationRow>, sinceMs: number): SyncMark {
  const mark = { conversationCount: 0, headSum: 0, readSum: 0, versionSum: 0, peerSum: 0, sinceMs };
  for (const row of conversations) {
    mark.conversationCount += 1;
    mark.headSum += row.headSeq;
    mark.readSum += row.readAckedSeq;
    mark.versionSum += row.version;
    if (row.kind === 'direct') mark.peerSum += row.peerDeliveredSeq + row.peerReadSeq;
  }
  return mark;
}

const sums = ['conversationCount', 'headSum', 'readSum', 'versionSum', 'peerSum'] as const;

/** Whether one device knows at least as much as the other: everything in a mark only rises. */
export function knowsAll(mine: SyncMark, theirs: SyncMark): boolean {
  return sums.every((field) => mine[field] >= theirs[field]);
}

export function isSameMark(a: SyncMark, b: SyncMark): boolean {
  return sums.every((field) => a[field] === b[field]);
}
