import type { FastimClient, Message } from '@fastim/desktop/sdk';
import { redisCommand } from '../../cluster/redis-command.ts';
import { askForGate } from '../../cluster/wire-person.ts';
import { eventually, expect, pair, test, wordsOf } from '../fixture.ts';
import type { SystemUnderTest } from '../system.ts';

const clusterOf = (system: SystemUnderTest) => system.cluster!.cluster;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Writes from both sides every 50 ms; `stop` resolves with everything that was acknowledged, in the order of the places. */
function keepTalking(clients: readonly FastimClient[], conversationId: string) {
  const sends: Array<Promise<Message>> = [];
  const timer = setInterval(() => {
    for (const [index, client] of clients.entries()) {
      sends.push(client.send(conversationId, `${index}-${sends.length}`));
    }
  }, 50);
  let acked = 0;
  return {
    get sent() {
      return sends.length;
    },
    async acked() {
      acked = 0;
      for (const send of sends) send.then(() => (acked += 1)).catch(() => undefined);
      await sleep(0);
      return acked;
    },
    async stop(): Promise<string[]> {
      clearInterval(timer);
      const all = await Promise.all(sends);
      return all.toSorted((left, right) => left.convSeq! - right.convSeq!).map(({ text }) => text);
    },
  };
}

async function expectAll(clients: readonly FastimClient[], conversationId: string, words: readonly string[]) {
  expect(new Set(words).size).toBe(words.length);
  for (const client of clients) {
    await eventually(
      async () => (await wordsOf(client, conversationId)).join(),
      (seen) => seen === words.join(),
      30_000,
    );
  }
}

test('Redis down: the chat goes on, a log-in waits and comes through when Redis is back, nothing is lost', async ({
  people,
  system,
}) => {
  const { ann, bob, conversationId } = await pair(people);
  await ann.send(conversationId, 'first');
  await bob.send(conversationId, 'second');
  const talk = keepTalking([ann, bob], conversationId);
  await sleep(500);
  await clusterOf(system).signal('redis', 'SIGKILL');
  const before = await talk.acked();
  await sleep(4_000);
  const during = (await talk.acked()) - before;
  // Both sides write 20 a second each.
  expect(during).toBeGreaterThan(40);
  let entered = false;
  const late = people.device('bob', { timeoutMs: 60_000 }).then((client) => {
    entered = true;
    return client;
  });
  await sleep(3_000);
  expect(entered).toBe(false);
  await clusterOf(system).start('redis');
  const third = await late;
  const words = ['first', 'second', ...(await talk.stop())];
  await expectAll([ann, bob, third], conversationId, words);
});

test('Redis flushed while everything runs: within 15 s all gates are offered and new devices hear everything', async ({
  people,
  system,
}) => {
  const { ann, bob, conversationId } = await pair(people);
  const { accessToken } = await people.onWire('cleo');
  const talk = keepTalking([ann, bob], conversationId);
  await sleep(300);
  expect(await redisCommand(clusterOf(system).member('redis').addresses.url!, 'FLUSHALL')).toBe('+OK');
  const flushed = performance.now();
  const seen = new Set<string>();
  await eventually(
    async () => {
      // An answer has up to three gates, the best first.
      const gate = await askForGate(system.serverUrl, accessToken).catch(() => undefined);
      if (gate) seen.add(gate.gateId);
      return seen.size;
    },
    (count) => count === 3,
    20_000,
  );
  expect(performance.now() - flushed).toBeLessThan(15_000);
  const late = await people.device('bob');
  const heard = new Promise<void>((resolve) => {
    late.on('messages', ({ changed }) => {
      if (changed.some(({ mine }) => !mine)) resolve();
    });
  });
  await heard;
  const words = await talk.stop();
  await expectAll([ann, bob, late], conversationId, words);
});

test('PostgreSQL down: nothing is acknowledged, everything stays on its way, and all of it arrives in order after', async ({
  people,
  system,
}) => {
  const { ann, bob, conversationId } = await pair(people);
  await ann.send(conversationId, 'before');
  await clusterOf(system).signal('postgres', 'SIGKILL');
  let acked = 0;
  const sends = Array.from({ length: 10 }, (_, index) => {
    const send = ann.send(conversationId, `meanwhile ${index}`);
    void send.then(() => {
      acked += 1;
    });
    return send;
  });
  await sleep(4_000);
  expect(acked).toBe(0);
  const waiting = (await ann.conversations()).find((one) => one.conversationId === conversationId);
  expect(waiting?.unsent).toBe(10);
  await clusterOf(system).start('postgres');
  await Promise.all(sends);
  await expectAll([ann, bob], conversationId, ['before', ...sends.map((_, index) => `meanwhile ${index}`)]);
});
