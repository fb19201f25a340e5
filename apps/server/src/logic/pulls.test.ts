import {
  Command,
  conversationsRequest,
  conversationsResponse,
  errorCatalogue,
  type HistoryRequest,
  heartbeatRequest,
  heartbeatResponse,
  historyRequest,
  historyResponse,
  MAX_DATA_AFTER_LOGIN,
  type SettingsRequest,
  type SyncMark,
  type SyncRequest,
  statusResponse,
  syncRequest,
  syncResponse,
} from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { LogicHarness, type TestConnection } from './testing/logic-harness.ts';

/** The mark of a client that knows nothing. */
const known: SyncMark = {
  conversationCount: 0,
  headSum: 0,
  readSum: 0,
  sinceMs: 0,
  versionSum: 0,
  peerSum: 0,
};
const noChange: SettingsRequest = {
  conversationId: 0n,
  silentUntilMs: undefined,
  pinnedMs: undefined,
  archived: undefined,
  markedUnread: undefined,
  draft: undefined,
  hideSeqs: [],
};
const firstPage: SyncRequest = { sinceMs: 0, beforeActivityMs: 0, beforeConversationId: 0n, limit: 100 };

async function withMessages(count: number, text = (number: number): string => `m${number}`) {
  const harness = new LogicHarness();
  const conversationId = await harness.direct(1n, 2n, 9n);
  const alice = await harness.online(1n);
  const bob = await harness.online(2n);
  for (let number = 1; number <= count; number += 1) alice.send(conversationId, text(number));
  await harness.settle();
  return { harness, conversationId, alice, bob };
}

/** User 1 has a conversation with each of the users 100, 101 …, a second apart. */
async function withConversations(count: number, text?: (number: number) => string) {
  const harness = new LogicHarness({ config: { sendBurstPerUser: 1_000 } });
  const alice = await harness.online(1n);
  const ids: bigint[] = [];
  for (let number = 0; number < count; number += 1) {
    const id = await harness.direct(1n, BigInt(100 + number), BigInt(1_000 + number));
    ids.push(id);
    if (text) {
      alice.send(id, text(number));
      await harness.settle();
    }
    await harness.advance(1_000);
  }
  return { harness, alice, ids };
}

async function ask<T>(
  harness: LogicHarness,
  connection: TestConnection,
  cmd: number,
  data: Uint8Array,
  codec: { decode(data: Uint8Array): T; encode(value: T): Uint8Array },
): Promise<T> {
  const sequenceId = connection.request(cmd, data);
  await harness.settle();
  return connection.read(sequenceId, codec);
}

describe('HISTORY', () => {
  const all: HistoryRequest = { conversationId: 9n, fromSeq: 1, toSeq: 1_000, limit: 100, newestFirst: false };
  const seqs = (response: { messages: { convSeq: number }[] }): number[] =>
    response.messages.map((message) => message.convSeq);
  const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

  it.each<[string, Partial<HistoryRequest>, number[]]>([
    ['everything there is', {}, range(1, 100)],
    ['the newest page', { newestFirst: true }, range(51, 150)],
    ['both ends included', { fromSeq: 5, toSeq: 7 }, [5, 6, 7]],
    ['a limit from the old end', { fromSeq: 5, toSeq: 50, limit: 3 }, [5, 6, 7]],
    ['a limit from the new end', { fromSeq: 5, toSeq: 50, limit: 3, newestFirst: true }, [48, 49, 50]],
    ['from 0 as from the start', { fromSeq: 0, toSeq: 2 }, [1, 2]],
    ['to 0 as up to the head', { fromSeq: 149, toSeq: 0 }, [149, 150]],
    ['beyond the head', { fromSeq: 149, toSeq: Number.MAX_SAFE_INTEGER }, [149, 150]],
    ['nothing that is only beyond the head', { fromSeq: 151, toSeq: 900 }, []],
    ['nothing for a range that ends before it starts', { fromSeq: 9, toSeq: 3 }, []],
    ['a default page for limit 0', { limit: 0 }, range(1, 50)],
    ['at most a page for a large limit', { limit: 1_000 }, range(1, 100)],
  ])('returns %s', async (_name, change, expected) => {
    const { harness, bob } = await withMessages(150);
    const response = await ask(
      harness,
      bob,
      Command.history,
      historyRequest.encode({ ...all, ...change }),
      historyResponse,
    );
    expect(seqs(response)).toEqual(expected);
    expect(response).toMatchObject({ status: undefined, conversationId: 9n, headSeq: 150 });
  });

  it.each([
    ['of others', 8n],
    ['that does not exist', 12_345n],
  ])('answers NOT_A_MEMBER, alike in every byte, for a conversation %s', async (_name, conversationId) => {
    const { harness, bob } = await withMessages(1);
    const foreign = await harness.direct(3n, 4n, 8n);
    const carol = await harness.online(3n);
    carol.send(foreign, 'private');
    await harness.settle();
    const { status } = await ask(
      harness,
      bob,
      Command.history,
      historyRequest.encode({ ...all, conversationId }),
      statusResponse,
    );
    expect(status).toEqual({
      code: errorCatalogue.NOT_A_MEMBER.code,
      message: errorCatalogue.NOT_A_MEMBER.text,
      retryAfterMs: 0,
      minVersion: 0,
      maxVersion: 0,
    });
  });

  it.each([true, false])(
    'gives a walk over large messages every one of them (newest first: %s)',
    async (newestFirst) => {
      const { harness, conversationId, bob } = await withMessages(30, (number) => `${number} `.padEnd(15_000, 'x'));
      const got: number[] = [];
      let [fromSeq, toSeq] = [1, 30];
      for (let page = 0; fromSeq <= toSeq && page < 30; page += 1) {
        const data = historyRequest.encode({ conversationId, fromSeq, toSeq, limit: 100, newestFirst });
        const sequenceId = bob.request(Command.history, data);
        await harness.settle();
        expect(harness.gate.response(bob.id, sequenceId)!.data.length).toBeLessThanOrEqual(MAX_DATA_AFTER_LOGIN);
        const rows = seqs(bob.read(sequenceId, historyResponse));
        expect(rows.length).toBeGreaterThan(0);
        expect(rows).toEqual(range(rows[0]!, rows.at(-1)!));
        expect(newestFirst ? rows.at(-1) : rows[0]).toBe(newestFirst ? toSeq : fromSeq);
        got.push(...rows);
        if (newestFirst) toSeq = rows[0]! - 1;
        else fromSeq = rows.at(-1)! + 1;
      }
      expect(got.sort((a, b) => a - b)).toEqual(range(1, 30));
    },
  );

  it('answers many pulls at once with RATE_LIMITED and the time to wait', async () => {
    const { harness, bob } = await withMessages(1);
    const sent = Array.from({ length: 501 }, () => bob.request(Command.history, historyRequest.encode(all)));
    await harness.settle();
    expect(bob.read(sent[499]!, statusResponse).status).toBeUndefined();
    const refused = bob.read(sent[500]!, statusResponse).status;
    expect(refused?.code).toBe(errorCatalogue.RATE_LIMITED.code);
    expect(refused?.retryAfterMs).toBeGreaterThan(0);
  });
});

describe('SYNC', () => {
  it('returns the user’s conversations, newest activity first, with the mark over all and the time of the read', async () => {
    const { harness, alice, ids } = await withConversations(3, (number) => `hello ${number}`);
    await harness.direct(50n, 51n, 77n);
    const response = await ask(harness, alice, Command.sync, syncRequest.encode(firstPage), syncResponse);
    expect(response.conversations.map((row) => row.conversationId)).toEqual([...ids].reverse());
    expect(response.more).toBe(false);
    expect(response.serverTimeMs).toBe(harness.clock.now());
    const sinceMs = harness.clock.now();
    expect(response.mark).toEqual({ ...known, conversationCount: 3, headSum: 3, sinceMs });
    expect(response.conversations[0]).toMatchObject({ headSeq: 1, unreadBaseCountNo: 1, peer: { userId: 102n } });
  });

  it.each([
    ['a limit', 2, 2],
    ['a limit of 0', 0, 50],
    ['a large limit', 1_000, 100],
  ])('pages through all conversations with %s, each once', async (_name, limit, pageSize) => {
    const { harness, alice, ids } = await withConversations(120);
    const got: bigint[] = [];
    let request = { ...firstPage, limit };
    for (;;) {
      const page = await ask(harness, alice, Command.sync, syncRequest.encode(request), syncResponse);
      expect(page.conversations.length).toBeLessThanOrEqual(pageSize);
      expect(page.mark.conversationCount).toBe(120);
      got.push(...page.conversations.map((row) => row.conversationId));
      if (!page.more) break;
      const last = page.conversations.at(-1)!;
      request = { ...request, beforeActivityMs: last.lastActivityMs, beforeConversationId: last.conversationId };
    }
    expect(got).toEqual([...ids].reverse());
  });

  it('fits large last messages into the limit of the wire, and says that there is more', async () => {
    const { harness, alice } = await withConversations(12, (number) => `${number} `.padEnd(15_000, 'x'));
    const sequenceId = alice.request(Command.sync, syncRequest.encode(firstPage));
    await harness.settle();
    expect(harness.gate.response(alice.id, sequenceId)!.data.length).toBeLessThanOrEqual(MAX_DATA_AFTER_LOGIN);
    const page = alice.read(sequenceId, syncResponse);
    expect(page.conversations.length).toBeGreaterThan(0);
    expect(page.conversations.length).toBeLessThan(12);
    expect(page.more).toBe(true);
  });

  it('returns only what moved since the time given, and a little from before', async () => {
    const { harness, alice, ids } = await withConversations(5);
    await harness.advance(10_000);
    const sinceMs = harness.clock.now();
    await harness.advance(60_000);
    alice.send(ids[1]!, 'moved');
    await harness.settle();
    const page = await ask(harness, alice, Command.sync, syncRequest.encode({ ...firstPage, sinceMs }), syncResponse);
    expect(page.conversations.map((row) => row.conversationId)).toEqual([ids[1]]);
  });

  it('returns a message that came before the last sync was read and was committed after it', async () => {
    const { harness, alice, ids } = await withConversations(2);
    const bob = await harness.online(100n);
    await harness.advance(60_000);
    harness.storage.hold();
    bob.send(ids[0]!, 'waits for its commit');
    await harness.advance(500);
    const first = await ask(harness, alice, Command.sync, syncRequest.encode(firstPage), syncResponse);
    expect(first.conversations.map((row) => row.headSeq)).toEqual([0, 0]);
    harness.storage.release();
    await harness.settle();
    const since = { ...firstPage, sinceMs: first.serverTimeMs };
    const next = await ask(harness, alice, Command.sync, syncRequest.encode(since), syncResponse);
    expect(next.conversations.map((row) => [row.conversationId, row.headSeq])).toEqual([[ids[0], 1]]);
  });

  it('is empty for a user without conversations', async () => {
    const harness = new LogicHarness();
    const loner = await harness.online(5n);
    const page = await ask(harness, loner, Command.sync, syncRequest.encode(firstPage), syncResponse);
    expect(page).toMatchObject({ conversations: [], more: false, mark: { conversationCount: 0 } });
  });
});

describe('a page of 10^9 rows', () => {
  it.each([
    ['SYNC', Command.sync, syncRequest.encode({ ...firstPage, limit: 1_000_000_000 })],
    [
      'HISTORY',
      Command.history,
      historyRequest.encode({ conversationId: 9n, fromSeq: 1, toSeq: 0, limit: 1_000_000_000, newestFirst: true }),
    ],
  ])('is BAD_REQUEST in %s', async (_name, cmd, data) => {
    const { harness, bob } = await withMessages(1);
    const sequenceId = bob.request(cmd, data);
    await harness.settle();
    expect(bob.refusal(sequenceId)).toBe('BAD_REQUEST');
  });
});

describe('CONVERSATIONS', () => {
  const request = (conversationIds: bigint[]): Uint8Array => conversationsRequest.encode({ conversationIds });

  it('returns the user’s own of those asked for, in the order asked, each once', async () => {
    const { harness, alice, ids } = await withConversations(3);
    await harness.direct(50n, 51n, 77n);
    const asked = [ids[2]!, 77n, ids[0]!, 424_242n, ids[2]!];
    const response = await ask(harness, alice, Command.conversations, request(asked), conversationsResponse);
    expect(response.conversations.map((row) => row.conversationId)).toEqual([ids[2], ids[0]]);
  });

  it('answers no ids with no rows', async () => {
    const { harness, alice } = await withConversations(1);
    const response = await ask(harness, alice, Command.conversations, request([]), conversationsResponse);
    expect(response).toEqual({ status: undefined, conversations: [] });
  });

  it('gives who asks again for what is behind the last row every conversation', async () => {
    const { harness, alice, ids } = await withConversations(12, (number) => `${number} `.padEnd(15_000, 'x'));
    const got: bigint[] = [];
    let rest = ids;
    while (rest.length > 0) {
      const sequenceId = alice.request(Command.conversations, request(rest));
      await harness.settle();
      expect(harness.gate.response(alice.id, sequenceId)!.data.length).toBeLessThanOrEqual(MAX_DATA_AFTER_LOGIN);
      const rows = alice.read(sequenceId, conversationsResponse).conversations.map((row) => row.conversationId);
      expect(rows.length).toBeGreaterThan(0);
      got.push(...rows);
      rest = rest.slice(rest.indexOf(rows.at(-1)!) + 1);
    }
    expect(got).toEqual(ids);
  });
});

describe('HEARTBEAT', () => {
  const beat = (mark: SyncMark): Uint8Array => heartbeatRequest.encode({ mark });

  it('is empty when the client knows everything', async () => {
    const { harness, alice } = await withConversations(3, () => 'hello');
    const mark = { ...(await harness.storage.mark(1n)), sinceMs: 1 };
    const response = await ask(harness, alice, Command.heartbeat, beat(mark), heartbeatResponse);
    expect(response).toEqual({ status: undefined, serverTimeMs: harness.clock.now(), moved: [], more: false });
  });

  it('carries what moved since the client’s last sync, and a little from before', async () => {
    const { harness, alice, ids } = await withConversations(3, () => 'hello');
    const mark = { ...(await harness.storage.mark(1n)), sinceMs: harness.clock.now() + 60_000 };
    await harness.advance(60_000 - 9_000);
    alice.send(ids[0]!, 'while the sync was read');
    await harness.settle();
    await harness.advance(120_000);
    const response = await ask(harness, alice, Command.heartbeat, beat(mark), heartbeatResponse);
    expect(response.moved.map((row) => [row.conversationId, row.headSeq])).toEqual([[ids[0], 2]]);
    expect(response.more).toBe(false);
  });

  it('shows a read elsewhere', async () => {
    const { harness, conversationId, bob } = await withMessages(2);
    const before = await harness.storage.mark(2n);
    const laptop = await harness.online(2n, 'laptop', { sessionId: 201n });
    bob.cursor(conversationId, 2, 2);
    await harness.advance(1_000);
    const mark = { ...before, sinceMs: harness.clock.now() };
    const response = await ask(harness, laptop, Command.heartbeat, beat(mark), heartbeatResponse);
    expect(response.moved).toMatchObject([{ conversationId, readSeq: 2 }]);
  });

  it.each([
    ['a setting of one’s own', 'versionSum'],
    ['a tick of the peer', 'peerSum'],
  ] as const)('shows %s that was missed', async (_name, sum) => {
    const { harness, conversationId, alice, bob } = await withMessages(2);
    const before = { ...(await harness.storage.mark(1n)), sinceMs: harness.clock.now() };
    if (sum === 'peerSum') bob.cursor(conversationId, 2, 1);
    else {
      const change = { ...noChange, conversationId, pinnedMs: 5 };
      await harness.storage.changeSettings(1n, change, harness.clock.now());
    }
    await harness.advance(1_000);
    const after = await harness.storage.mark(1n);
    expect({ ...after, sinceMs: 0, [sum]: 0 }).toEqual({ ...before, sinceMs: 0, [sum]: 0 });
    const response = await ask(harness, alice, Command.heartbeat, beat(before), heartbeatResponse);
    expect(response.moved.map((row) => row.conversationId)).toEqual([conversationId]);
    const upToDate = await ask(harness, alice, Command.heartbeat, beat({ ...after, sinceMs: 1 }), heartbeatResponse);
    expect(upToDate.moved).toEqual([]);
  });

  it('carries at most a page of conversations, newest first, and says that there is more', async () => {
    const { harness, alice, ids } = await withConversations(60);
    const response = await ask(harness, alice, Command.heartbeat, beat(known), heartbeatResponse);
    expect(response.moved.map((row) => row.conversationId)).toEqual([...ids].reverse().slice(0, 50));
    expect(response.more).toBe(true);
  });

  it('repairs a client whose mark is wrong although nothing moved lately', async () => {
    const { harness, alice, ids } = await withConversations(2, () => 'hello');
    await harness.advance(3_600_000);
    const wrong = { ...known, conversationCount: 2, headSum: 1, sinceMs: harness.clock.now() };
    const response = await ask(harness, alice, Command.heartbeat, beat(wrong), heartbeatResponse);
    expect(response.moved.map((row) => row.conversationId)).toEqual([...ids].reverse());
  });

  it('takes a heartbeat without a mark for a client that knows nothing', async () => {
    const { harness, alice } = await withConversations(2);
    const response = await ask(harness, alice, Command.heartbeat, new Uint8Array(0), heartbeatResponse);
    expect(response.moved).toHaveLength(2);
  });
});
