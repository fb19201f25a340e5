import { seededRandom } from '@fastim/core/testing';
import { Command, GroupChange, type HistoryRequest, historyRequest, historyResponse } from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { StorageError } from '../../storage/storage.ts';
import { GatedStorage } from '../testing/gated-storage.ts';
import { change, changeData, history } from '../testing/group-client.ts';
import { LogicHarness, type TestConnection } from '../testing/logic-harness.ts';

const seeds = 8 * Math.max(1, Number(process.env.FASTIM_TEST_SCALE ?? 1) || 1);
const generous = {
  sendBurstPerUser: 1_000_000,
  groupChangesPerHour: 1_000_000,
  notifyTimeoutMs: 1_000_000_000,
} as const;

async function withGroup() {
  const harness = new LogicHarness({ cacheHistory: true, config: generous });
  await harness.users(5);
  const owner = await harness.online(1n);
  const bob = await harness.online(2n);
  const groupId = await harness.group(owner, [2n, 3n]);
  let reads = 0;
  const realHistory = harness.storage.history.bind(harness.storage);
  harness.storage.history = (query) => {
    reads += 1;
    return realHistory(query);
  };
  const realMembership = harness.storage.membership.bind(harness.storage);
  harness.storage.membership = (...ids) => {
    reads += 1;
    return realMembership(...ids);
  };
  const since = (): number => {
    const before = reads;
    reads = 0;
    return before;
  };
  return { harness, groupId, owner, bob, since };
}

const words = (response: Awaited<ReturnType<typeof history>>): number[] =>
  response.messages.map((message) => message.convSeq);

describe('pulls of a hot group', () => {
  it('need the storage once a member, then no more', async () => {
    const { harness, groupId, owner, bob, since } = await withGroup();
    for (let number = 0; number < 20; number += 1) owner.send(groupId, `m${number}`);
    await harness.settle();
    expect(words(await history(harness, bob, groupId, { fromSeq: 2, toSeq: 21 }))).toHaveLength(20);
    expect(since()).toBe(1);
    for (let number = 0; number < 5; number += 1) owner.send(groupId, `n${number}`);
    await harness.settle();
    expect(words(await history(harness, bob, groupId, { fromSeq: 22, toSeq: 26 }))).toEqual([22, 23, 24, 25, 26]);
    expect(await history(harness, bob, groupId, { fromSeq: 2, toSeq: 26, limit: 3, newestFirst: true })).toMatchObject({
      headSeq: 26,
      messages: [{ convSeq: 24 }, { convSeq: 25 }, { convSeq: 26 }],
    });
    expect(since()).toBe(0);
    expect(await harness.metric('fastim_history_from_memory_total')).toBe(3);
  });

  it('show an edit, a recall and a reaction from the moment on in which they are acknowledged', async () => {
    const { harness, groupId, owner, bob } = await withGroup();
    for (const text of ['one', 'two', 'three']) owner.send(groupId, text);
    await harness.settle();
    await history(harness, bob, groupId, { fromSeq: 2, toSeq: 4 });
    for (const [act, marks] of [
      [() => owner.edit(groupId, 2, 'ONE'), { editedSeq: 5 }],
      [() => owner.react(groupId, 3, '👍'), { reactionsSeq: 6 }],
      [() => owner.recall(groupId, 4), { recalledSeq: 7 }],
    ] as const) {
      const sent = act();
      while (!owner.answered(sent)) await Promise.resolve();
      const seq = Number(Object.values(marks)[0]) - 3;
      const { messages } = await history(harness, bob, groupId, { fromSeq: seq, toSeq: seq });
      expect(messages[0]!.marks).toMatchObject(marks);
    }
  });

  it('end for who is removed with the answer to it', async () => {
    const { harness, groupId, owner, bob } = await withGroup();
    owner.send(groupId, 'with bob');
    await harness.settle();
    await history(harness, bob, groupId, { fromSeq: 2, toSeq: 2 });
    const data = changeData(harness, groupId, GroupChange.remove, { userIds: [2n] });
    const sent = owner.request(Command.changeGroup, data);
    while (!owner.answered(sent)) await Promise.resolve();
    owner.send(groupId, 'without bob');
    await harness.settle();
    const late = await history(harness, bob, groupId, { fromSeq: 1, toSeq: 4 });
    expect(words(late)).toEqual([1, 2, 3]);
    expect(late.headSeq).toBe(3);
  });

  it('remember no membership that was read while it changed', async () => {
    const { harness, groupId, owner, bob } = await withGroup();
    owner.send(groupId, 'with bob');
    await harness.settle();
    const real = harness.storage.membership.bind(harness.storage);
    const { promise, resolve } = Promise.withResolvers<void>();
    harness.storage.membership = async (...ids) => {
      const read = await real(...ids);
      await promise;
      return read;
    };
    const early = bob.request(
      Command.history,
      historyRequest.encode({ conversationId: groupId, fromSeq: 2, toSeq: 2, limit: 10, newestFirst: false }),
    );
    await harness.settle();
    harness.storage.membership = real;
    await change(harness, owner, groupId, GroupChange.remove, { userIds: [2n] });
    resolve();
    await harness.settle();
    expect(words(bob.read(early, historyResponse))).toEqual([2]);
    owner.send(groupId, 'without bob');
    await harness.settle();
    expect(words(await history(harness, bob, groupId, { fromSeq: 2, toSeq: 4 }))).toEqual([2, 3]);
  });

  it('come from the storage after a write whose end is not known', async () => {
    const { harness, groupId, owner, bob, since } = await withGroup();
    owner.send(groupId, 'one');
    await harness.settle();
    await history(harness, bob, groupId, { fromSeq: 2, toSeq: 2 });
    const real = harness.storage.append.bind(harness.storage);
    harness.storage.append = async (batch) => {
      await real(batch);
      throw new StorageError('io', 'the driver died; whether it is stored is unknown');
    };
    owner.edit(groupId, 2, 'ONE');
    await harness.settle();
    harness.storage.append = real;
    since();
    const { messages } = await history(harness, bob, groupId, { fromSeq: 2, toSeq: 2 });
    expect(messages[0]!.marks).toMatchObject({ editedSeq: 3 });
    expect(since()).toBe(2);
  });

  it('never come from memory where other nodes store too', async () => {
    const harness = new LogicHarness({ config: generous });
    await harness.users(2);
    const owner = await harness.online(1n);
    const groupId = await harness.group(owner, [2n]);
    owner.send(groupId, 'one');
    await harness.settle();
    for (let pull = 0; pull < 3; pull += 1) await history(harness, owner, groupId, { fromSeq: 2, toSeq: 2 });
    expect(await harness.metric('fastim_history_from_memory_total')).toBe(0);
  });
});

/** Random life of a group; every pull is compared with what a node without memory answers from the same storage. */
async function run(seed: number): Promise<number> {
  const random = seededRandom(seed);
  const below = (count: number): number => Math.floor(random() * count);
  const storage = new GatedStorage();
  const harness = new LogicHarness({ storage, cacheHistory: true, config: generous });
  await harness.users(5);
  const devices: TestConnection[] = [];
  for (let userId = 1n; userId <= 5n; userId += 1n) devices.push(await harness.online(userId));
  const plain = new LogicHarness({ storage, config: generous, clock: harness.clock });
  const plainDevices: TestConnection[] = [];
  for (let userId = 1n; userId <= 5n; userId += 1n) plainDevices.push(await plain.online(userId));
  const [owner] = devices;
  const groupId = await harness.group(owner!, [2n, 3n]);
  for (let step = 0; step < 120; step += 1) {
    const device = devices[below(5)]!;
    const headSeq = (await storage.states(1n, [groupId]))[0]?.headSeq ?? 0;
    // Most of it at the end, where the life is.
    const target = Math.max(1, headSeq - below(8));
    const what = random();
    if (what < 0.4) device.send(groupId, `step ${step}`);
    else if (what < 0.5) device.react(groupId, target, ['👍', '🎉'][below(2)]!, random() < 0.3);
    else if (what < 0.58) device.edit(groupId, target, `edited ${step}`);
    else if (what < 0.63) device.recall(groupId, target);
    else if (what < 0.7) {
      const remove = random() < 0.5 ? GroupChange.remove : GroupChange.invite;
      const data = changeData(harness, groupId, remove, { userIds: [BigInt(2 + below(4))] });
      owner!.request(Command.changeGroup, data);
    }
    if (random() < 0.7) await harness.settle();
    const asked = below(5);
    const toSeq = Math.max(0, headSeq + 2 - below(6));
    const request: HistoryRequest = {
      conversationId: groupId,
      fromSeq: Math.max(0, toSeq - below(30)),
      toSeq,
      limit: 1 + below(30),
      newestFirst: random() < 0.5,
    };
    await harness.settle();
    const answers = await Promise.all(
      [devices[asked]!, plainDevices[asked]!].map(async (connection) => {
        const sequenceId = connection.request(Command.history, historyRequest.encode(request));
        await harness.settle();
        return connection.read(sequenceId, historyResponse);
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
  }
  expect(harness.linkErrors).toEqual([]);
  return (await harness.metric('fastim_history_from_memory_total')) ?? 0;
}

it.each(Array.from({ length: seeds }, (_, index) => [index + 1]))(
  'pulls from memory are those from the storage, whatever happens in the group (seed %i)',
  async (seed) => {
    // A run that never used the memory has tried nothing.
    expect(await run(seed)).toBeGreaterThan(5);
  },
);
