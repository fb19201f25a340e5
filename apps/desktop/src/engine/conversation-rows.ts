import { mergeCursors } from '@fastim/core';
import { ConversationKind, type ConversationState, type MemberCursor } from '@fastim/protocol';
import { addRange, contains, cutRanges, type Ranges, rangeAt } from './ranges.ts';
import type { ConversationRow, StoredMessage } from './store.ts';
import { storedMessage, userView } from './wire-values.ts';

/** A conversation of which nothing is known but that it is there. */
export function emptyRow(conversationId: string): ConversationRow {
  return {
    conversationId,
    kind: 'direct',
    peer: null,
    headSeq: 0,
    headCountNo: 0,
    joinSeq: 1,
    readSeq: 0,
    readAckedSeq: 0,
    unreadBaseCountNo: 0,
    lastActivityMs: 0,
    peerDeliveredSeq: 0,
    peerReadSeq: 0,
    lastMessage: null,
    ranges: [],
    tailSeq: 0,
    deliveredSeq: 0,
    deliveredAckedSeq: 0,
    draft: '',
    position: null,
  };
}

/** What the server said of a conversation, merged into what is known here. Everything only rises. */
export function mergeState(row: ConversationRow | undefined, state: ConversationState): ConversationRow {
  const base = row ?? emptyRow(state.conversationId.toString());
  const joinSeq = Math.max(1, state.joinSeq);
  // Nothing before the join is ever pulled, so the tail begins there.
  const tailSeq = Math.max(base.tailSeq, joinSeq - 1);
  const deliveredSeq = row ? base.deliveredSeq : tailSeq;
  const peerCursor = mergeCursors(
    { deliveredSeq: base.peerDeliveredSeq, readSeq: base.peerReadSeq },
    { deliveredSeq: state.peerCursor?.deliveredSeq ?? 0, readSeq: state.peerCursor?.readSeq ?? 0 },
  );
  const last = state.lastMessage && storedMessage(state.lastMessage);
  return {
    ...base,
    kind: state.kind === ConversationKind.group ? 'group' : 'direct',
    peer: state.peer ? userView(state.peer) : base.peer,
    joinSeq,
    headSeq: Math.max(base.headSeq, state.headSeq),
    headCountNo: Math.max(base.headCountNo, state.headCountNo),
    readSeq: Math.max(base.readSeq, state.readSeq),
    readAckedSeq: Math.max(base.readAckedSeq, state.readSeq),
    unreadBaseCountNo: Math.max(base.unreadBaseCountNo, state.unreadBaseCountNo),
    lastActivityMs: Math.max(base.lastActivityMs, state.lastActivityMs),
    peerDeliveredSeq: peerCursor.deliveredSeq,
    peerReadSeq: peerCursor.readSeq,
    lastMessage: newer(base.lastMessage, last ?? null),
    tailSeq,
    deliveredSeq,
    deliveredAckedSeq: row ? base.deliveredAckedSeq : deliveredSeq,
  };
}

/** Where two histories part: the last message that both have. */
export interface CommonPlace {
  readonly convSeq: number;
  readonly countNo: number;
}

/** The row after everything behind `last` turned out to be lost at the server, whose word counts again. */
export function rewoundRow(row: ConversationRow, state: ConversationState, last: CommonPlace): ConversationRow {
  const common = last.convSeq;
  return {
    ...row,
    headSeq: state.headSeq,
    headCountNo: state.headCountNo,
    // What was read here and not told yet is still read.
    readSeq: Math.max(Math.min(row.readSeq, common), state.readSeq),
    readAckedSeq: state.readSeq,
    unreadBaseCountNo: Math.max(Math.min(row.unreadBaseCountNo, last.countNo), state.unreadBaseCountNo),
    lastActivityMs: state.lastActivityMs,
    peerDeliveredSeq: state.peerCursor?.deliveredSeq ?? 0,
    peerReadSeq: state.peerCursor?.readSeq ?? 0,
    lastMessage: state.lastMessage ? storedMessage(state.lastMessage) : null,
    ranges: cutRanges(row.ranges, common),
    tailSeq: Math.min(row.tailSeq, Math.max(common, row.joinSeq - 1)),
    deliveredSeq: Math.min(row.deliveredSeq, common),
    deliveredAckedSeq: Math.min(row.deliveredAckedSeq, common),
  };
}

/**
 * How messages reached this device. 'own-ack': the answer to my own SEND, the only kind that is not to be told to the
 * server as delivered. 'tail': the pull of the newest page.
 */
export type Arrival = 'push' | 'pull' | 'tail' | 'own-ack';

/**
 * The row after `messages` (rising conv_seq) are stored, and those of them that are new here. A pull of the newest page,
 * or one that reaches the head, moves the tail there, over a hole if need be; a push only moves it on from where it is.
 */
export function applyMessages(
  row: ConversationRow,
  messages: readonly StoredMessage[],
  arrival: Arrival,
  myUserId: string,
): { row: ConversationRow; added: StoredMessage[] } {
  let ranges: Ranges = row.ranges;
  let { headSeq, headCountNo, lastMessage, unreadBaseCountNo, lastActivityMs } = row;
  const added: StoredMessage[] = [];
  let highest = 0;
  for (const message of messages) {
    highest = Math.max(highest, message.convSeq);
    if (contains(ranges, message.convSeq)) continue;
    ranges = addRange(ranges, message.convSeq, message.convSeq);
    added.push(message);
    headSeq = Math.max(headSeq, message.convSeq);
    headCountNo = Math.max(headCountNo, message.countNo);
    lastActivityMs = Math.max(lastActivityMs, message.serverTimeMs);
    lastMessage = newer(lastMessage, message);
    if (message.senderId === myUserId) unreadBaseCountNo = Math.max(unreadBaseCountNo, message.countNo);
  }
  let tailSeq = row.tailSeq;
  if (arrival === 'tail' || (arrival === 'pull' && highest >= headSeq)) tailSeq = Math.max(tailSeq, highest);
  tailSeq = Math.max(tailSeq, rangeAt(ranges, tailSeq + 1)?.to ?? 0);
  return {
    added,
    row: {
      ...row,
      ranges,
      headSeq,
      headCountNo,
      lastMessage,
      lastActivityMs,
      unreadBaseCountNo,
      tailSeq,
      deliveredSeq: arrival === 'own-ack' ? row.deliveredSeq : Math.max(row.deliveredSeq, tailSeq),
    },
  };
}

/** A member's cursor, mine from another device or the peer's. The same row when nothing rose. */
export function applyCursor(row: ConversationRow, cursor: MemberCursor, myUserId: string): ConversationRow {
  if (cursor.userId.toString() === myUserId) {
    if (cursor.readSeq <= row.readAckedSeq && cursor.readCountNo <= row.unreadBaseCountNo) return row;
    return {
      ...row,
      readSeq: Math.max(row.readSeq, cursor.readSeq),
      readAckedSeq: Math.max(row.readAckedSeq, cursor.readSeq),
      unreadBaseCountNo: Math.max(row.unreadBaseCountNo, cursor.readCountNo),
    };
  }
  if (row.kind !== 'direct') return row;
  const merged = mergeCursors({ deliveredSeq: row.peerDeliveredSeq, readSeq: row.peerReadSeq }, cursor);
  if (merged.deliveredSeq === row.peerDeliveredSeq && merged.readSeq === row.peerReadSeq) return row;
  return { ...row, peerDeliveredSeq: merged.deliveredSeq, peerReadSeq: merged.readSeq };
}

function newer(a: StoredMessage | null, b: StoredMessage | null): StoredMessage | null {
  if (!b || (a && a.convSeq >= b.convSeq)) return a;
  return b.body === null ? b : { ...b, body: null };
}
