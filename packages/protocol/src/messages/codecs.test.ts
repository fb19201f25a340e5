import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { LocalProtocolError } from '../errors.ts';
import { MAX_REPEATED } from '../limits.ts';
import type { Codec } from './codec.ts';
import * as codecs from './index.ts';

const id = fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.constantFrom(0n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 53n + 1n));
const count = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1));
const number = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(0, 1, 2 ** 32 - 1));
const text = fc.string({ unit: 'grapheme', maxLength: 60 });
const bytes = fc.uint8Array({ maxLength: 60 });
const clientMsgId = fc.uint8Array({ minLength: 16, maxLength: 16 });

const status = fc.option(
  fc.record({
    code: fc.integer({ min: 1, max: 999 }),
    message: text,
    retryAfterMs: number,
    minVersion: number,
    maxVersion: number,
  }),
  { nil: undefined },
);
const message: fc.Arbitrary<codecs.Message> = fc.record({
  msgId: id,
  conversationId: id,
  convSeq: count,
  senderId: id,
  clientMsgId,
  kind: number,
  body: bytes,
  serverTimeMs: count,
  countNo: count,
});
const cursor: fc.Arbitrary<codecs.MemberCursor> = fc.record({
  conversationId: id,
  userId: id,
  deliveredSeq: count,
  readSeq: count,
  readCountNo: count,
});
const conversation: fc.Arbitrary<codecs.ConversationState> = fc.record({
  conversationId: id,
  kind: number,
  headSeq: count,
  headCountNo: count,
  joinSeq: count,
  readSeq: count,
  unreadBaseCountNo: count,
  lastActivityMs: count,
  peer: fc.option(fc.record({ userId: id, username: text, displayName: text }), { nil: undefined }),
  peerCursor: fc.option(cursor, { nil: undefined }),
  lastMessage: fc.option(message, { nil: undefined }),
});
const mark = fc.record({ conversationCount: number, headSum: count, readSum: count, sinceMs: count });
const few = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 4 });

function roundTrip<T>(name: string, codec: Codec<T>, values: fc.Arbitrary<T>): void {
  it(`${name} comes back as it was`, () => {
    fc.assert(
      fc.property(values, (value) => {
        const data = codec.encode(value);
        // As from a socket: a Node Buffer in the middle of a larger one.
        const received = Buffer.concat([Buffer.from('xx'), data, Buffer.from('yy')]).subarray(2, 2 + data.length);
        expect(plain(codec.decode(received))).toEqual(plain(value));
        expect(plain(codec.decode(Uint8Array.from(data)))).toEqual(plain(value));
      }),
      { numRuns: runs(100) },
    );
  });
}

/** Byte arrays as hex, so that a Buffer and a Uint8Array compare equal; ids stay bigint. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

describe('every message', () => {
  roundTrip('statusResponse', codecs.statusResponse, fc.record({ status }));
  roundTrip(
    'loginRequest',
    codecs.loginRequest,
    fc.record({ accessToken: text, clientVersion: text, gateTicket: text }),
  );
  roundTrip(
    'loginResponse',
    codecs.loginResponse,
    fc.record({
      status,
      userId: id,
      deviceId: text,
      epoch: number,
      serverTimeMs: count,
      heartbeatIntervalMs: number,
      heartbeatTimeoutMs: number,
      maxDataLength: number,
    }),
  );
  roundTrip('heartbeatRequest', codecs.heartbeatRequest, fc.record({ mark }));
  roundTrip(
    'heartbeatResponse',
    codecs.heartbeatResponse,
    fc.record({ status, serverTimeMs: count, moved: few(conversation), more: fc.boolean() }),
  );
  roundTrip('goodbye', codecs.goodbye, fc.record({ closeCode: number, reason: text, retryAfterMs: number }));
  roundTrip('reconnect', codecs.reconnect, fc.record({ delayMs: number }));
  roundTrip(
    'sendRequest',
    codecs.sendRequest,
    fc.record({ clientMsgId, conversationId: id, kind: number, body: bytes }),
  );
  roundTrip(
    'sendResponse',
    codecs.sendResponse,
    fc.record({
      status,
      clientMsgId,
      conversationId: id,
      msgId: id,
      convSeq: count,
      serverTimeMs: count,
      countNo: count,
    }),
  );
  roundTrip('messagePush', codecs.messagePush, fc.record({ messages: few(message) }));
  roundTrip('textBody', codecs.textBody, fc.record({ text }));
  roundTrip(
    'cursorRequest',
    codecs.cursorRequest,
    fc.record({ moves: few(fc.record({ conversationId: id, deliveredSeq: count, readSeq: count })) }),
  );
  roundTrip('cursorResponse', codecs.cursorResponse, fc.record({ status }));
  roundTrip('cursorPush', codecs.cursorPush, fc.record({ cursors: few(cursor) }));
  roundTrip(
    'syncRequest',
    codecs.syncRequest,
    fc.record({ sinceMs: count, beforeActivityMs: count, beforeConversationId: id, limit: number }),
  );
  roundTrip(
    'syncResponse',
    codecs.syncResponse,
    fc.record({ status, conversations: few(conversation), more: fc.boolean(), serverTimeMs: count, mark }),
  );
  roundTrip('conversationsRequest', codecs.conversationsRequest, fc.record({ conversationIds: few(id) }));
  roundTrip(
    'conversationsResponse',
    codecs.conversationsResponse,
    fc.record({ status, conversations: few(conversation) }),
  );
  roundTrip(
    'historyRequest',
    codecs.historyRequest,
    fc.record({ conversationId: id, fromSeq: count, toSeq: count, limit: number, newestFirst: fc.boolean() }),
  );
  roundTrip(
    'historyResponse',
    codecs.historyResponse,
    fc.record({ status, conversationId: id, messages: few(message), headSeq: count }),
  );

  it('is in this list', () => {
    const tested = 20;
    const exported = Object.values(codecs).filter((value) => typeof value === 'object' && 'decode' in value);
    expect(exported).toHaveLength(tested);
  });
});

describe('what the wire cannot carry exactly', () => {
  it.each([-1n, 2n ** 64n])('an id of %d is our own mistake', (conversationId) => {
    const request = { conversationId, fromSeq: 1, toSeq: 1, limit: 1, newestFirst: false };
    expect(() => codecs.historyRequest.encode(request)).toThrow(LocalProtocolError);
  });

  it.each([-1, 0.5, 2 ** 53, Number.NaN])('a count of %d is our own mistake', (fromSeq) => {
    const request = { conversationId: 1n, fromSeq, toSeq: 1, limit: 1, newestFirst: false };
    expect(() => codecs.historyRequest.encode(request)).toThrow(LocalProtocolError);
  });

  it.each([-1, 0.5, 2 ** 32, Number.NaN])('a 32-bit number of %d is our own mistake', (limit) => {
    const request = { conversationId: 1n, fromSeq: 1, toSeq: 1, limit, newestFirst: false };
    expect(() => codecs.historyRequest.encode(request)).toThrow(LocalProtocolError);
  });

  it('a delay is rounded up and held to what fits, since advice must not fail', () => {
    const sent = [0.2, -5, 1e12, Number.NaN, 250];
    const received = sent.map((delayMs) => codecs.reconnect.decode(codecs.reconnect.encode({ delayMs })).delayMs);
    expect(received).toEqual([1, 0, 2 ** 32 - 1, 0, 250]);
  });

  it('half a surrogate pair becomes U+FFFD instead of bytes that every peer refuses', () => {
    for (const [sent, received] of [
      ['a\ud83d', 'a\ufffd'],
      ['\udc00b', '\ufffdb'],
      [`${'x'.repeat(100)}\ud83d`, `${'x'.repeat(100)}\ufffd`],
      ['👍', '👍'],
    ] as const) {
      expect(codecs.textBody.decode(codecs.textBody.encode(plainText(sent))).text).toBe(received);
    }
  });

  it(`takes ${MAX_REPEATED} repeated values`, () => {
    const conversationIds = Array.from({ length: MAX_REPEATED }, (_, index) => BigInt(index));
    const data = codecs.conversationsRequest.encode({ conversationIds });
    expect(codecs.conversationsRequest.decode(data).conversationIds).toEqual(conversationIds);
  });

  it('a response without status is OK, and any response can be read for its status alone', () => {
    const refused = codecs.sendResponse.encode({
      status: codecs.statusOf('RATE_LIMITED', undefined, 500),
      clientMsgId: new Uint8Array(16),
      conversationId: 5n,
      msgId: 0n,
      convSeq: 0,
      serverTimeMs: 0,
      countNo: 0,
    });
    expect(codecs.statusResponse.decode(refused).status).toMatchObject({ code: 400, retryAfterMs: 500 });
    expect(codecs.statusResponse.decode(codecs.cursorResponse.encode({ status: undefined })).status).toBeUndefined();
  });
});
