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
const few = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 4 });
const perhaps = <T>(item: fc.Arbitrary<T>) => fc.option(item, { nil: undefined });
const bool = fc.boolean();

/** A message that something happened to: one of the three numbers is not 0, or there are no marks on the wire. */
const marks: fc.Arbitrary<codecs.MessageMarks> = fc
  .record({
    editedSeq: count,
    recalledSeq: count,
    recalledBy: id,
    reactionsSeq: count,
    reactions: few(fc.record({ emoji: text, count: number, mine: bool, userIds: few(id) })),
  })
  .filter(({ editedSeq, recalledSeq, reactionsSeq }) => editedSeq + recalledSeq + reactionsSeq > 0);
const message: fc.Arbitrary<codecs.Message> = fc
  .record({
    msgId: id,
    conversationId: id,
    convSeq: count,
    senderId: id,
    clientMsgId,
    kind: number,
    body: bytes,
    serverTimeMs: count,
    countNo: count,
    marks: perhaps(marks),
  })
  .map(({ marks, ...plain }) => (marks ? { ...plain, marks } : plain));
const cursor: fc.Arbitrary<codecs.MemberCursor> = fc.record({
  conversationId: id,
  userId: id,
  deliveredSeq: count,
  readSeq: count,
  readCountNo: count,
});
const profile: fc.Arbitrary<codecs.UserProfile> = fc.record({ userId: id, username: text, displayName: text });
const settings: fc.Arbitrary<codecs.MemberSettings> = fc.record({
  silentUntilMs: count,
  pinnedMs: count,
  archived: bool,
  markedUnread: bool,
  draft: text,
  hiddenVersion: count,
});
const group: fc.Arbitrary<codecs.GroupProfile> = fc.record({
  name: text,
  avatarColor: number,
  announcement: text,
  ownerId: id,
  memberCount: number,
  muteAll: bool,
  joinApproval: bool,
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
  peer: perhaps(profile),
  peerCursor: perhaps(cursor),
  lastMessage: perhaps(message),
  leaveSeq: count,
  mentionSeq: count,
  version: count,
  settings,
  group: perhaps(group),
  role: number,
  mutedUntilMs: count,
  pendingJoins: number,
});
const mark: fc.Arbitrary<codecs.SyncMark> = fc.record({
  conversationCount: number,
  headSum: count,
  readSum: count,
  sinceMs: count,
  versionSum: count,
  peerSum: count,
});
const link: fc.Arbitrary<codecs.GroupLink> = fc.record({
  token: text,
  creatorId: id,
  expiresMs: count,
  maxUses: number,
  uses: number,
  createdMs: count,
});
const typing: fc.Arbitrary<codecs.Typing> = fc.record({ conversationId: id, userId: id });
const presence: fc.Arbitrary<codecs.Presence> = fc.record({
  userId: id,
  online: bool,
  hidden: bool,
  lastSeenMs: count,
});

type Values<T> = T extends Codec<infer V> ? fc.Arbitrary<V> : never;
type Exported = typeof codecs;
/** Everything exported that is a codec, each with values of its own: one that is missing here does not compile. */
type AllValues = { [K in keyof Exported as Values<Exported[K]> extends never ? never : K]: Values<Exported[K]> };

const allValues: AllValues = {
  statusResponse: fc.record({ status }),
  loginRequest: fc.record({ accessToken: text, clientVersion: text, gateTicket: text }),
  loginResponse: fc.record({
    status,
    userId: id,
    deviceId: text,
    epoch: number,
    serverTimeMs: count,
    heartbeatIntervalMs: number,
    heartbeatTimeoutMs: number,
    maxDataLength: number,
    historyEpoch: id,
    editWindowMs: count,
    recallWindowMs: count,
  }),
  heartbeatRequest: fc.record({ mark }),
  heartbeatResponse: fc.record({ status, serverTimeMs: count, moved: few(conversation), more: bool }),
  goodbye: fc.record({ closeCode: number, reason: text, retryAfterMs: number }),
  reconnect: fc.record({ delayMs: number }),
  sendRequest: fc.record({ clientMsgId, conversationId: id, kind: number, body: bytes }),
  sendResponse: fc.record({
    status,
    clientMsgId,
    conversationId: id,
    msgId: id,
    convSeq: count,
    serverTimeMs: count,
    countNo: count,
  }),
  messagePush: fc.record({ messages: few(message) }),
  textBody: fc.record({ text, mentions: few(id), mentionAll: bool, replySeq: count, forwardedFrom: id }),
  editBody: fc.record({ targetSeq: count, text, mentions: few(id), mentionAll: bool }),
  recallBody: fc.record({ targetSeq: count }),
  reactionBody: fc.record({ targetSeq: count, emoji: text, removed: bool }),
  noticeBody: fc.record({ action: number, userIds: few(id), text, number: count }),
  cursorRequest: fc.record({ moves: few(fc.record({ conversationId: id, deliveredSeq: count, readSeq: count })) }),
  cursorResponse: fc.record({ status, refused: few(fc.record({ conversationId: id, code: number })) }),
  cursorPush: fc.record({ cursors: few(cursor) }),
  syncRequest: fc.record({ sinceMs: count, beforeActivityMs: count, beforeConversationId: id, limit: number }),
  syncResponse: fc.record({ status, conversations: few(conversation), more: bool, serverTimeMs: count, mark }),
  conversationsRequest: fc.record({ conversationIds: few(id) }),
  conversationsResponse: fc.record({ status, conversations: few(conversation) }),
  historyRequest: fc.record({ conversationId: id, fromSeq: count, toSeq: count, limit: number, newestFirst: bool }),
  historyResponse: fc.record({ status, conversationId: id, messages: few(message), headSeq: count }),
  seekRequest: fc.record({ conversationId: id, timeMs: count }),
  seekResponse: fc.record({ status, convSeq: count }),
  profilesRequest: fc.record({ userIds: few(id) }),
  profilesResponse: fc.record({ status, profiles: few(profile) }),
  headPush: fc.record({ heads: few(fc.record({ conversationId: id, headSeq: count })) }),
  viewingRequest: fc.record({ conversationId: id }),
  typingRequest: fc.record({ conversationId: id }),
  typingPush: fc.record({ typing: few(typing) }),
  presenceRequest: fc.record({ userIds: few(id) }),
  presenceResponse: fc.record({ status, presences: few(presence) }),
  presencePush: fc.record({ presences: few(presence) }),
  readersPush: fc.record({ conversationIds: few(id) }),
  createGroupRequest: fc.record({ clientMsgId: bytes, name: text, avatarColor: number, userIds: few(id) }),
  createGroupResponse: fc.record({ status, conversation: perhaps(conversation) }),
  changeGroupRequest: fc.record({
    clientMsgId: bytes,
    conversationId: id,
    change: number,
    userIds: few(id),
    text,
    number: count,
  }),
  changeGroupResponse: fc.record({ status, convSeq: count, userIds: few(id) }),
  membersRequest: fc.record({ conversationId: id, query: text, after: text, limit: number }),
  membersResponse: fc.record({
    status,
    members: few(fc.record({ profile, role: number, mutedUntilMs: count, joinedMs: count })),
    next: text,
  }),
  readCountsRequest: fc.record({ conversationId: id, convSeqs: few(count) }),
  readCountsResponse: fc.record({ status, counts: few(fc.record({ convSeq: count, read: number, of: number })) }),
  readersRequest: fc.record({ conversationId: id, convSeq: count, unread: bool, after: text, limit: number }),
  readersResponse: fc.record({ status, users: few(profile), next: text }),
  linksRequest: fc.record({ conversationId: id }),
  linksResponse: fc.record({ status, links: few(link) }),
  makeLinkRequest: fc.record({ clientMsgId: bytes, conversationId: id, expiresMs: count, maxUses: number }),
  makeLinkResponse: fc.record({ status, link: perhaps(link) }),
  revokeLinkRequest: fc.record({ conversationId: id, token: text }),
  lookAtLinkRequest: fc.record({ token: text }),
  lookAtLinkResponse: fc.record({
    status,
    conversationId: id,
    group: perhaps(group),
    member: bool,
    requested: bool,
    inviter: perhaps(profile),
  }),
  joinRequest: fc.record({ clientMsgId: bytes, token: text }),
  joinResponse: fc.record({ status, conversation: perhaps(conversation) }),
  joinsRequest: fc.record({ conversationId: id }),
  joinsResponse: fc.record({ status, joins: few(fc.record({ profile, requestedMs: count })) }),
  settingsRequest: fc.record({
    conversationId: id,
    silentUntilMs: perhaps(count),
    pinnedMs: perhaps(count),
    archived: perhaps(bool),
    markedUnread: perhaps(bool),
    draft: perhaps(text),
    hideSeqs: few(count),
  }),
  settingsResponse: fc.record({ status, version: count, settings: perhaps(settings) }),
  settingsPush: fc.record({ settings: few(fc.record({ conversationId: id, version: count, settings })) }),
  hiddenRequest: fc.record({ conversationId: id, since: count }),
  hiddenResponse: fc.record({ status, convSeqs: few(count), hiddenVersion: count, more: bool }),
};

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
  const exported = Object.entries<unknown>(codecs).filter(
    (entry): entry is [string, Codec<unknown>] =>
      typeof entry[1] === 'object' && entry[1] !== null && 'decode' in entry[1],
  );
  const values = new Map<string, fc.Arbitrary<unknown>>(Object.entries(allValues));
  for (const [name, codec] of exported) roundTrip(name, codec, values.get(name)!);

  it('is in this list', () => {
    expect(exported.map(([name]) => name).toSorted()).toEqual([...values.keys()].toSorted());
  });
});

describe('a field that may be left out', () => {
  it('of a setting differs from one that is set to nothing', () => {
    const nothing = { silentUntilMs: 0, pinnedMs: 0, archived: false, markedUnread: false, draft: '' };
    const left = {
      silentUntilMs: undefined,
      pinnedMs: undefined,
      archived: undefined,
      markedUnread: undefined,
      draft: undefined,
    };
    for (const change of [nothing, left, { ...left, draft: '' }, { ...nothing, archived: undefined }]) {
      const request = { conversationId: 1n, hideSeqs: [], ...change };
      expect(codecs.settingsRequest.decode(codecs.settingsRequest.encode(request))).toEqual(request);
    }
  });

  it('of a state from an older server reads as the standard', () => {
    const state = codecs.conversationsResponse.decode(
      new Uint8Array(Buffer.from('120b090100000000002000 1001'.replace(' ', ''), 'hex')),
    ).conversations[0]!;
    expect(state).toMatchObject({ ...codecs.plainState, conversationId: 9_007_199_254_740_993n, kind: 1 });
  });
});

describe('pushes put behind one another', () => {
  it('are one push of all that is in them', () => {
    const joined = <T>(codec: Codec<T>, ...parts: T[]) =>
      codec.decode(new Uint8Array(Buffer.concat(parts.map((part) => codec.encode(part)))));
    const head = (headSeq: number) => ({ heads: [{ conversationId: 5n, headSeq }] });
    expect(joined(codecs.headPush, head(1), head(2))).toEqual({
      heads: [
        { conversationId: 5n, headSeq: 1 },
        { conversationId: 5n, headSeq: 2 },
      ],
    });
    // Packed numbers too: protobuf allows a packed field in pieces.
    expect(joined(codecs.readersPush, { conversationIds: [1n] }, { conversationIds: [2n, 3n] })).toEqual({
      conversationIds: [1n, 2n, 3n],
    });
    const someoneTypes = (userId: bigint) => ({ typing: [{ conversationId: 5n, userId }] });
    expect(joined(codecs.typingPush, someoneTypes(1n), someoneTypes(2n)).typing).toHaveLength(2);
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
      expect(codecs.textBody.decode(codecs.textBody.encode(codecs.plainText(sent))).text).toBe(received);
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
    expect(
      codecs.statusResponse.decode(codecs.cursorResponse.encode({ status: undefined, refused: [] })).status,
    ).toBeUndefined();
  });
});
