import type { ReadCount } from '@fastim/protocol';

export type MemberCursors = readonly [joinSeq: number, readSeq: number];

/**
 * How many members read up to each of the messages, in one pass over the members: those who were there when it was
 * written. `sender`: undefined when he is no member now; he is among the members and does not count.
 */
export function countReaders(
  asked: ReadonlyArray<{ readonly convSeq: number; readonly sender: MemberCursors | undefined }>,
  members: readonly MemberCursors[],
): ReadCount[] {
  return asked.map(({ convSeq, sender }) => {
    const count = { convSeq, read: 0, of: 0 };
    for (let index = 0; index < members.length; index += 1) add(count, members[index]!, 1);
    if (sender) add(count, sender, -1);
    return count;
  });
}

function add(count: ReadCount, [joinSeq, readSeq]: MemberCursors, by: 1 | -1): void {
  if (joinSeq > count.convSeq) return;
  count.of += by;
  if (readSeq >= count.convSeq) count.read += by;
}
