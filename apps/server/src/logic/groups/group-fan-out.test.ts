import { ManualClock } from '@fastim/core/testing';
import {
  Command,
  conversationsRequest,
  GroupChange,
  heartbeatRequest,
  messagePush,
  syncRequest,
} from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { linkToGate } from '../../cluster/in-process.ts';
import { MemoryRouteTable } from '../../routing/route-table.ts';
import { StorageError } from '../../storage/storage.ts';
import { GatedStorage } from '../testing/gated-storage.ts';
import { change } from '../testing/group-client.ts';
import { LogicHarness, TestConnection } from '../testing/logic-harness.ts';
import { RecordingGate } from '../testing/recording-gate.ts';

async function withGroup(memberCount = 3) {
  const harness = new LogicHarness();
  await harness.users(memberCount + 1);
  const owner = await harness.online(1n);
  const groupId = await harness.group(
    owner,
    Array.from({ length: memberCount - 1 }, (_, index) => BigInt(index + 2)),
  );
  return { harness, groupId, owner };
}

describe('a message in a group', () => {
  it('is one packet for each gate, encoded once, and not for the connection it came from', async () => {
    const { harness, groupId, owner } = await withGroup();
    const far = new RecordingGate('gate-2');
    harness.logic.attachGate(linkToGate(far, (error) => harness.linkErrors.push(error)));
    const farBob = new TestConnection(
      { uplink: harness.uplink, gate: far, nextClientMsgId: () => harness.nextClientMsgId() },
      { gateId: far.gateId, connectionId: 77 },
    );
    farBob.logIn('2/phone/200/1');
    await harness.settle();
    harness.gate.groupPackets.length = 0;
    const sent = owner.send(groupId, 'hello');
    await harness.settle();
    const [near, other] = [harness.gate.groupPackets, far.groupPackets];
    expect([near.length, other.length]).toEqual([1, 1]);
    expect(near[0]).toMatchObject({
      conversationId: groupId,
      convSeq: 2,
      removalsSeq: 0,
      removed: [],
      except: owner.id,
    });
    expect(other[0]).toMatchObject({ convSeq: 2, except: undefined });
    expect(other[0]!.body).toBe(near[0]!.body);
    const { msgId } = owner.ack(sent);
    expect(messagePush.decode(near[0]!.body).messages).toMatchObject([{ msgId, convSeq: 2, countNo: 1 }]);
    expect(far.heads(77)).toEqual([{ conversationId: groupId, headSeq: 2 }]);
    expect(await harness.metric('fastim_group_packets_total')).toBeGreaterThan(1);
    // Nobody of a group is waited for.
    expect(await harness.metric('fastim_deliveries_watched')).toBe(0);
    expect(harness.linkErrors).toEqual([]);
  });

  it('says as of which removal it is', async () => {
    const { harness, groupId, owner } = await withGroup();
    await change(harness, owner, groupId, GroupChange.remove, { userIds: [3n] });
    owner.send(groupId, 'after');
    await harness.settle();
    expect(harness.gate.groupPackets.at(-1)).toMatchObject({ convSeq: 3, removalsSeq: 2, removed: [] });
  });

  it('is not told again when it is sent again', async () => {
    const { harness, groupId, owner } = await withGroup();
    const id = harness.nextClientMsgId();
    owner.send(groupId, 'once', id);
    await harness.settle();
    const packets = harness.gate.groupPackets.length;
    owner.send(groupId, 'once', id);
    await harness.settle();
    expect(harness.gate.groupPackets).toHaveLength(packets);
  });
});

describe('which groups a connection follows', () => {
  it('is told at log-in, between bind and the answer', async () => {
    const { harness, groupId, owner } = await withGroup();
    const second = await harness.group(owner, [2n]);
    const bob = await harness.online(2n);
    const mine = harness.gate.followed.filter((each) => each.connectionId === bob.id);
    expect(mine.map((each) => each.conversationId)).toEqual([groupId, second]);
    owner.send(second, 'at once');
    await harness.settle();
    expect(harness.gate.heads(bob.id)).toEqual([{ conversationId: second, headSeq: 2 }]);
  });

  it('is told as of the newest removal that was known before it was read', async () => {
    const { harness, groupId, owner } = await withGroup();
    await change(harness, owner, groupId, GroupChange.remove, { userIds: [3n] });
    const real = harness.storage.groupIdsOf.bind(harness.storage);
    const { promise, resolve } = Promise.withResolvers<void>();
    let began = false;
    harness.storage.groupIdsOf = async (userId) => {
      const read = await real(userId);
      began = true;
      await promise;
      return read;
    };
    const bob = harness.connect();
    bob.logIn('2/phone/200/1');
    await harness.settle();
    expect(began).toBe(true);
    await change(harness, owner, groupId, GroupChange.remove, { userIds: [2n] });
    resolve();
    await harness.settle();
    const mine = harness.gate.followed.filter((each) => each.connectionId === bob.id);
    // 2 was known when the read began; that of bob himself came during it. The gate has to ask.
    expect(mine).toEqual([{ connectionId: bob.id, conversationId: groupId, asOfSeq: 0 }]);
  });

  it('is not told when the storage cannot say, and then nobody is logged in', async () => {
    const { harness } = await withGroup();
    harness.storage.groupIdsOf = () => Promise.reject(new StorageError('io', 'unreadable'));
    const bob = harness.connect();
    const sent = bob.logIn('2/phone/200/1');
    await harness.settle();
    expect(bob.refusal(sent)).toBe('UNAVAILABLE');
    expect(await harness.metric('fastim_routes')).toBe(1);
  });

  it.each([
    [
      'SYNC',
      Command.sync,
      () => syncRequest.encode({ sinceMs: 0, beforeActivityMs: 0, beforeConversationId: 0n, limit: 10 }),
    ],
    ['CONVERSATIONS', Command.conversations, (id: bigint) => conversationsRequest.encode({ conversationIds: [id] })],
    [
      'HEARTBEAT',
      Command.heartbeat,
      () =>
        heartbeatRequest.encode({
          mark: { conversationCount: 0, headSum: 0, readSum: 0, sinceMs: 0, versionSum: 0, peerSum: 0 },
        }),
    ],
  ])('is told again by each answer to %s that names them, but for those one has left', async (_name, cmd, data) => {
    const { harness, groupId, owner } = await withGroup();
    const left = await harness.group(owner, [2n]);
    const bob = await harness.online(2n);
    await change(harness, bob, left, GroupChange.leave);
    harness.gate.followed.length = 0;
    bob.request(cmd, data(groupId));
    await harness.settle();
    expect(harness.gate.followed).toEqual([{ connectionId: bob.id, conversationId: groupId, asOfSeq: 1 }]);
  });
});

describe('a gate in doubt', () => {
  it('is told who is a member still, as of when', async () => {
    const { harness, groupId, owner } = await withGroup(40);
    await change(harness, owner, groupId, GroupChange.remove, { userIds: [3n, 7n] });
    owner.send(groupId, 'after');
    await harness.settle();
    const asked = Array.from({ length: 41 }, (_, index) => BigInt(index + 1));
    harness.uplink.interestStale(harness.gate.gateId, groupId, asked);
    await harness.settle();
    expect(harness.gate.confirmed).toEqual([
      {
        conversationId: groupId,
        userIds: asked.filter((userId) => ![3n, 7n, 41n].includes(userId)),
        removalsSeq: 3,
      },
    ]);
    expect(await harness.metric('fastim_interest_questions_total')).toBe(1);
  });

  it('is told also when none of them is', async () => {
    const { harness, groupId, owner } = await withGroup();
    await change(harness, owner, groupId, GroupChange.remove, { userIds: [3n] });
    harness.uplink.interestStale(harness.gate.gateId, groupId, [3n]);
    harness.uplink.interestStale(harness.gate.gateId, groupId, [4n]);
    await harness.settle();
    expect(harness.gate.confirmed).toEqual([
      { conversationId: groupId, userIds: [], removalsSeq: 2 },
      { conversationId: groupId, userIds: [], removalsSeq: 2 },
    ]);
  });

  it('gets no answer from a storage that fails, and logic lives on', async () => {
    const { harness, groupId, owner } = await withGroup();
    const real = harness.storage.membership.bind(harness.storage);
    harness.storage.membership = () => Promise.reject(new StorageError('io', 'unreadable'));
    harness.uplink.interestStale(harness.gate.gateId, groupId, [2n]);
    await harness.settle();
    expect(harness.gate.confirmed).toEqual([]);
    harness.storage.membership = real;
    harness.uplink.interestStale(harness.gate.gateId, groupId, [2n]);
    await harness.settle();
    expect(harness.gate.confirmed).toHaveLength(1);
    const sent = owner.send(groupId, 'goes on');
    await harness.settle();
    expect(owner.refusal(sent)).toBeUndefined();
  });
});

describe('two logic nodes with one route table', () => {
  async function twoNodes() {
    const shared = { storage: new GatedStorage(), routes: new MemoryRouteTable(), clock: new ManualClock() };
    const config = { notifyTimeoutMs: 10_000, notifyRetries: 1 };
    const one = new LogicHarness({ ...shared, config, gate: new RecordingGate('gate-1') });
    const two = new LogicHarness({ ...shared, config, gate: new RecordingGate('gate-2') });
    one.logic.attachGate(two.gate);
    two.logic.attachGate(one.gate);
    await one.users(3);
    const alice = await one.online(1n);
    const bob = await two.online(2n);
    return { one, two, alice, bob };
  }

  it('push to each other’s connections, and watch only their own', async () => {
    const { one, two, alice, bob } = await twoNodes();
    const directId = await one.direct(1n, 2n, 9n);
    alice.send(directId, 'from one');
    await one.settle();
    expect(bob.texts()).toEqual(['from one']);
    expect(await one.metric('fastim_deliveries_watched')).toBe(0);
    bob.send(directId, 'to one');
    const groupId = await one.group(alice, [2n]);
    bob.send(groupId, 'in the group');
    await one.settle();
    await one.advance(60_000);
    // Bob acknowledges to his own node; the other one does not close his connection for want of it.
    expect(two.gate.closed(bob.id)).toBeUndefined();
    expect(one.gate.heads(alice.id)).toContainEqual({ conversationId: groupId, headSeq: 2 });
    expect(two.gate.heads(bob.id)).toContainEqual({ conversationId: groupId, headSeq: 1 });
  });

  it('know who is online, and keep nothing of a connection that another node took over', async () => {
    const { one, two, alice, bob } = await twoNodes();
    expect(await one.logic.isOnline(2n)).toBe(true);
    expect(await one.logic.onlineSessions(2n)).toEqual(new Set([200n]));
    const directId = await one.direct(1n, 2n, 9n);
    bob.send(directId, 'waits for an ack');
    await one.settle();
    const again = await two.online(1n);
    expect(one.gate.closed(alice.id)).toBeDefined();
    alice.close();
    await one.settle();
    expect(await one.metric('fastim_routes')).toBe(0);
    expect(await one.metric('fastim_deliveries_watched')).toBe(0);
    two.logic.detachGate('gate-2');
    expect(await two.metric('fastim_routes')).toBe(0);
    expect([await one.logic.isOnline(2n), await one.logic.isOnline(1n)]).toEqual([false, false]);
    expect(two.gate.closed(again.id)).toBeUndefined();
  });
});
