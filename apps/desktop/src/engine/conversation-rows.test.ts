import type { ConversationState } from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { applyCursor, applyMessages, emptyRow, mergeState } from './conversation-rows.ts';
import type { ConversationRow, StoredMessage } from './store.ts';

const me = '1';
const row: ConversationRow = {
  ...emptyRow('7'),
  headSeq: 10,
  headCountNo: 10,
  tailSeq: 3,
  deliveredSeq: 3,
  ranges: [{ from: 1, to: 3 }],
};

function message(convSeq: number, senderId = '2'): StoredMessage {
  return {
    conversationId: '7',
    convSeq,
    msgId: `${100 + convSeq}`,
    senderId,
    key: convSeq.toString(16).padStart(32, '0'),
    kind: 1,
    text: 't',
    body: null,
    serverTimeMs: convSeq,
    countNo: convSeq,
  };
}

describe('a conversation’s row', () => {
  it('moves its tail on by a push only from where it is, and tells the server no more than that', () => {
    const after = applyMessages(row, [message(5), message(6)], 'push', me).row;
    expect(after).toMatchObject({
      tailSeq: 3,
      deliveredSeq: 3,
      ranges: [
        { from: 1, to: 3 },
        { from: 5, to: 6 },
      ],
    });
    expect(applyMessages(after, [message(4)], 'push', me).row).toMatchObject({ tailSeq: 6, deliveredSeq: 6 });
  });

  it('leaves the tail where it is for old history, and jumps for a pull that reaches the head', () => {
    const page = [message(7), message(8)];
    expect(applyMessages(row, page, 'pull', me).row).toMatchObject({ tailSeq: 3, deliveredSeq: 3 });
    const newest = [message(9), message(10)];
    expect(applyMessages(row, newest, 'pull', me).row).toMatchObject({ tailSeq: 10, deliveredSeq: 10 });
    expect(applyMessages(row, page, 'tail', me).row).toMatchObject({ tailSeq: 8, deliveredSeq: 8 });
  });

  it('does not tell the server of my own acks, which it knows', () => {
    const after = applyMessages(row, [message(4, me)], 'own-ack', me).row;
    expect(after).toMatchObject({ tailSeq: 4, deliveredSeq: 3, unreadBaseCountNo: 4 });
    expect(applyMessages(row, [message(11, me)], 'own-ack', me).row).toMatchObject({ tailSeq: 3, headSeq: 11 });
  });

  it('says what is new here: what is stored already is not told again', () => {
    const { added, row: after } = applyMessages(row, [message(2), message(3), message(4)], 'pull', me);
    expect(added.map(({ convSeq }) => convSeq)).toEqual([4]);
    expect(applyMessages(after, [message(4)], 'push', me).added).toEqual([]);
  });

  it('only ever rises, in whatever order states and cursors come', () => {
    const state: ConversationState = {
      conversationId: 7n,
      kind: 1,
      headSeq: 5,
      headCountNo: 5,
      joinSeq: 1,
      readSeq: 2,
      unreadBaseCountNo: 2,
      lastActivityMs: 5,
      peer: undefined,
      peerCursor: { conversationId: 7n, userId: 2n, deliveredSeq: 4, readSeq: 4, readCountNo: 4 },
      lastMessage: undefined,
    };
    const ahead = { ...row, readSeq: 9, unreadBaseCountNo: 9, peerDeliveredSeq: 8, peerReadSeq: 6, lastActivityMs: 50 };
    expect(mergeState(ahead, state)).toEqual({ ...ahead, readAckedSeq: 2 });
    const cursor = { conversationId: 7n, userId: 2n, deliveredSeq: 7, readSeq: 5, readCountNo: 5 };
    expect(applyCursor(ahead, cursor, me)).toBe(ahead);
    expect(applyCursor(ahead, { ...cursor, readSeq: 9 }, me)).toMatchObject({ peerDeliveredSeq: 9, peerReadSeq: 9 });
    expect(applyCursor(ahead, { ...cursor, userId: 1n, readSeq: 10, readCountNo: 10 }, me)).toMatchObject({
      readSeq: 10,
      readAckedSeq: 10,
      unreadBaseCountNo: 10,
      peerReadSeq: 6,
    });
  });

  it('of a member who joined late begins at the join', () => {
    const state: ConversationState = {
      conversationId: 7n,
      kind: 2,
      headSeq: 500,
      headCountNo: 400,
      joinSeq: 480,
      readSeq: 0,
      unreadBaseCountNo: 385,
      lastActivityMs: 5,
      peer: undefined,
      peerCursor: undefined,
      lastMessage: undefined,
    };
    expect(mergeState(undefined, state)).toMatchObject({
      kind: 'group',
      tailSeq: 479,
      deliveredSeq: 479,
      joinSeq: 480,
    });
  });
});
