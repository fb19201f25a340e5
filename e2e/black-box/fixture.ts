import { randomBytes } from 'node:crypto';
import { connect, type FastimClient, type Message } from '@fastim/desktop/sdk';
import { test as base, expect } from '@playwright/test';
import { registerOnWire, type WirePerson } from '../cluster/wire-person.ts';
import { type SystemUnderTest, startCluster, startOneProcess } from './system.ts';

export { expect };

export interface SystemOptions {
  systemKind: 'one process' | 'cluster';
}

/** Makes users of one test; their names are their own, so tests share a system. */
export interface People {
  name(short: string): string;
  readonly password: string;
  /** A device of the user on the SDK, registered with the first one. Closed after the test. */
  device(short: string, options?: { directory?: string; profile?: string; timeoutMs?: number }): Promise<FastimClient>;
  /** A registered user with a session of his own for a client on the bare wire. */
  onWire(short: string): Promise<WirePerson>;
}

interface Fixtures {
  people: People;
}

interface WorkerFixtures {
  system: SystemUnderTest;
}

export const test = base.extend<Fixtures, WorkerFixtures & SystemOptions>({
  systemKind: ['one process', { option: true, scope: 'worker' }],
  system: [
    async ({ systemKind }, use) => {
      const system = systemKind === 'cluster' ? await startCluster() : await startOneProcess();
      try {
        await use(system);
      } finally {
        await system.stop();
      }
    },
    { scope: 'worker', timeout: 180_000 },
  ],
  people: async ({ system }, use, testInfo) => {
    const mark = randomBytes(4).toString('hex');
    const password = 'a long enough password';
    const name = (short: string) => `${short}_${mark}`;
    const clients: FastimClient[] = [];
    await use({
      name,
      password,
      async device(short, options = {}) {
        const client = await connect({
          serverUrl: system.serverUrl,
          username: name(short),
          password,
          register: { displayName: short },
          deviceName: short,
          timeoutMs: 30_000,
          ...options,
        });
        clients.push(client);
        return client;
      },
      onWire: (short) => registerOnWire(system.serverUrl, name(short), password),
    });
    await Promise.all(clients.map((client) => client.close().catch(() => undefined)));
    if (testInfo.status !== testInfo.expectedStatus) {
      await testInfo.attach('the server', { body: system.output(), contentType: 'text/plain' });
    }
  },
});

/** Every message of the conversation on this device, from old to new. */
export async function historyOf(client: FastimClient, conversationId: string): Promise<Message[]> {
  const all: Message[] = [];
  for await (const page of client.history(conversationId, { from: 'oldest', pageSize: 200 })) all.push(...page);
  return all;
}

/** Their words. */
export async function wordsOf(client: FastimClient, conversationId: string): Promise<string[]> {
  return (await historyOf(client, conversationId)).filter(({ kind }) => kind === 'text').map(({ text }) => text);
}

/** Looks again and again until it is so; says what was there last when it never is. */
export async function eventually<T>(
  look: () => Promise<T> | T,
  wanted: (value: T) => boolean,
  patienceMs = 15_000,
): Promise<T> {
  let last: T | undefined;
  const deadline = performance.now() + patienceMs;
  for (;;) {
    last = await look();
    if (wanted(last)) return last;
    if (performance.now() > deadline) throw new Error(`never so; at last: ${JSON.stringify(last)?.slice(0, 2_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A conversation of two users, and their devices. */
export async function pair(people: People, first = 'ann', second = 'bob') {
  const [ann, bob] = [await people.device(first), await people.device(second)];
  const { conversationId } = await ann.direct({ userId: bob.account.user.userId });
  // Else he hears of it with the first message.
  await bob.direct({ userId: ann.account.user.userId });
  return { ann, bob, conversationId };
}

export function hasConversation(client: FastimClient, conversationId: string): Promise<unknown> {
  return eventually(
    async () => (await client.conversations()).map((one) => one.conversationId),
    (ids) => ids.includes(conversationId),
  );
}
