/**
 * Two people, their conversation and a group with some history, for `npm start -- --demo`. It does what two users would do, through
 * the app's own bridge. Run again on the same folder it changes nothing.
 *
 * Arguments: bridge port, server URL, folder for the passwords. The token comes in FASTIM_DEMO_TOKEN.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BridgeClient, connectBridge } from '../apps/desktop/src/bridge/bridge-client.ts';
import type { MessageView } from '../apps/desktop/src/bridge/contract.ts';
import { openWebSocketPort } from '../apps/desktop/src/bridge/websocket-port.ts';

type Name = 'alice' | 'bob';
const displayNames: Record<Name, string> = { alice: 'Alice', bob: 'Bob' };

const history: ReadonlyArray<readonly [from: Name, text: string]> = [
  ['alice', 'Hi Bob, did you get home all right?'],
  ['bob', 'Yes, just in time before the rain 🌧️'],
  ['alice', '太好了！周末一起去爬山吗？'],
  ['bob', 'Saturday works. 我带水果，你带相机 📷'],
  ['alice', 'Deal. Meet at the station at 8:30?'],
  ['bob', '8:30 it is. Here is the route: https://example.org/route'],
  ['alice', 'Looks steep, but I am in.'],
];

const groupName = '周末爬山 Weekend hike';
/** `replyTo` is the place in this list of the message answered. */
const groupHistory: ReadonlyArray<{ readonly from: Name; readonly text: string; readonly replyTo?: number }> = [
  { from: 'alice', text: 'Plan for Saturday:\n- **8:30** at the station\n- back by six' },
  { from: 'bob', text: '👍 我看了天气，晴天 ☀️' },
  { from: 'bob', text: 'Shall I bring the big thermos?', replyTo: 0 },
  { from: 'alice', text: 'Yes please! `tea > coffee`', replyTo: 2 },
];

const STEP_DEADLINE_MS = 20_000;

async function openApp(port: string, profile: Name, token: string): Promise<BridgeClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/bridge?profile=${profile}`);
  const opened = await openWebSocketPort(socket, token);
  return connectBridge(opened.port);
}

/** Sends and waits until the server has it, so that the next one comes after it. */
function sendStored(
  app: BridgeClient,
  params: { conversationId: string; text: string; replyTo?: number },
): Promise<MessageView> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('a message was not stored in time')), STEP_DEADLINE_MS);
    const stored = new Map<string, MessageView>();
    let key = '';
    const check = () => {
      const message = stored.get(key);
      if (!message) return;
      clearTimeout(timer);
      unsubscribe();
      resolve(message);
    };
    const unsubscribe = app.on('messages', ({ changed }) => {
      for (const message of changed) if (isStored(message)) stored.set(message.key, message);
      check();
    });
    app.call('messages.send', params).then((message) => {
      key = message.key;
      check();
    }, reject);
  });
}

function isStored(message: MessageView): boolean {
  return message.convSeq !== null;
}

async function makeGroup(apps: Record<Name, BridgeClient>, bobId: string): Promise<void> {
  const { conversationId } = await apps.alice.call('groups.create', {
    name: groupName,
    avatarColor: 5,
    userIds: [bobId],
  });
  await appears(apps.bob, conversationId);
  const seqs: number[] = [];
  for (const { from, text, replyTo } of groupHistory) {
    const answered = replyTo === undefined ? undefined : seqs[replyTo];
    if (answered !== undefined) await arrives(apps[from], conversationId, answered);
    const params = { conversationId, text, ...(answered !== undefined && { replyTo: answered }) };
    const stored = await sendStored(apps[from], params);
    seqs.push(stored.convSeq ?? 0);
  }
  await arrives(apps.bob, conversationId, seqs[0] ?? 0);
  await apps.bob.call('messages.react', { conversationId, convSeq: seqs[0] ?? 0, emoji: '🎉', on: true });
}

/** Waits until a conversation is in the app's list. */
function appears(app: BridgeClient, conversationId: string): Promise<void> {
  return until(app, 'conversations', 'the group', async () => {
    const list = await app.call('conversations.list', {});
    return list.some((conversation) => conversation.conversationId === conversationId);
  });
}

/** Waits until a message of somebody else is on the app's device: only then can it be answered or reacted to. */
function arrives(app: BridgeClient, conversationId: string, convSeq: number): Promise<void> {
  return until(app, 'messages', 'a message', async () => {
    const anchor = { at: 'newest' } as const;
    const { messages } = await app.call('messages.page', { conversationId, anchor, limit: 50 });
    return messages.some((message) => message.convSeq === convSeq);
  });
}

/** Asks now, and again with each event, until the answer is yes. */
async function until(
  app: BridgeClient,
  event: 'conversations' | 'messages',
  what: string,
  isSo: () => Promise<boolean>,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`${what} did not appear in time`)), STEP_DEADLINE_MS);
  const look = () => void isSo().then((yes) => yes && resolve(), reject);
  const unsubscribe = app.on(event, look);
  look();
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    unsubscribe();
  }
}

async function main(): Promise<void> {
  const [port = '', serverUrl = '', folder = ''] = process.argv.slice(2);
  const token = process.env.FASTIM_DEMO_TOKEN ?? '';
  const apps: Record<Name, BridgeClient> = {
    alice: await openApp(port, 'alice', token),
    bob: await openApp(port, 'bob', token),
  };
  // The passwords are needed only to log in again after a log-out; nobody else knows them.
  const file = join(folder, 'demo-passwords.json');
  const passwords: Record<Name, string> = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { alice: randomBytes(12).toString('base64url'), bob: randomBytes(12).toString('base64url') };
  writeFileSync(file, `${JSON.stringify(passwords, null, 2)}\n`, { mode: 0o600 });

  const userIds: Partial<Record<Name, string>> = {};
  let registered = false;
  for (const name of ['alice', 'bob'] as const) {
    const app = apps[name];
    let { account } = await app.call('app.open', {});
    if (!account) {
      const login = { serverUrl, username: name, password: passwords[name] };
      try {
        account = await app.call('account.register', { ...login, displayName: displayNames[name] });
        registered = true;
      } catch {
        // The name exists from an earlier run of the demo, logged out since.
        account = await app.call('account.logIn', login);
      }
    }
    userIds[name] = account.user.userId;
  }
  if (registered) {
    const { conversationId } = await apps.alice.call('conversations.openDirect', { userId: userIds.bob ?? '' });
    await apps.bob.call('conversations.openDirect', { userId: userIds.alice ?? '' });
    for (const [from, text] of history) await sendStored(apps[from], { conversationId, text });
    await makeGroup(apps, userIds.bob ?? '');
  }
  for (const app of Object.values(apps)) app.close();
}

try {
  await main();
} catch (error) {
  console.error(`FastIM: the demo could not be set up: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
