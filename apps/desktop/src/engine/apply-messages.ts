import { newerMessage } from './conversation-rows.ts';
import { isEventContent, isUnmarked, mentionsUser, withEvent } from './message-content.ts';
import { addRange, contains, missing, type Ranges, rangeAt } from './ranges.ts';
import type { ConversationRow, StoredMessage } from './store.ts';

/**
 * How messages reached this device. 'own-ack': the answer to my own SEND, the only kind that is not to be told to the
 * server as delivered. 'tail': the pull of the newest page.
 */
export type Arrival = 'push' | 'pull' | 'tail' | 'own-ack';

export interface Applied {
  readonly row: ConversationRow;
  /** Those that are new here. */
  readonly added: StoredMessage[];
  /** A text of somebody else that nobody has seen yet. */
  readonly news: boolean;
}

/**
 * The row after `messages` (rising conv_seq) are stored, and those of them that are new here. A pull of the newest page,
 * or one that reaches the head, moves the tail there, over a hole if need be; a push only moves it on from where it is.
 *
 * A hole may hold events about anything before it: what was stored until then leaves `ranges` and is pulled again where
 * somebody looks at it. It may hold notices too: the group is taken to have changed in it.
 */
export function applyMessages(
  row: ConversationRow,
  messages: readonly StoredMessage[],
  arrival: Arrival,
  myUserId: string,
): Applied {
  let ranges: Ranges = row.ranges;
  let { headSeq, headCountNo, lastMessage, unreadBaseCountNo, lastActivityMs, mentionSeq, noticeSeq } = row;
  const isPull = arrival === 'pull' || arrival === 'tail';
  const added: StoredMessage[] = [];
  let news = false;
  let highest = 0;
  for (const message of messages) {
    const { convSeq, content } = message;
    highest = Math.max(highest, convSeq);
    if (contains(ranges, convSeq)) {
      // A pull says what became of it since: it may be here only as the answer to my SEND.
      if (isPull && !isUnmarked(message.marks)) added.push(message);
      continue;
    }
    // My ack came behind a jump over its place: the hole it is in may hold events about it.
    if (arrival !== 'own-ack' || convSeq > row.tailSeq) ranges = addRange(ranges, convSeq, convSeq);
    added.push(message);
    const isMine = message.senderId === myUserId;
    news ||= !isMine && content.type === 'text' && convSeq > headSeq && convSeq > row.readSeq;
    headSeq = Math.max(headSeq, convSeq);
    headCountNo = Math.max(headCountNo, message.countNo);
    lastActivityMs = Math.max(lastActivityMs, message.serverTimeMs);
    if (!isEventContent(content)) lastMessage = newerMessage(lastMessage, message);
    else if (lastMessage?.convSeq === content.targetSeq) lastMessage = withEvent(lastMessage, message, myUserId);
    if (content.type === 'notice') noticeSeq = Math.max(noticeSeq, convSeq);
    unreadBaseCountNo = Math.max(unreadBaseCountNo, isMine ? message.countNo : countNoRead(message, row.readSeq));
    if (isMine) continue;
    if (mentionsUser(content, myUserId)) mentionSeq = Math.max(mentionSeq, convSeq);
  }
  let { tailSeq } = row;
  if (arrival === 'tail' || (arrival === 'pull' && highest >= headSeq && highest > tailSeq)) {
    if (missing(ranges, tailSeq + 1, highest).length > 0) {
      ranges = rangesOf(messages);
      noticeSeq = Math.max(noticeSeq, (messages[0]?.convSeq ?? 1) - 1);
    }
    tailSeq = Math.max(tailSeq, highest);
  }
  tailSeq = Math.max(tailSeq, rangeAt(ranges, tailSeq + 1)?.to ?? 0);
  const after: ConversationRow = {
    ...row,
    ranges,
    headSeq,
    headCountNo,
    lastMessage,
    lastActivityMs,
    unreadBaseCountNo,
    mentionSeq,
    noticeSeq,
    tailSeq,
    deliveredSeq: arrival === 'own-ack' ? row.deliveredSeq : Math.max(row.deliveredSeq, tailSeq),
  };
  return { row: after, added, news };
}

function rangesOf(messages: readonly StoredMessage[]): Ranges {
  return messages.reduce<Ranges>((ranges, { convSeq }) => addRange(ranges, convSeq, convSeq), []);
}

/**
 * What a message tells of the count_no at `readSeq`: that it is at least this. The message there, and the one behind it,
 * tell it exactly; a read cursor may be on a message that is not here.
 */
export function countNoRead({ convSeq, countNo, content }: StoredMessage, readSeq: number): number {
  if (convSeq <= readSeq) return countNo;
  return convSeq === readSeq + 1 ? countNo - (content.type === 'text' ? 1 : 0) : 0;
}
