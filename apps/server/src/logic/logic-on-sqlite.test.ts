import {
  Command,
  changeGroupRequest,
  createGroupRequest,
  createGroupResponse,
  errorCatalogue,
  GroupChange,
  type HistoryRequest,
  historyRequest,
  historyResponse,
  type SyncRequest,
  syncRequest,
  syncResponse,
  textBody,
} from '@fastim/protocol';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { SqliteStorage } from '../storage/sqlite/open-sqlite-storage.ts';
import { TemporaryFolders } from '../storage/sqlite/testing/temporary-folders.ts';
import { clientMsgId, LogicHarness, type TestConnection } from './testing/logic-harness.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

const generous = { sendBurstPerUser: 100_000, cursorFlushMs: 1 };

async function onSqlite(options: { directory?: string; maxPages?: number; cacheHistory?: boolean } = {}) {
  const { cacheHistory = false, ...folder } = options;
  const storage = await folders.open(folder);
  const harness = new LogicHarness<SqliteStorage>({ storage, config: generous, cacheHistory });
  for (const userId of [1n, 2n]) {
    await storage.users.create({
      userId,
      username: `user${userId}`,
      usernameKey: `user${userId}`,
      displayName: `User ${userId}`,
      passwordHash: 'x',
      createdMs: harness.clock.now(),
      showOnline: true,
    });
  }
  const conversationId = await harness.direct(1n, 2n, 9n);
  const alice = await harness.online(1n);
  const bob = await harness.online(2n);
  const stop = async (): Promise<void> => {
    await harness.logic.stop();
    await storage.close();
  };
  return { harness, storage, conversationId, alice, bob, stop };
}

/** Until every one of them has its response. */
async function answered(connection: TestConnection, sequenceIds: readonly number[]): Promise<void> {
  await vi.waitFor(() => expect(sequenceIds.filter((id) => !connection.answered(id))).toEqual([]), {
    timeout: 20_000,
    interval: 2,
  });
}

describe('logic on the real store', () => {
  it('carries a message from send to read, and the list shows it', async () => {
    const { harness, conversationId, alice, bob, stop } = await onSqlite();
    const sent = alice.send(conversationId, '你好');
    await answered(alice, [sent]);
    expect(alice.ack(sent)).toMatchObject({ status: undefined, convSeq: 1, countNo: 1 });
    expect(bob.texts()).toEqual(['你好']);
    const read = bob.cursor(conversationId, 1, 1);
    await harness.advance(1);
    await answered(bob, [read]);
    await vi.waitFor(() => expect(harness.gate.cursors(alice.id)).toMatchObject([{ deliveredSeq: 1, readSeq: 1 }]));
    const request: SyncRequest = { sinceMs: 0, beforeActivityMs: 0, beforeConversationId: 0n, limit: 10 };
    const synced = bob.request(Command.sync, syncRequest.encode(request));
    await answered(bob, [synced]);
    expect(bob.read(synced, syncResponse)).toMatchObject({
      conversations: [
        { conversationId, headSeq: 1, readSeq: 1, peer: { username: 'user1' }, lastMessage: { convSeq: 1 } },
      ],
      mark: { conversationCount: 1, headSum: 1, readSum: 1 },
    });
    await stop();
  });

  it('keeps every sender’s order over many batches, without a hole or a double', async () => {
    const { harness, conversationId, alice, bob, stop } = await onSqlite();
    const rounds = 40;
    const sent = { alice: [] as number[], bob: [] as number[] };
    for (let round = 0; round < rounds; round += 1) {
      for (let number = 0; number < 25; number += 1) {
        sent.alice.push(alice.send(conversationId, `a${sent.alice.length}`));
        sent.bob.push(bob.send(conversationId, `b${sent.bob.length}`));
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await answered(alice, sent.alice);
    await answered(bob, sent.bob);
    const total = rounds * 50;
    const seqs = [...sent.alice.map((id) => alice.ack(id).convSeq), ...sent.bob.map((id) => bob.ack(id).convSeq)];
    expect(new Set(seqs).size).toBe(total);
    expect(Math.max(...seqs)).toBe(total);
    expect(bob.texts()).toEqual(sent.alice.map((_, index) => `a${index}`));
    expect(alice.texts()).toEqual(sent.bob.map((_, index) => `b${index}`));
    const pushed = harness.gate.messages(bob.id).map((message) => message.convSeq);
    expect(pushed).toEqual([...pushed].sort((a, b) => a - b));
    await stop();
  });

  it('gives a resend after a restart the first ack, and pushes nothing', async () => {
    const directory = folders.make();
    const before = await onSqlite({ directory });
    const sent = before.alice.send(before.conversationId, 'once', clientMsgId(1));
    await answered(before.alice, [sent]);
    const ack = before.alice.ack(sent);
    await before.stop();
    const after = await onSqlite({ directory });
    const again = after.alice.send(after.conversationId, 'once', clientMsgId(1));
    const next = after.alice.send(after.conversationId, 'next', clientMsgId(2));
    await answered(after.alice, [again, next]);
    expect(after.alice.ack(again)).toEqual(ack);
    expect(after.alice.ack(next).convSeq).toBe(2);
    expect(after.bob.texts()).toEqual(['next']);
    await after.stop();
  });

  it('carries a group from its making to a removal: events, reads, pulls from memory and from the disk alike', async () => {
    const { harness, alice, bob, stop } = await onSqlite({ cacheHistory: true });
    const create = { clientMsgId: clientMsgId(900), name: '茶', avatarColor: 4, userIds: [2n] };
    const created = alice.request(Command.createGroup, createGroupRequest.encode(create));
    await answered(alice, [created]);
    const { conversation } = alice.read(created, createGroupResponse);
    const groupId = conversation!.conversationId;
    expect(conversation).toMatchObject({ headSeq: 1, role: 3, group: { name: '茶', memberCount: 2 } });
    const texts = Array.from({ length: 20 }, (_, index) => alice.send(groupId, `m${index + 2}`));
    await answered(alice, texts);
    const events = [alice.edit(groupId, 2, 'edited'), alice.react(groupId, 3, '🎉'), alice.recall(groupId, 4)];
    await answered(alice, events);
    expect(events.map((each) => alice.ack(each).convSeq)).toEqual([22, 23, 24]);
    const pull = async (request: Partial<HistoryRequest>) => {
      const whole = { conversationId: groupId, fromSeq: 1, toSeq: 24, limit: 100, newestFirst: false, ...request };
      const sequenceId = bob.request(Command.history, historyRequest.encode(whole));
      await answered(bob, [sequenceId]);
      return bob.read(sequenceId, historyResponse);
    };
    // The first one comes from the disk: it holds what was changed.
    const all = await pull({});
    expect(all.messages.map((message) => message.convSeq)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
    expect(textBody.decode(all.messages[1]!.body).text).toBe('edited');
    expect(all.messages[2]!.marks?.reactions).toMatchObject([{ emoji: '🎉', count: 1, mine: false }]);
    expect(all.messages[3]!.body).toHaveLength(0);
    expect((await pull({ fromSeq: 5 })).messages).toEqual(all.messages.slice(4));
    expect(await harness.metric('fastim_history_from_memory_total')).toBe(1);
    const read = bob.cursor(groupId, 24, 24);
    await harness.advance(1);
    await answered(bob, [read]);
    const removal = { ...create, conversationId: groupId, change: GroupChange.remove, text: '', number: 0 };
    const removed = alice.request(
      Command.changeGroup,
      changeGroupRequest.encode({ ...removal, clientMsgId: clientMsgId(901) }),
    );
    await answered(alice, [removed]);
    await answered(alice, [alice.send(groupId, 'without bob')]);
    expect(await pull({ toSeq: 30 })).toMatchObject({ headSeq: 25, messages: { length: 25 } });
    const late = bob.send(groupId, 'still here');
    await answered(bob, [late]);
    expect(bob.refusal(late)).toBe('NOT_A_MEMBER');
    expect(harness.linkErrors).toEqual([]);
    await stop();
  });

  it('acks nothing that a full disk refused, keeps the order, and goes on once there is room', async () => {
    const directory = folders.make();
    const cramped = await onSqlite({ directory, maxPages: 120 });
    const text = (number: number): string => `${number} `.padEnd(2_000, 'x');
    const acked: number[] = [];
    let refused = 0;
    for (let number = 1; number <= 400; number += 1) {
      const sent = cramped.alice.send(cramped.conversationId, text(number), clientMsgId(number));
      await answered(cramped.alice, [sent]);
      const { status, convSeq } = cramped.alice.ack(sent);
      if (status) {
        expect(status.code).toBe(errorCatalogue.STORAGE_FULL.code);
        refused += 1;
      } else acked.push(convSeq);
      if (refused === 3) break;
    }
    expect(refused).toBe(3);
    expect(acked).toEqual(acked.map((_, index) => index + 1));
    expect(cramped.bob.texts()).toHaveLength(acked.length);
    await cramped.stop();
    const roomy = await onSqlite({ directory });
    const all = Array.from({ length: acked.length + 3 }, (_, index) => index + 1);
    const sent = all.map((number) => roomy.alice.send(roomy.conversationId, text(number), clientMsgId(number)));
    await answered(roomy.alice, sent);
    expect(sent.map((sequenceId) => roomy.alice.ack(sequenceId).convSeq)).toEqual(all);
    expect(roomy.bob.texts()).toEqual(all.slice(-3).map(text));
    await roomy.stop();
  });
});
