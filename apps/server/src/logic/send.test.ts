import { BusinessLine, snowflakeTimeMs } from '@fastim/core';
import {
  Command,
  errorCatalogue,
  MsgType,
  plainText,
  sendRequest,
  sendResponse,
  statusResponse,
  textBody,
} from '@fastim/protocol';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { StorageError } from '../storage/storage.ts';
import { clientMsgId, LogicHarness } from './testing/logic-harness.ts';

async function twoUsers(options: ConstructorParameters<typeof LogicHarness>[0] = {}) {
  const harness = new LogicHarness(options as object);
  const conversationId = await harness.direct(1n, 2n, 9n);
  const alice = await harness.online(1n);
  const bob = await harness.online(2n);
  return { harness, conversationId, alice, bob };
}

describe('SEND', () => {
  it('stores, acks the sender and pushes to the other user', async () => {
    const { harness, conversationId, alice, bob } = await twoUsers();
    const id = clientMsgId(500);
    const sequenceId = alice.send(conversationId, 'hello', id);
    await harness.settle();
    const ack = alice.ack(sequenceId);
    expect(ack).toMatchObject({
      status: undefined,
      clientMsgId: id,
      conversationId,
      convSeq: 1,
      countNo: 1,
      serverTimeMs: harness.clock.now(),
    });
    expect(snowflakeTimeMs(ack.msgId)).toBe(harness.clock.now());
    expect(Number((ack.msgId >> 7n) & 7n)).toBe(BusinessLine.direct);
    expect(harness.gate.messages(bob.id)).toEqual([
      {
        msgId: ack.msgId,
        conversationId,
        convSeq: 1,
        senderId: 1n,
        clientMsgId: id,
        kind: 1,
        body: Uint8Array.from(textBody.encode(plainText('hello'))),
        serverTimeMs: harness.clock.now(),
        countNo: 1,
      },
    ]);
    expect(harness.gate.messages(alice.id)).toEqual([]);
    expect(await harness.metric('fastim_messages_stored_total')).toBe(1);
  });

  it('carries cmd, logId and sequenceId of the request in the ack, and its logId in the push', async () => {
    const { harness, conversationId, alice, bob } = await twoUsers();
    const sequenceId = alice.send(conversationId, 'hello');
    await harness.settle();
    const logId = alice.id * 1000 + sequenceId;
    const ack = harness.gate.response(alice.id, sequenceId);
    expect(ack).toMatchObject({ cmd: Command.send, msgType: MsgType.response, logId, sequenceId });
    expect(harness.gate.frames(bob.id, Command.messages)[0]).toMatchObject({ msgType: MsgType.notify, logId });
  });

  it('never acks before the append has resolved', async () => {
    const { harness, conversationId, alice, bob } = await twoUsers();
    harness.storage.hold();
    const sequenceId = alice.send(conversationId, 'hello');
    await harness.advance(60_000);
    expect(harness.storage.batches).toHaveLength(1);
    expect(alice.answered(sequenceId)).toBe(false);
    expect(bob.texts()).toEqual([]);
    harness.storage.release();
    await harness.settle();
    expect(alice.ack(sequenceId).convSeq).toBe(1);
    expect(bob.texts()).toEqual(['hello']);
  });

  it('puts what comes in one turn into one batch, and what comes during a batch into the next', async () => {
    const { harness, conversationId, alice, bob } = await twoUsers();
    harness.storage.hold();
    for (const text of ['a', 'b', 'c']) alice.send(conversationId, text);
    await harness.settle();
    for (const text of ['d', 'e']) bob.send(conversationId, text);
    await harness.settle();
    alice.send(conversationId, 'f');
    await harness.settle();
    expect(harness.storage.batches.map((batch) => batch.length)).toEqual([3]);
    harness.storage.release();
    await harness.settle();
    expect(harness.storage.batches.map((batch) => batch.length)).toEqual([3, 3]);
    expect(bob.texts()).toEqual(['a', 'b', 'c', 'f']);
    expect(alice.texts()).toEqual(['d', 'e']);
  });

  it('stores at once when idle, then spaces its batches, but not for many', async () => {
    const { harness, conversationId, alice, bob } = await twoUsers({ config: { batchWaitMs: 2 } });
    alice.send(conversationId, 'first');
    await harness.settle();
    expect(bob.texts()).toEqual(['first']);
    alice.send(conversationId, 'second');
    await harness.settle();
    alice.send(conversationId, 'third');
    await harness.settle();
    expect(bob.texts()).toEqual(['first']);
    await harness.advance(2);
    expect(bob.texts()).toEqual(['first', 'second', 'third']);
    expect(harness.storage.batches.map((batch) => batch.length)).toEqual([1, 2]);
    for (let number = 0; number < 64; number += 1) alice.send(conversationId, `many ${number}`);
    await harness.settle();
    expect(harness.storage.batches.map((batch) => batch.length)).toEqual([1, 2, 64]);
  });

  it('acks in the order of the sends, over several batches', async () => {
    const { harness, conversationId, alice } = await twoUsers({ config: { batchMessages: 3 } });
    harness.storage.hold();
    const sent = Array.from({ length: 10 }, (_, index) => alice.send(conversationId, `message ${index}`));
    await harness.settle();
    harness.storage.release();
    await harness.settle();
    const acks = harness.gate.frames(alice.id, Command.send);
    expect(acks.map((frame) => frame.sequenceId)).toEqual(sent);
    expect(acks.map((frame) => sendResponse.decode(frame.data).convSeq)).toEqual(sent.map((_, index) => index + 1));
    expect(harness.storage.batches.map((batch) => batch.length)).toEqual([3, 3, 3, 1]);
  });

  it('answers a repeat with the first ack and pushes nothing again', async () => {
    const { harness, conversationId, alice, bob } = await twoUsers();
    const id = clientMsgId(1);
    const first = alice.send(conversationId, 'once', id);
    await harness.settle();
    await harness.advance(5_000);
    const again = alice.send(conversationId, 'once', id);
    await harness.settle();
    expect(alice.ack(again)).toEqual(alice.ack(first));
    expect(bob.texts()).toEqual(['once']);
    expect(await harness.metric('fastim_messages_repeated_total')).toBe(1);
  });

  it('answers a repeat after a reconnect with the first ack', async () => {
    const { harness, conversationId, alice, bob } = await twoUsers();
    harness.storage.hold();
    const id = clientMsgId(1);
    alice.send(conversationId, 'once', id);
    await harness.settle();
    alice.close();
    const reconnected = await harness.online(1n);
    const again = reconnected.send(conversationId, 'once', id);
    await harness.settle();
    harness.storage.release();
    await harness.settle();
    expect(reconnected.ack(again)).toMatchObject({ status: undefined, convSeq: 1 });
    expect(bob.texts()).toEqual(['once']);
    // Their own other connection gets what the closed one had sent: as a push, and the ack says the same message.
    expect(harness.gate.messages(reconnected.id).map((message) => message.convSeq)).toEqual([1]);
  });

  it('takes the same client_msg_id from two users for two messages', async () => {
    const { harness, conversationId, alice, bob } = await twoUsers();
    const id = clientMsgId(1);
    const first = alice.send(conversationId, 'from alice', id);
    const second = bob.send(conversationId, 'from bob', id);
    await harness.settle();
    expect(alice.ack(first).convSeq).toBe(1);
    expect(bob.ack(second).convSeq).toBe(2);
  });

  it.each([
    ['a conversation that does not exist', 12_345n],
    ['somebody else’s conversation', 8n],
    ['conversation 0', 0n],
  ])('answers NOT_A_MEMBER for %s, and the connection lives on', async (_name, conversationId) => {
    const { harness, alice } = await twoUsers();
    await harness.direct(3n, 4n, 8n);
    const stranger = await harness.online(3n);
    const sequenceId = alice.send(conversationId, 'let me in');
    await harness.settle();
    const ack = alice.ack(sequenceId);
    expect(ack.status?.code).toBe(errorCatalogue.NOT_A_MEMBER.code);
    expect(ack).toMatchObject({ conversationId, msgId: 0n, convSeq: 0 });
    expect(harness.gate.closed(alice.id)).toBeUndefined();
    expect(stranger.texts()).toEqual([]);
  });

  it('does not let a refused message of a batch touch the others', async () => {
    const { harness, conversationId, alice, bob } = await twoUsers();
    const sent = [alice.send(conversationId, 'a'), alice.send(77n, 'b'), alice.send(conversationId, 'c')];
    await harness.settle();
    expect(harness.storage.batches).toHaveLength(1);
    expect(sent.map((sequenceId) => alice.ack(sequenceId).status?.code)).toEqual([
      undefined,
      errorCatalogue.NOT_A_MEMBER.code,
      undefined,
    ]);
    expect(bob.texts()).toEqual(['a', 'c']);
  });

  it.each([
    ['an unknown kind', { kind: 99 }, 'MESSAGE_INVALID'],
    ['an empty text', { body: textBody.encode(plainText('  ')) }, 'MESSAGE_INVALID'],
    ['a text that is too long', { body: textBody.encode(plainText('x'.repeat(20_000))) }, 'MESSAGE_TOO_LONG'],
  ] as const)('refuses %s for good, with the client_msg_id in the answer', async (_name, change, reason) => {
    const { harness, conversationId, alice } = await twoUsers();
    const id = clientMsgId(7);
    const good = { clientMsgId: id, conversationId, kind: 1, body: textBody.encode(plainText('hi')) };
    const sequenceId = alice.request(Command.send, sendRequest.encode({ ...good, ...change }));
    const next = alice.send(conversationId, 'the next one');
    await harness.settle();
    expect(alice.ack(sequenceId)).toMatchObject({ clientMsgId: id, conversationId });
    expect(alice.ack(sequenceId).status?.code).toBe(errorCatalogue[reason].code);
    expect(alice.ack(next).convSeq).toBe(1);
  });

  it('slows a sender down with RATE_LIMITED and the time to wait, and does not close', async () => {
    const { harness, conversationId, alice, bob } = await twoUsers({
      config: { sendPerSecondPerUser: 2, sendBurstPerUser: 3 },
    });
    const ids = [1, 2, 3, 4].map(clientMsgId);
    const sent = ids.map((id, index) => alice.send(conversationId, `m${index + 1}`, id));
    await harness.settle();
    const refused = alice.ack(sent[3]!);
    expect(refused.status).toMatchObject({ code: errorCatalogue.RATE_LIMITED.code, retryAfterMs: 500 });
    expect(harness.gate.closed(alice.id)).toBeUndefined();
    // Another user is not slowed down by it.
    const other = bob.send(conversationId, 'from bob');
    await harness.advance(500);
    const again = alice.send(conversationId, 'm4', ids[3]!);
    await harness.settle();
    expect(bob.ack(other).status).toBeUndefined();
    expect(alice.ack(again).status).toBeUndefined();
    expect(bob.texts()).toEqual(['m1', 'm2', 'm3', 'm4']);
    expect(await harness.metric('fastim_requests_refused_total{reason="RATE_LIMITED"}')).toBe(1);
  });

  it('keeps the sender’s order when a message in the middle is refused for now', async () => {
    const { harness, conversationId, alice, bob } = await twoUsers({
      config: { sendPerSecondPerUser: 10, sendBurstPerUser: 1 },
    });
    const ids = [1, 2, 3].map(clientMsgId);
    alice.send(conversationId, 'm1', ids[0]!);
    const second = alice.send(conversationId, 'm2', ids[1]!);
    await harness.advance(150);
    // The bucket has a token again, but m2 has to come first.
    const third = alice.send(conversationId, 'm3', ids[2]!);
    await harness.settle();
    expect(alice.ack(second).status?.code).toBe(errorCatalogue.RATE_LIMITED.code);
    expect(alice.ack(third).status?.code).toBe(errorCatalogue.RATE_LIMITED.code);
    expect(alice.ack(third).status?.retryAfterMs).toBeGreaterThan(0);
    alice.send(conversationId, 'm2', ids[1]!);
    await harness.advance(150);
    alice.send(conversationId, 'm3', ids[2]!);
    await harness.settle();
    expect(bob.texts()).toEqual(['m1', 'm2', 'm3']);
  });

  it.each([
    ['full', 'STORAGE_FULL'],
    ['io', 'UNAVAILABLE'],
    ['corrupt', 'UNAVAILABLE'],
    ['closed', 'UNAVAILABLE'],
    ['other', 'UNAVAILABLE'],
    ['busy', 'OVERLOADED'],
  ] as const)('answers a storage error (%s) with %s, acks nothing, and a later retry works', async (kind, reason) => {
    const { harness, conversationId, alice, bob } = await twoUsers();
    harness.storage.failWith(new StorageError(kind, 'no'));
    const id = clientMsgId(1);
    const failed = alice.send(conversationId, 'precious', id);
    await harness.settle();
    expect(alice.ack(failed).status).toMatchObject({ code: errorCatalogue[reason].code });
    expect(alice.ack(failed).status?.retryAfterMs).toBeGreaterThan(0);
    expect(alice.ack(failed)).toMatchObject({ clientMsgId: id, msgId: 0n, convSeq: 0 });
    expect(bob.texts()).toEqual([]);
    harness.storage.failWith(undefined);
    const retried = alice.send(conversationId, 'precious', id);
    await harness.settle();
    expect(alice.ack(retried)).toMatchObject({ status: undefined, convSeq: 1 });
    expect(bob.texts()).toEqual(['precious']);
  });

  it('answers INTERNAL for a storage that breaks its contract, and goes on', async () => {
    const { harness, conversationId, alice } = await twoUsers();
    harness.storage.failWith(new TypeError('a bug'));
    const failed = alice.send(conversationId, 'm1', clientMsgId(1));
    await harness.settle();
    expect(alice.ack(failed).status?.code).toBe(errorCatalogue.INTERNAL.code);
    expect(alice.ack(failed).status?.message).not.toContain('a bug');
    harness.storage.failWith(undefined);
    const retried = alice.send(conversationId, 'm1', clientMsgId(1));
    await harness.settle();
    expect(alice.ack(retried).convSeq).toBe(1);
  });

  it('refuses with a failed batch everything behind it, so that nothing younger overtakes', async () => {
    const { harness, conversationId, alice, bob } = await twoUsers();
    harness.storage.hold();
    harness.storage.failWith(new StorageError('full', 'disk full'));
    const ids = [1, 2, 3].map(clientMsgId);
    const first = alice.send(conversationId, 'm1', ids[0]!);
    await harness.settle();
    const second = alice.send(conversationId, 'm2', ids[1]!);
    await harness.settle();
    harness.storage.release();
    await harness.settle();
    harness.storage.failWith(undefined);
    const third = alice.send(conversationId, 'm3', ids[2]!);
    await harness.settle();
    for (const sequenceId of [first, second, third]) {
      expect(alice.ack(sequenceId).status?.code).toBe(errorCatalogue.STORAGE_FULL.code);
    }
    ids.forEach((id, index) => {
      alice.send(conversationId, `m${index + 1}`, id);
    });
    await harness.settle();
    expect(bob.texts()).toEqual(['m1', 'm2', 'm3']);
  });

  it('answers OVERLOADED when too much waits, and takes messages again afterwards', async () => {
    const { harness, conversationId, alice, bob } = await twoUsers({ config: { appendQueueLimit: 2 } });
    harness.storage.hold();
    const under = alice.send(conversationId, 'm1', clientMsgId(1));
    await harness.settle();
    const waiting = [2, 3].map((number) => alice.send(conversationId, `m${number}`, clientMsgId(number)));
    const over = bob.send(conversationId, 'over', clientMsgId(9));
    await harness.settle();
    expect(bob.ack(over).status?.code).toBe(errorCatalogue.OVERLOADED.code);
    expect(bob.ack(over).status?.retryAfterMs).toBeGreaterThan(0);
    expect(await harness.metric('fastim_append_waiting')).toBe(2);
    harness.storage.release();
    await harness.settle();
    expect([under, ...waiting].map((sequenceId) => alice.ack(sequenceId).convSeq)).toEqual([1, 2, 3]);
    const again = bob.send(conversationId, 'over', clientMsgId(9));
    await harness.settle();
    expect(bob.ack(again).convSeq).toBe(4);
  });

  it('answers UNAVAILABLE when no message id can be made, and never repeats one', async () => {
    const { harness, conversationId, alice } = await twoUsers();
    const before = alice.send(conversationId, 'm1', clientMsgId(1));
    await harness.settle();
    await harness.storage.close();
    const refused = alice.send(conversationId, 'm2', clientMsgId(2));
    await harness.settle();
    expect(alice.ack(before).status).toBeUndefined();
    expect(alice.ack(refused).status?.code).toBe(errorCatalogue.UNAVAILABLE.code);
  });

  it('acks even when the sender is the only one who is connected', async () => {
    const harness = new LogicHarness();
    const conversationId = await harness.direct(1n, 2n, 9n);
    const alice = await harness.online(1n);
    const sequenceId = alice.send(conversationId, 'anybody there?');
    await harness.settle();
    expect(alice.ack(sequenceId).convSeq).toBe(1);
    expect(await harness.metric('fastim_push_items_total')).toBe(0);
  });

  it('writes no text of a message to the log, at any level, and the logId to every line of its way', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
    const { harness, conversationId, alice } = await twoUsers({ logger });
    lines.length = 0;
    const sent = alice.send(conversationId, 'a secret word');
    alice.send(77n, 'a secret word');
    alice.request(Command.send, new Uint8Array([1, 2, 3]));
    await harness.settle();
    harness.storage.failWith(new StorageError('io', 'broken'));
    alice.send(conversationId, 'a secret word');
    await harness.settle();
    const text = lines.join('');
    expect(text).toContain('message accepted');
    expect(text).toContain('message acked');
    expect(text).not.toContain('secret');
    expect(text).not.toContain(Buffer.from('secret').toString('base64').slice(0, 8));
    const logId = alice.id * 1000 + sent;
    const way = lines.map((line) => JSON.parse(line)).filter((line) => line.logId === logId);
    expect(way.map((line) => line.msg)).toEqual(['message accepted', 'message acked', 'message pushed']);
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty('logId');
  });

  it('reports a failing storage once in a while, not once a batch, and its recovery', async () => {
    const lines: { msg: string; kind?: string; unlogged?: number }[] = [];
    const logger = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
    const { harness, conversationId, alice } = await twoUsers({ logger });
    lines.length = 0;
    harness.storage.failWith(new StorageError('full', 'disk full'));
    const id = clientMsgId(1);
    for (let round = 0; round < 30; round += 1) {
      alice.send(conversationId, 'm', id);
      await harness.advance(500);
    }
    harness.storage.failWith(undefined);
    alice.send(conversationId, 'm', id);
    await harness.settle();
    const failures = lines.filter((line) => line.msg === 'storage failed');
    expect(failures.map((line) => [line.kind, line.unlogged])).toEqual([
      ['full', 0],
      ['full', 19],
    ]);
    expect(lines.at(-1)?.msg).toBe('storage takes writes again');
  });
});

describe('two devices of one user', () => {
  it('pushes a message to the sender’s other device and to each of the receiver’s', async () => {
    const harness = new LogicHarness();
    const conversationId = await harness.direct(1n, 2n, 9n);
    const phone = await harness.online(1n, 'phone', { sessionId: 10n });
    const laptop = await harness.online(1n, 'laptop', { sessionId: 11n });
    const bobs = [
      await harness.online(2n, 'b1', { sessionId: 20n }),
      await harness.online(2n, 'b2', { sessionId: 21n }),
    ];
    phone.send(conversationId, 'from my phone');
    await harness.settle();
    expect(phone.texts()).toEqual([]);
    for (const device of [laptop, ...bobs]) expect(device.texts()).toEqual(['from my phone']);
    // One packet for the three of them.
    const pushes = harness.gate.packets.filter((packet) => packet.frame.cmd === Command.messages);
    expect(pushes.map((packet) => packet.connectionIds)).toEqual([[laptop.id, ...bobs.map((bob) => bob.id)]]);
  });

  it('merges the messages of one batch into one frame per connection', async () => {
    const harness = new LogicHarness();
    const conversationId = await harness.direct(1n, 2n, 9n);
    const alice = await harness.online(1n);
    const bob = await harness.online(2n);
    const texts = Array.from({ length: 20 }, (_, index) => `m${index}`);
    for (const text of texts) alice.send(conversationId, text);
    await harness.settle();
    expect(bob.texts()).toEqual(texts);
    expect(harness.gate.frames(bob.id, Command.messages)).toHaveLength(1);
    expect(await harness.metric('fastim_push_frames_total')).toBe(1);
    expect(await harness.metric('fastim_push_items_total')).toBe(20);
  });

  it('sends nothing to a connection that closed', async () => {
    const harness = new LogicHarness();
    const conversationId = await harness.direct(1n, 2n, 9n);
    const alice = await harness.online(1n);
    const bob = await harness.online(2n);
    bob.close();
    alice.send(conversationId, 'hello');
    await harness.settle();
    expect(bob.texts()).toEqual([]);
  });
});

describe('stop', () => {
  it('waits until everything taken is written and answered, and then refuses', async () => {
    const { harness, conversationId, alice } = await twoUsers();
    harness.storage.hold();
    const first = alice.send(conversationId, 'm1', clientMsgId(1));
    await harness.settle();
    const second = alice.send(conversationId, 'm2', clientMsgId(2));
    const cursor = alice.cursor(conversationId, 1);
    await harness.settle();
    let stopped = false;
    const stop = harness.logic.stop().then(() => {
      stopped = true;
    });
    const late = alice.send(conversationId, 'm3', clientMsgId(3));
    await harness.settle();
    expect(stopped).toBe(false);
    expect(alice.ack(late).status?.code).toBe(errorCatalogue.UNAVAILABLE.code);
    harness.storage.release();
    await stop;
    await harness.settle();
    expect(alice.ack(first).convSeq).toBe(1);
    expect(alice.ack(second).convSeq).toBe(2);
    expect(alice.read(cursor, statusResponse).status).toBeUndefined();
    const tooLate = alice.cursor(conversationId, 2);
    await harness.settle();
    expect(alice.read(tooLate, statusResponse).status?.code).toBe(errorCatalogue.UNAVAILABLE.code);
    expect(harness.clock.pendingTimers).toBe(0);
  });

  it('may be called again, and start too', async () => {
    const harness = new LogicHarness();
    harness.logic.start();
    expect(harness.clock.pendingTimers).toBe(1);
    await harness.logic.stop();
    await harness.logic.stop();
    expect(harness.clock.pendingTimers).toBe(0);
  });
});
