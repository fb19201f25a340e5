import { AckQueue, toHex } from '@fastim/core';
import { seededRandom } from '@fastim/core/testing';
import {
  Command,
  editBody,
  errorCatalogue,
  errorName,
  MessageKind,
  plainText,
  reactionBody,
  recallBody,
  sendResponse,
  textBody,
} from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { StorageError } from '../storage/storage.ts';
import { clientMsgId, LogicHarness, type TestConnection } from './testing/logic-harness.ts';

/**
 * Clients that follow the protocol (the client's own ack queue decides what goes out), against a logic whose storage
 * fails, stalls and recovers, whose queue is short and whose users are held to a rate, over connections that break and
 * on which requests and answers take their time.
 */
const seeds = 12 * Math.max(1, Number(process.env.FASTIM_TEST_SCALE ?? 1) || 1);
const steps = 250;

interface Sent {
  readonly conversationId: bigint;
  readonly kind: number;
  readonly body: Uint8Array;
}

class ModelClient {
  readonly userId: bigint;
  /** In the order in which the user wrote them. */
  readonly written = new Map<string, Sent>();
  readonly acked = new Map<string, { convSeq: number; msgId: bigint }>();
  /** Told for good that it cannot be. */
  readonly refused = new Set<string>();
  readonly #harness: LogicHarness;
  readonly #queue: AckQueue;
  readonly #random: () => number;
  #connection: TestConnection | undefined;
  /** Frames on their way to the server, lost with the connection. */
  #wire: (() => void)[] = [];
  /** Answers read so far. */
  #seen = 0;

  constructor(harness: LogicHarness, userId: bigint, random: () => number) {
    this.#harness = harness;
    this.userId = userId;
    this.#random = random;
    this.#queue = new AckQueue({ window: 8, timeout: { baseMs: 2_000, capMs: 8_000 }, random });
  }

  get idle(): boolean {
    return this.#queue.size === 0;
  }

  write(number: number, conversationId: bigint): void {
    const id = toHex(clientMsgId(number));
    this.written.set(id, { conversationId, ...this.#think(number, conversationId) });
    this.#queue.add(id, conversationId.toString());
  }

  /** Mostly texts; now and then something about what is known to be there. */
  #think(number: number, conversationId: bigint): Omit<Sent, 'conversationId'> {
    const mine = [...this.acked].flatMap(([id, { convSeq }]) => {
      const sent = this.written.get(id)!;
      return sent.conversationId === conversationId && sent.kind === MessageKind.text ? [convSeq] : [];
    });
    const what = this.#random();
    const targetSeq = mine[Math.floor(this.#random() * mine.length)];
    const text = `message ${number}`;
    if (what < 0.65 || targetSeq === undefined) {
      return { kind: MessageKind.text, body: textBody.encode(plainText(text)) };
    }
    if (what < 0.77) {
      return { kind: MessageKind.edit, body: editBody.encode({ targetSeq, text, mentions: [], mentionAll: false }) };
    }
    if (what < 0.83) return { kind: MessageKind.recall, body: recallBody.encode({ targetSeq }) };
    const removed = this.#random() < 0.4;
    return { kind: MessageKind.reaction, body: reactionBody.encode({ targetSeq, emoji: '👍', removed }) };
  }

  async connect(): Promise<void> {
    this.#connection = await this.#harness.online(this.userId);
    this.#seen = 0;
    this.#queue.connected();
  }

  disconnect(): void {
    this.#wire = [];
    this.#connection?.close();
    this.#connection = undefined;
    this.#queue.disconnected();
  }

  /** Reads some of what came, sends what is due, and some of what was sent arrives. */
  act(): void {
    const connection = this.#connection;
    if (!connection) return;
    const now = this.#harness.clock.now();
    const frames = this.#harness.gate.frames(connection.id, Command.send).slice(this.#seen);
    const read = this.#some(frames.length);
    this.#seen += read;
    for (const frame of frames.slice(0, read)) {
      const response = sendResponse.decode(frame.data);
      const id = toHex(response.clientMsgId);
      if (response.status && errorCatalogue[errorName(response.status.code)].retry === 'never') {
        // What it refers to was recalled meanwhile. No copy of it was ever stored.
        expect(errorName(response.status.code)).toBe('TARGET_INVALID');
        expect(this.acked.get(id)?.msgId ?? 0n).toBe(0n);
        this.refused.add(id);
        this.#queue.settle(id);
      } else if (response.status) this.#queue.postpone(this.#oldestLike(id), now, response.status.retryAfterMs);
      else {
        const { convSeq, msgId } = response;
        const before = this.acked.get(id);
        // The same answer each time, however often it is asked for; what changed nothing may do so later.
        if (before && before.msgId !== 0n) expect({ convSeq, msgId }).toEqual(before);
        this.acked.set(id, { convSeq, msgId });
        this.#queue.settle(id);
      }
    }
    for (const id of this.#queue.takeDue(now)) {
      const { conversationId, kind, body } = this.written.get(id)!;
      this.#wire.push(() => connection.sendBody(conversationId, kind, body, Buffer.from(id, 'hex')));
    }
    for (const arrive of this.#wire.splice(0, this.#some(this.#wire.length))) arrive();
  }

  /** The oldest of the same conversation that is not answered: whatever is sent again begins there. */
  #oldestLike(id: string): string {
    const { conversationId } = this.written.get(id)!;
    for (const [other, sent] of this.written) {
      if (sent.conversationId === conversationId && this.#queue.has(other)) return other;
    }
    return id;
  }

  /** All, or the first few of `count`. */
  #some(count: number): number {
    return this.#random() < 0.4 ? count : Math.floor(this.#random() * (count + 1));
  }
}

async function run(seed: number): Promise<{ refused: number; unchanged: number }> {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const harness = new LogicHarness({
    config: {
      sendPerSecondPerUser: 20,
      sendBurstPerUser: 10,
      appendQueueLimit: 6,
      batchMessages: 4,
      notifyTimeoutMs: 10_000_000,
    },
  });
  const users = [1n, 2n, 3n, 4n];
  const conversations = new Map<bigint, bigint[]>(users.map((userId) => [userId, []]));
  let nextId = 100n;
  for (const a of users) {
    for (const b of users.filter((other) => other > a)) {
      const id = await harness.direct(a, b, nextId++);
      conversations.get(a)!.push(id);
      conversations.get(b)!.push(id);
    }
  }
  const groupId = nextId;
  await harness.users(users.length);
  await harness.storage.groups.create({
    creatorId: 1n,
    clientMsgId: clientMsgId(1_000_000),
    conversationId: groupId,
    msgId: 1n,
    name: 'All of them',
    avatarColor: 0,
    memberIds: [2n, 3n, 4n],
    nowMs: harness.clock.now(),
  });
  for (const each of conversations.values()) each.push(groupId);
  const clients = users.map((userId) => new ModelClient(harness, userId, random));
  for (const client of clients) await client.connect();
  let number = 0;
  for (let step = 0; step < steps; step += 1) {
    const client = pick(clients);
    const what = random();
    if (what < 0.55) {
      for (let burst = Math.floor(random() * 6); burst >= 0; burst -= 1) {
        number += 1;
        client.write(number, pick(conversations.get(client.userId)!));
      }
    } else if (what < 0.62) {
      client.disconnect();
      await client.connect();
    } else if (what < 0.72) harness.storage.hold();
    else if (what < 0.86) harness.storage.release();
    else if (what < 0.93) {
      harness.storage.failWith(new StorageError(pick(['full', 'io', 'busy'] as const), 'planned'));
    } else harness.storage.failWith(undefined);
    for (const each of clients) each.act();
    if (random() < 0.5) await harness.settle();
    if (random() < 0.5) harness.clock.advance(Math.floor(random() * 300));
  }
  harness.storage.failWith(undefined);
  harness.storage.release();
  for (let round = 0; round < 2_000 && clients.some((client) => !client.idle); round += 1) {
    for (const each of clients) each.act();
    await harness.advance(200);
  }
  expect(clients.map((client) => client.idle)).toEqual([true, true, true, true]);

  for (const conversationId of new Set([...conversations.values()].flat())) {
    const stored = await harness.storage.history({
      conversationId,
      fromSeq: 1,
      toSeq: Number.MAX_SAFE_INTEGER,
      limit: Number.MAX_SAFE_INTEGER,
      newestFirst: false,
      viewerId: 1n,
    });
    expect(stored.map((message) => message.convSeq)).toEqual(stored.map((_, index) => index + 1));
    for (const client of clients) {
      const mine = stored.filter(
        (message) => message.senderId === client.userId && message.kind !== MessageKind.notice,
      );
      const written = [...client.written].filter(([, sent]) => sent.conversationId === conversationId);
      const expected = written.map(([id]) => id).filter((id) => (client.acked.get(id)?.msgId ?? 0n) !== 0n);
      expect(mine.map((message) => toHex(message.clientMsgId))).toEqual(expected);
      for (const message of mine) {
        const { convSeq, msgId } = message;
        expect(client.acked.get(toHex(message.clientMsgId))).toEqual({ convSeq, msgId });
      }
    }
  }
  for (const client of clients) {
    const answered = new Set([...client.acked.keys(), ...client.refused]);
    expect(answered.size).toBe(client.written.size);
    for (const [id, { kind }] of client.written) {
      if (kind === MessageKind.text) expect(client.acked.get(id)?.msgId ?? 0n).not.toBe(0n);
    }
  }
  const metrics = await harness.registry.getSingleMetric('fastim_requests_refused_total')!.get();
  await harness.logic.stop();
  const unchanged = (await harness.metric('fastim_messages_unchanged_total')) ?? 0;
  return { refused: metrics.values.reduce((sum, { value }) => sum + value, 0), unchanged };
}

describe('a sender’s messages under faults', () => {
  it.each(Array.from({ length: seeds }, (_, seed) => [seed + 1]))(
    'are each stored once, in the order written, acked as stored (seed %i)',
    async (seed) => {
      const { refused, unchanged } = await run(seed);
      // A run without refusals, or in which every reaction changed something, has tried nothing.
      expect(refused).toBeGreaterThan(20);
      expect(unchanged).toBeGreaterThan(0);
    },
  );
});
