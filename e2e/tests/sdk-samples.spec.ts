/** The programs of docs/samples against a real server, on the built product as a developer runs them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type FastimClient, type Message } from '@fastim/desktop/sdk';
import { ProductProcess } from '../fixtures/child-process.ts';
import { cleanEnvironment, node, projectRoot } from '../fixtures/paths.ts';
import { TestServer } from '../fixtures/server.ts';
import { expect, test } from '../fixtures/test.ts';

const password = 'a long password';
const sample = (name: string) => join(projectRoot, 'docs/samples', name);

let server: TestServer;
let directory: string;
let cleanups: Array<() => Promise<void>>;

test.beforeEach(async () => {
  server = await TestServer.start();
  directory = mkdtempSync(join(tmpdir(), 'fastim-samples-'));
  cleanups = [];
});

test.afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  await server.remove();
  rmSync(directory, { recursive: true, force: true });
});

test('the two users of the sample chat, edit, react, make a group, and print what both have', async () => {
  const child = spawn(node, [sample('two-users.ts'), server.url, 'alice', 'bob', password], {
    env: cleanEnvironment(),
  });
  const { code, text } = await endOf(child);
  expect(text).toContain('bob sees: 👍×1');
  expect([code, text.split('--- what')[0]?.trim().split('\n')]).toEqual([
    0,
    [
      'alice hears: Yes! At eight? (to: 明天一起爬山吗？)',
      'bob sees: 👍×1',
      'alice sees: Yes! At nine? (edited)',
      'bob is in "Hikers 登山" and was mentioned: true',
    ],
  ]);
  const [alices, bobs] = text.split(/--- what \w+ has\n/).slice(1);
  expect(alices).toBe('alice: 明天一起爬山吗？\nbob: Yes! At nine?\n* alice (notice)\nalice: @bob welcome\n');
  expect(bobs).toBe(alices);
});

test('the echo bot answers each message once, though it is killed in the middle', async () => {
  const startBot = async () => {
    const args = [sample('echo-bot.ts'), server.url, 'echo', password, directory];
    const bot = new ProductProcess('echo-bot', node, args, cleanEnvironment(), /^echo-bot ready/);
    cleanups.push(() => bot.kill());
    await bot.ready;
    return bot;
  };
  const bot = await startBot();
  const carol = await connect({ serverUrl: server.url, username: 'carol', password, register: true });
  cleanups.push(() => carol.close());
  const direct = await carol.direct('echo');

  const first = answersTo(carol, 1);
  await carol.send(direct, 'hello 你好');
  expect((await first).map(({ text, reply }) => [text, reply?.text])).toEqual([['hello 你好', 'hello 你好']]);

  const words = Array.from({ length: 20 }, (_, number) => `number ${number}`);
  const some = answersTo(carol, 4);
  const sends = words.map((text) => carol.send(direct, text));
  await some;
  await bot.kill();
  const sent = await Promise.all(sends);

  const again = await startBot();
  await expect
    .poll(async () => (await answersIn(carol, direct.conversationId)).length, { timeout: 30_000 })
    .toBeGreaterThan(words.length);
  // Whatever would come twice has to have come by then: the bot is done with all of them when it has read the last.
  await expect.poll(async () => (await carol.conversations())[0]?.peerReadSeq).toBe(sent.at(-1)?.convSeq);
  expect(await answersIn(carol, direct.conversationId)).toEqual(['hello 你好', ...words]);
  await again.stop();
  expect(await again.exited).toBe(0);
});

/** The next messages of others. */
function answersTo(client: FastimClient, count: number): Promise<Message[]> {
  const answers: Message[] = [];
  return new Promise((resolve) => {
    const stop = client.on('message', async (message) => {
      answers.push(message);
      await client.markRead(message);
      if (answers.length < count) return;
      stop();
      resolve(answers);
    });
  });
}

async function answersIn(client: FastimClient, conversationId: string): Promise<string[]> {
  const answers: string[] = [];
  for await (const page of client.history(conversationId, { from: 'oldest' })) {
    answers.push(...page.filter(({ mine }) => !mine).map(({ text }) => text));
  }
  return answers;
}

async function endOf(child: ChildProcess): Promise<{ code: number | null; text: string }> {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, text: text + errors };
}
