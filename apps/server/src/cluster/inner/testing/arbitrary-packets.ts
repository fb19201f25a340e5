import { ConversationKind, type ErrorName, errorCatalogue } from '@fastim/protocol';
import fc from 'fast-check';
import type { AppendAction, AppendOutcome, AppendRequest } from '../../../storage/message-store.ts';
import type { GatePort, Identity, LogicPort, UplinkPacket } from '../../contract.ts';

/** The library that these are made with, for those who use them. */
export { fc };

/** Random calls of every kind that goes over a link. */
export const anyId = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const count = fc.nat({ max: 2 ** 48 - 1 });
const u32 = fc.nat({ max: 2 ** 32 - 1 });
const u8 = fc.nat({ max: 255 });
const time = fc.double({ noNaN: true });
const text = fc.string({ unit: 'binary', maxLength: 60 });
const bytes = (max: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array));
/** Sometimes large: those travel without being copied. */
const data = fc.oneof(
  { weight: 9, arbitrary: bytes(200) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 8_000, max: 70_000 }), u8)
      .map(([length, fill]) => Buffer.alloc(length, fill)),
  },
);
const ids = fc.array(anyId, { maxLength: 20 });

export const anyIdentity: fc.Arbitrary<Identity> = fc.record({
  userId: anyId,
  deviceId: text,
  sessionId: anyId,
  epoch: count,
});

export const anyUplink = (gateId: string): fc.Arbitrary<UplinkPacket> =>
  fc.record({
    connection: fc.record({ gateId: fc.constant(gateId), connectionId: fc.nat({ max: 5 }) }),
    identity: fc.option(anyIdentity, { nil: undefined }),
    // A connection keeps its address.
    remoteAddress: fc.constant('2001:db8::1'),
    cmd: u8,
    msgType: u8,
    logId: u32,
    sequenceId: u32,
    data,
    handedOverMs: fc.constant(7),
  });

/** What can be called on a LogicPort, with the arguments. */
export type LogicCall = {
  [K in 'uplink' | 'connectionClosed' | 'interestStale' | 'interested']: [K, ...Parameters<LogicPort[K]>];
}['uplink' | 'connectionClosed' | 'interestStale' | 'interested'];

export function anyLogicCall(gateId: string): fc.Arbitrary<LogicCall> {
  const connection = fc.record({ gateId: fc.constant(gateId), connectionId: fc.nat({ max: 5 }) });
  const gate = fc.constant(gateId);
  return fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constant('uplink' as const), anyUplink(gateId)) },
    fc.tuple(fc.constant('connectionClosed' as const), connection, fc.option(anyIdentity, { nil: undefined })),
    fc.tuple(fc.constant('interestStale' as const), gate, anyId, ids),
    fc.tuple(fc.constant('interested' as const), gate, fc.record({ on: ids, off: ids, whole: fc.boolean() })),
  );
}

type GateMethod = Exclude<keyof GatePort, 'gateId' | 'leaving'>;
/** What can be called on a GatePort, with the arguments. */
export type GateCall = { [K in GateMethod]: [K, ...Parameters<GatePort[K]>] }[GateMethod];

export const anyGateCall: fc.Arbitrary<GateCall> = fc.oneof(
  fc.tuple(fc.constant('bind' as const), count, anyIdentity),
  fc.tuple(
    fc.constant('downlink' as const),
    fc.record({
      connectionIds: fc.array(count, { maxLength: 50 }),
      frame: fc.record({ cmd: u8, msgType: u8, logId: u32, sequenceId: u32, data }),
    }),
  ),
  fc.tuple(
    fc.constant('follow' as const),
    count,
    fc.array(fc.record({ conversationId: anyId, asOfSeq: count }), { maxLength: 20 }),
  ),
  fc.tuple(fc.constant('view' as const), count, fc.option(anyId, { nil: undefined })),
  fc.tuple(fc.constant('confirm' as const), anyId, ids, count),
  fc.tuple(
    fc.constant('group' as const),
    fc.record({
      conversationId: anyId,
      convSeq: count,
      removalsSeq: count,
      removed: ids,
      except: fc.option(count, { nil: undefined }),
      head: bytes(100),
      body: data,
      logId: u32,
    }),
  ),
  fc.tuple(
    fc.constant('signal' as const),
    fc.record({
      conversationId: anyId,
      asOfSeq: count,
      viewersOnly: fc.boolean(),
      exceptUser: anyId,
      cmd: u8,
      piece: bytes(100),
      logId: u32,
    }),
  ),
  fc.tuple(fc.constant('close' as const), count, fc.record({ code: u32, reason: text, retryAfterMs: time })),
);

const mentions = ids;
const anyAction: fc.Arbitrary<AppendAction> = fc.oneof(
  fc.record({ type: fc.constant('post' as const), mentions, mentionAll: fc.boolean(), replySeq: count }),
  fc.record({
    type: fc.constant('edit' as const),
    targetSeq: count,
    notBeforeMs: time,
    mentions,
    mentionAll: fc.boolean(),
  }),
  fc.record({ type: fc.constant('recall' as const), targetSeq: count, notBeforeMs: time }),
  fc.record({ type: fc.constant('reaction' as const), targetSeq: count, emoji: text, removed: fc.boolean() }),
);

export const anyAppend: fc.Arbitrary<AppendRequest> = fc.record({
  conversationId: anyId,
  senderId: anyId,
  clientMsgId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((array) => Buffer.from(array)),
  msgId: anyId,
  kind: u32,
  body: data,
  serverTimeMs: time,
  action: anyAction,
});

export const anyOutcome: fc.Arbitrary<AppendOutcome> = fc.oneof(
  fc.record({
    outcome: fc.constantFrom('stored' as const, 'repeated' as const),
    msgId: anyId,
    convSeq: count,
    countNo: count,
    serverTimeMs: time,
    kind: fc.constantFrom(ConversationKind.direct, ConversationKind.group),
    memberIds: ids,
    removalsSeq: count,
  }),
  fc.constant({ outcome: 'unchanged' as const }),
  fc.record({
    outcome: fc.constant('refused' as const),
    reason: fc.constantFrom(...(Object.keys(errorCatalogue) as ErrorName[])),
  }),
);
