import type { ReadCount } from '@fastim/protocol';

/**
 * How many members read up to each of the messages, in one pass over the members: those who were there when it was
 * written, without its sender.
 */
export function countReaders(
  asked: ReadonlyArray<{ readonly convSeq: number; readonly senderId: bigint | undefined }>,
  members: Iterable<[userId: bigint, joinSeq: bigint, readSeq: bigint]>,
): ReadCount[] {
  const counts = asked.map(({ convSeq }) => ({ convSeq, read: 0, of: 0 }));
  const senders = new Set(asked.map(({ senderId }) => senderId));
  for (const [userId, joined, readUpTo] of members) {
    const [joinSeq, readSeq] = [Number(joined), Number(readUpTo)];
    const isSender = senders.has(userId);
    for (let index = 0; index < counts.length; index += 1) {
      const count = counts[index]!;
      if (joinSeq > count.convSeq || (isSender && asked[index]!.senderId === userId)) continue;
      count.of += 1;
      if (readSeq >= count.convSeq) count.read += 1;
    }
  }
  return counts;
}
