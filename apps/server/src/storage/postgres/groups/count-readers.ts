import type { ReadCount } from '@fastim/protocol';

/** How many members have these cursors; -1 takes one of them away again. */
export interface CountedCursors {
  readonly joinSeq: number;
  readonly readSeq: number;
  readonly members: number;
}

/** How many read up to a message, of those who were there when it was written. */
export function countReaders(convSeq: number, cursors: readonly CountedCursors[]): ReadCount {
  const count = { convSeq, read: 0, of: 0 };
  for (const { joinSeq, readSeq, members } of cursors) {
    if (joinSeq > convSeq) continue;
    count.of += members;
    if (readSeq >= convSeq) count.read += members;
  }
  return count;
}
