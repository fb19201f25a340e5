import {
  type ConversationState,
  conversationsResponse,
  historyResponse,
  MAX_DATA_AFTER_LOGIN,
  type Message,
  syncResponse,
} from '@fastim/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageSize, pageLimit, rowsThatFit, stateSize } from './page.ts';

const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const id = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const message: fc.Arbitrary<Message> = fc.record({
  msgId: id,
  conversationId: id,
  convSeq: count,
  senderId: id,
  clientMsgId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  kind: fc.nat({ max: 0xffff_ffff }),
  body: fc.nat({ max: 17_000 }).map((length) => new Uint8Array(length)),
  serverTimeMs: count,
  countNo: count,
  marks: fc.option(
    fc.record({
      editedSeq: count,
      recalledSeq: count,
      recalledBy: id,
      reactionsSeq: count,
      reactions: fc.array(
        fc.record({
          emoji: fc.string({ unit: 'binary', maxLength: 32 }),
          count: fc.nat({ max: 0xffff_ffff }),
          mine: fc.boolean(),
          userIds: fc.array(id, { maxLength: 20 }),
        }),
        { maxLength: 20 },
      ),
    }),
    { nil: undefined },
  ),
});
const state: fc.Arbitrary<ConversationState> = fc.record({
  conversationId: id,
  kind: fc.nat({ max: 0xffff_ffff }),
  headSeq: count,
  headCountNo: count,
  joinSeq: count,
  readSeq: count,
  unreadBaseCountNo: count,
  lastActivityMs: count,
  peer: fc.option(
    fc.record({ userId: id, username: fc.string({ unit: 'binary' }), displayName: fc.string({ unit: 'binary' }) }),
    { nil: undefined },
  ),
  peerCursor: fc.option(
    fc.record({ conversationId: id, userId: id, deliveredSeq: count, readSeq: count, readCountNo: count }),
    { nil: undefined },
  ),
  lastMessage: fc.option(message, { nil: undefined }),
  leaveSeq: count,
  mentionSeq: count,
  version: count,
  settings: fc.record({
    silentUntilMs: count,
    pinnedMs: count,
    archived: fc.boolean(),
    markedUnread: fc.boolean(),
    draft: fc.string({ unit: 'binary', maxLength: 4_000 }),
    hiddenVersion: count,
  }),
  group: fc.option(
    fc.record({
      name: fc.string({ unit: 'binary', maxLength: 64 }),
      avatarColor: fc.nat({ max: 0xffff_ffff }),
      announcement: fc.string({ unit: 'binary', maxLength: 2_000 }),
      ownerId: id,
      memberCount: fc.nat({ max: 0xffff_ffff }),
      muteAll: fc.boolean(),
      joinApproval: fc.boolean(),
    }),
    { nil: undefined },
  ),
  role: fc.nat({ max: 0xffff_ffff }),
  mutedUntilMs: count,
  pendingJoins: fc.nat({ max: 0xffff_ffff }),
});

describe('pages', () => {
  it.each([
    [0, 100, 50],
    [0, 20, 20],
    [7, 100, 7],
    [100, 100, 100],
    [101, 100, 100],
    [1_000, 100, 100],
  ])('a limit of %i with at most %i gives %i rows', (asked, max, rows) => {
    expect(pageLimit(asked, max)).toBe(rows);
  });

  it.each([1_001, 1_000_000_000, 0xffff_ffff])('a limit of %i is BAD_REQUEST', (asked) => {
    expect(() => pageLimit(asked, 100)).toThrow(expect.objectContaining({ reason: 'BAD_REQUEST' }));
  });

  it('never makes a history response over the limit of the wire, and always has a row', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 20 }), (messages) => {
        const fit = rowsThatFit(messages, messageSize);
        expect(fit).toBeGreaterThanOrEqual(1);
        const data = historyResponse.encode({
          status: undefined,
          conversationId: 2n ** 64n - 1n,
          messages: messages.slice(0, fit),
          headSeq: Number.MAX_SAFE_INTEGER,
        });
        expect(data.length).toBeLessThanOrEqual(MAX_DATA_AFTER_LOGIN);
      }),
      { numRuns: 50 },
    );
  });

  it('never makes a sync response over the limit of the wire, and always has a row', () => {
    fc.assert(
      fc.property(fc.array(state, { minLength: 1, maxLength: 20 }), (conversations) => {
        const fit = rowsThatFit(conversations, stateSize);
        expect(fit).toBeGreaterThanOrEqual(1);
        const sync = syncResponse.encode({
          status: undefined,
          conversations: conversations.slice(0, fit),
          more: true,
          serverTimeMs: Number.MAX_SAFE_INTEGER,
          mark: {
            conversationCount: 0xffff_ffff,
            headSum: Number.MAX_SAFE_INTEGER,
            readSum: Number.MAX_SAFE_INTEGER,
            sinceMs: Number.MAX_SAFE_INTEGER,
            versionSum: Number.MAX_SAFE_INTEGER,
            peerSum: Number.MAX_SAFE_INTEGER,
          },
        });
        expect(sync.length).toBeLessThanOrEqual(MAX_DATA_AFTER_LOGIN);
        for (const row of conversations) {
          const alone = conversationsResponse.encode({ status: undefined, conversations: [row] });
          expect(alone.length).toBeLessThanOrEqual(stateSize(row) + 8);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('takes every row where rows are small', () => {
    expect(rowsThatFit(Array.from({ length: 100 }), () => 100)).toBe(100);
  });
});
