import { CloseCode, Command, cursorRequest, cursorResponse, errorCatalogue, statusResponse } from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { StorageError } from '../storage/storage.ts';
import { CursorBuffer, raisesOf } from './cursor-buffer.ts';
import { LogicHarness } from './testing/logic-harness.ts';

const flushMs = 50;

async function conversationOf(count: number) {
  const harness = new LogicHarness({ config: { cursorFlushMs: flushMs } });
  const conversationId = await harness.direct(1n, 2n, 9n);
  const alice = await harness.online(1n);
  const bob = await harness.online(2n);
  for (let number = 1; number <= count; number += 1) alice.send(conversationId, `m${number}`);
  await harness.settle();
  return { harness, conversationId, alice, bob };
}

describe('CURSOR', () => {
  it('is answered when it is on disk, not before', async () => {
    const { harness, conversationId, bob } = await conversationOf(3);
    harness.storage.hold();
    const sequenceId = bob.cursor(conversationId, 3);
    await harness.advance(flushMs);
    expect(harness.storage.raises).toHaveLength(1);
    expect(bob.answered(sequenceId)).toBe(false);
    harness.storage.release();
    await harness.settle();
    expect(bob.read(sequenceId, statusResponse).status).toBeUndefined();
  });

  it('shows the sender that the message was delivered, then that it was read', async () => {
    const { harness, conversationId, alice, bob } = await conversationOf(3);
    bob.cursor(conversationId, 2);
    await harness.advance(flushMs);
    bob.cursor(conversationId, 3, 3);
    await harness.advance(flushMs);
    const cursor = { conversationId, userId: 2n };
    expect(harness.gate.cursors(alice.id)).toEqual([
      { ...cursor, deliveredSeq: 2, readSeq: 0, readCountNo: 0 },
      { ...cursor, deliveredSeq: 3, readSeq: 3, readCountNo: 3 },
    ]);
    expect(harness.gate.cursors(bob.id)).toEqual([]);
  });

  it('clears unread on the reader’s other devices, and leaves them alone when only delivery moved', async () => {
    const { harness, conversationId, alice, bob } = await conversationOf(3);
    const laptop = await harness.online(2n, 'laptop', { sessionId: 201n });
    bob.cursor(conversationId, 3);
    await harness.advance(flushMs);
    expect(harness.gate.cursors(laptop.id)).toEqual([]);
    bob.cursor(conversationId, 3, 2);
    await harness.advance(flushMs);
    expect(harness.gate.cursors(laptop.id)).toMatchObject([{ userId: 2n, readSeq: 2 }]);
    expect(harness.gate.cursors(bob.id)).toEqual([]);
    expect(harness.gate.cursors(alice.id)).toHaveLength(2);
  });

  it('tells a device that read less what another device read in the same moment', async () => {
    const { harness, conversationId, bob } = await conversationOf(3);
    const laptop = await harness.online(2n, 'laptop', { sessionId: 201n });
    bob.cursor(conversationId, 1, 1);
    laptop.cursor(conversationId, 3, 3);
    await harness.advance(flushMs);
    expect(harness.gate.cursors(bob.id)).toMatchObject([{ readSeq: 3 }]);
    expect(harness.gate.cursors(laptop.id)).toEqual([]);
  });

  it('merges the moves of a device into one per conversation and flush', async () => {
    const { harness, conversationId, alice, bob } = await conversationOf(100);
    const sent = Array.from({ length: 100 }, (_, index) => bob.cursor(conversationId, index + 1));
    await harness.advance(flushMs);
    expect(harness.storage.raises).toHaveLength(1);
    expect(harness.storage.raises[0]).toMatchObject([{ userId: 2n, deviceId: 'phone', deliveredSeq: 100 }]);
    for (const sequenceId of sent) expect(bob.read(sequenceId, statusResponse).status).toBeUndefined();
    expect(harness.gate.cursors(alice.id)).toHaveLength(1);
  });

  it('collects while a write is under way, and writes that next', async () => {
    const { harness, conversationId, bob } = await conversationOf(3);
    harness.storage.hold();
    bob.cursor(conversationId, 1);
    await harness.advance(flushMs);
    const second = bob.cursor(conversationId, 2);
    await harness.advance(flushMs * 3);
    const third = bob.cursor(conversationId, 3);
    await harness.settle();
    expect(harness.storage.raises).toHaveLength(1);
    harness.storage.release();
    await harness.settle();
    expect(harness.storage.raises).toHaveLength(2);
    expect(harness.storage.raises[1]).toMatchObject([{ deliveredSeq: 3 }]);
    expect(bob.answered(second)).toBe(true);
    expect(bob.answered(third)).toBe(true);
  });

  it('never moves a cursor back, and tells nobody of a move that changed nothing', async () => {
    const { harness, conversationId, alice, bob } = await conversationOf(3);
    bob.cursor(conversationId, 3, 3);
    await harness.advance(flushMs);
    const back = bob.cursor(conversationId, 1, 1);
    await harness.advance(flushMs);
    expect(bob.read(back, statusResponse).status).toBeUndefined();
    expect(harness.gate.cursors(alice.id)).toHaveLength(1);
    const [state] = await harness.storage.states(2n, [conversationId]);
    expect(state?.readSeq).toBe(3);
  });

  it.each([
    ['beyond the head', 9n, 4, 'CURSOR_INVALID'],
    ['far beyond the head', 9n, Number.MAX_SAFE_INTEGER, 'CURSOR_INVALID'],
    ['in a conversation of others', 8n, 1, 'NOT_A_MEMBER'],
    ['in one that does not exist', 12_345n, 1, 'NOT_A_MEMBER'],
  ] as const)('refuses a cursor %s, changes nothing, and takes the other moves', async (_name, id, seq, reason) => {
    const { harness, conversationId, alice, bob } = await conversationOf(3);
    const foreign = await harness.direct(3n, 4n, 8n);
    const carol = await harness.online(3n);
    carol.send(foreign, 'private');
    const other = await harness.direct(1n, 5n, 7n);
    const fifth = await harness.online(5n);
    alice.send(other, 'hello');
    await harness.settle();
    const sequenceId = bob.request(
      Command.cursor,
      cursorRequest.encode({ moves: [{ conversationId: id, deliveredSeq: seq, readSeq: seq }] }),
    );
    const good = fifth.cursor(other, 1, 1);
    await harness.advance(flushMs);
    expect(bob.read(sequenceId, cursorResponse)).toEqual({
      status: undefined,
      refused: [{ conversationId: id, code: errorCatalogue[reason].code }],
    });
    expect(fifth.read(good, cursorResponse).refused).toEqual([]);
    expect(harness.gate.cursors(alice.id)).toMatchObject([{ userId: 5n, readSeq: 1 }]);
    expect(harness.gate.cursors(carol.id)).toEqual([]);
    const states = [
      ...(await harness.storage.states(2n, [conversationId])),
      ...(await harness.storage.states(4n, [foreign])),
    ];
    expect(states.map((state) => state.readSeq)).toEqual([0, 0]);
  });

  it('reaches the other user also in a conversation in which nothing was sent since the server started', async () => {
    const { harness: before, conversationId } = await conversationOf(2);
    const harness = new LogicHarness({ storage: before.storage, config: { cursorFlushMs: flushMs } });
    const alice = await harness.online(1n);
    const bob = await harness.online(2n);
    bob.cursor(conversationId, 2);
    await harness.advance(flushMs);
    expect(harness.gate.cursors(alice.id)).toMatchObject([{ userId: 2n, deliveredSeq: 2 }]);
  });

  it('is answered OK, once, when only the members cannot be looked up', async () => {
    const { harness: before, conversationId } = await conversationOf(2);
    const harness = new LogicHarness({ storage: before.storage, config: { cursorFlushMs: flushMs } });
    const bob = await harness.online(2n);
    harness.storage.directMembers = () => Promise.reject(new StorageError('io', 'unreadable'));
    const sequenceId = bob.cursor(conversationId, 2);
    await harness.advance(flushMs);
    expect(harness.gate.frames(bob.id, Command.cursor)).toHaveLength(1);
    expect(bob.read(sequenceId, statusResponse).status).toBeUndefined();
  });

  it('answers OK for no moves at all, without a write', async () => {
    const { harness, conversationId, bob } = await conversationOf(1);
    const empty = bob.request(Command.cursor, cursorRequest.encode({ moves: [] }));
    const zero = bob.cursor(conversationId, 0, 0);
    await harness.advance(flushMs);
    expect(bob.read(empty, statusResponse).status).toBeUndefined();
    expect(bob.read(zero, statusResponse).status).toBeUndefined();
    expect(harness.storage.raises).toEqual([]);
  });

  it('answers a failed write with the reason, pushes nothing, and a later move makes up for it', async () => {
    const { harness, conversationId, alice, bob } = await conversationOf(3);
    harness.storage.failWith(new StorageError('full', 'disk full'));
    const failed = bob.cursor(conversationId, 3);
    await harness.advance(flushMs);
    const { status } = bob.read(failed, statusResponse);
    expect(status?.code).toBe(errorCatalogue.STORAGE_FULL.code);
    expect(status?.retryAfterMs).toBeGreaterThan(0);
    expect(harness.gate.cursors(alice.id)).toEqual([]);
    harness.storage.failWith(undefined);
    bob.cursor(conversationId, 3);
    await harness.advance(flushMs);
    expect(harness.gate.cursors(alice.id)).toMatchObject([{ deliveredSeq: 3 }]);
  });

  it('refuses a flood of moves with the time to wait', async () => {
    const { harness, bob } = await conversationOf(1);
    const moves = Array.from({ length: 1_000 }, (_, index) => ({
      conversationId: BigInt(index + 1),
      deliveredSeq: 1,
      readSeq: 0,
    }));
    const data = cursorRequest.encode({ moves });
    const sent = Array.from({ length: 11 }, () => bob.request(Command.cursor, data));
    await harness.advance(flushMs);
    const codes = sent.map((sequenceId) => bob.read(sequenceId, statusResponse).status?.code);
    expect(codes.slice(0, 10)).toEqual(Array.from({ length: 10 }));
    expect(codes[10]).toBe(errorCatalogue.RATE_LIMITED.code);
    expect(bob.read(sent[10]!, statusResponse).status?.retryAfterMs).toBeGreaterThan(0);
  });
});

describe('CursorBuffer', () => {
  it('merges by the highest of each, and keeps devices apart', () => {
    const buffer = new CursorBuffer();
    const route = (connectionId: number, deviceId: string) => ({
      connection: { gateId: 'g', connectionId },
      identity: { userId: 1n, deviceId, sessionId: 1n, epoch: 1 },
    });
    const [phone, laptop] = [route(1, 'phone'), route(2, 'laptop')];
    const request = { connection: phone.connection, cmd: Command.cursor, logId: 1, sequenceId: 1 };
    buffer.add(request, phone, [{ conversationId: 9n, deliveredSeq: 5, readSeq: 0 }], 100);
    buffer.add(request, phone, [{ conversationId: 9n, deliveredSeq: 3, readSeq: 2 }], 110);
    buffer.add(request, laptop, [{ conversationId: 9n, deliveredSeq: 1, readSeq: 0 }], 120);
    expect(buffer.size).toBe(2);
    const batch = buffer.take();
    expect(buffer.empty).toBe(true);
    expect(batch.requests).toHaveLength(3);
    expect(raisesOf(batch)).toEqual([
      { conversationId: 9n, userId: 1n, deviceId: 'phone', deliveredSeq: 5, readSeq: 2, nowMs: 100 },
      { conversationId: 9n, userId: 1n, deviceId: 'laptop', deliveredSeq: 1, readSeq: 0, nowMs: 120 },
    ]);
  });
});

describe('deliveries without a cursor ack', () => {
  const config = { notifyTimeoutMs: 10_000, notifyRetries: 3, cursorFlushMs: flushMs };

  it('are pushed again, then the connection is closed and its route cleared', async () => {
    const harness = new LogicHarness({ config });
    const conversationId = await harness.direct(1n, 2n, 9n);
    const alice = await harness.online(1n);
    const bob = await harness.online(2n);
    alice.send(conversationId, 'm1');
    alice.send(conversationId, 'm2');
    await harness.settle();
    for (let round = 1; round <= 3; round += 1) {
      await harness.advance(9_000);
      expect(bob.texts()).toHaveLength(1 + round);
      await harness.advance(1_000);
      // The newest of what was pushed: the client sees the gap, if it has one, by its seq.
      expect(bob.texts().slice(1 + round)).toEqual(['m2']);
    }
    expect(harness.gate.closed(bob.id)).toBeUndefined();
    await harness.advance(10_000);
    expect(harness.gate.closed(bob.id)?.code).toBe(CloseCode.unacknowledged);
    expect(await harness.metric('fastim_renotified_total')).toBe(3);
    expect(await harness.metric('fastim_closed_unacknowledged_total')).toBe(1);
    expect(await harness.metric('fastim_routes')).toBe(1);
    expect(harness.gate.closed(alice.id)).toBeUndefined();
    const before = bob.texts().length;
    alice.send(conversationId, 'm3');
    await harness.settle();
    expect(bob.texts()).toHaveLength(before);
  });

  it('are at rest once the cursor reached them, also when the cursor could not be written', async () => {
    const harness = new LogicHarness({ config });
    const conversationId = await harness.direct(1n, 2n, 9n);
    const alice = await harness.online(1n);
    const bob = await harness.online(2n);
    alice.send(conversationId, 'm1');
    await harness.settle();
    harness.storage.failWith(new StorageError('busy', 'no'));
    bob.cursor(conversationId, 1);
    await harness.advance(100_000);
    expect(bob.texts()).toEqual(['m1']);
    expect(harness.gate.closed(bob.id)).toBeUndefined();
    expect(await harness.metric('fastim_deliveries_watched')).toBe(0);
  });

  it('are forgotten with a connection that closed', async () => {
    const harness = new LogicHarness({ config });
    const conversationId = await harness.direct(1n, 2n, 9n);
    const alice = await harness.online(1n);
    const bob = await harness.online(2n);
    alice.send(conversationId, 'm1');
    await harness.settle();
    expect(await harness.metric('fastim_deliveries_watched')).toBe(1);
    bob.close();
    await harness.settle();
    expect(await harness.metric('fastim_deliveries_watched')).toBe(0);
  });

  it('are forgotten with a gate that is gone', async () => {
    const harness = new LogicHarness({ config });
    const conversationId = await harness.direct(1n, 2n, 9n);
    const alice = await harness.online(1n);
    await harness.online(2n);
    alice.send(conversationId, 'm1');
    await harness.settle();
    harness.logic.detachGate(harness.gate.gateId);
    expect(await harness.metric('fastim_deliveries_watched')).toBe(0);
    expect(await harness.metric('fastim_routes')).toBe(0);
  });
});
