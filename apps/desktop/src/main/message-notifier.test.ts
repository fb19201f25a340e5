import { ManualClock } from '@fastim/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  createRecordingClient,
  type RecordingClient,
  sampleAccount,
  sampleApp,
  sampleConversation,
  sampleMessage,
} from '../bridge/testing/recording-client.ts';
import type { ConversationView, MessageView } from '../engine/views.ts';
import { watchConversations } from './conversation-watch.ts';
import { notifyOfMessages } from './message-notifier.ts';
import { wordsFor } from './words.ts';

let client: RecordingClient;
let clock: ManualClock;
let shown: [key: string, title: string, body: string][];
let dismissed: string[];
let clicks: (() => void)[];
let opened: (string | null)[];
let attention: number;
let watching: boolean;
let hidden: boolean;
let end: () => void;

beforeEach(async () => {
  client = createRecordingClient();
  clock = new ManualClock();
  [shown, dismissed, clicks, opened, attention, watching, hidden] = [[], [], [], [], 0, false, false];
  client.behave('app', () => ({ ...sampleApp, account: sampleAccount }));
  client.behave('listConversations', () => [
    conversation('41', { title: 'Bob' }),
    conversation('42', { title: 'Ann' }),
  ]);
  const watch = watchConversations(client, clock);
  await watch.start();
  end = notifyOfMessages({
    client,
    watch,
    clock,
    words: () => wordsFor('en', 'en'),
    centre: {
      show: (key, { title, body }, onClick) => {
        shown.push([key, title, body]);
        clicks.push(onClick);
      },
      dismiss: (key) => dismissed.push(key),
    },
    isWatching: () => watching,
    hidesContent: () => hidden,
    onOpen: (conversationId) => opened.push(conversationId),
    onAttention: () => {
      attention += 1;
    },
  });
  client.emit('connection', { state: 'online' });
});

function conversation(conversationId: string, fields: Partial<ConversationView> = {}): ConversationView {
  return { ...sampleConversation, conversationId, headSeq: 3, readSeq: 3, ...fields };
}

function say(conversationId: string, convSeq: number, text = 'hi', fields: Partial<MessageView> = {}): void {
  const message: MessageView = {
    ...sampleMessage,
    ...{ key: `${convSeq}`.padStart(32, '0'), conversationId, msgId: '1', convSeq, senderId: '7', mine: false },
    ...{ senderName: 'Bob', text, status: 'stored', order: convSeq },
    ...fields,
  };
  client.emit('messages', { conversationId, changed: [message], removed: [] });
}

const pass = () => clock.advance(1000);

describe('notifications of messages', () => {
  it('tell who and what, draw attention, and lead to the conversation', () => {
    say('41', 4, 'Are you there?');
    pass();
    expect(shown).toEqual([['41', 'Bob', 'Are you there?']]);
    expect(attention).toBe(1);
    clicks[0]?.();
    expect(opened).toEqual(['41']);
  });

  it('a burst is one, with the newest message', () => {
    for (const seq of [4, 5, 6]) say('41', seq, `message ${seq}`);
    pass();
    expect(shown).toEqual([['41', 'Bob', 'message 6']]);
  });

  it('none while the window is looked at', () => {
    watching = true;
    say('41', 4);
    pass();
    expect(shown).toEqual([]);
    expect(attention).toBe(0);
  });

  it('none for my own, unstored, known, read or repeated messages', () => {
    say('41', 4, 'mine', { mine: true });
    say('41', 4, 'unstored', { convSeq: null });
    say('41', 3, 'known when the app started');
    client.emit('conversations', [conversation('41', { readSeq: 9, headSeq: 9 })]);
    say('41', 8, 'read on another device');
    pass();
    expect(shown).toEqual([]);
    say('41', 10);
    pass();
    say('41', 10, 'the same, its status changed');
    pass();
    expect(shown).toHaveLength(1);
  });

  it('none for what was read before the burst ended', () => {
    say('41', 4);
    client.emit('conversations', [conversation('41', { readSeq: 4, headSeq: 4 })]);
    pass();
    expect(shown).toEqual([]);
  });

  it('go when the conversation is read, here or elsewhere', () => {
    say('41', 4);
    pass();
    client.emit('conversations', [conversation('41', { readSeq: 4, headSeq: 4, unread: 0 })]);
    expect(dismissed).toContain('41');
  });

  it('what came while away is told once, when the client has caught up', () => {
    client.emit('connection', { state: 'syncing' });
    say('41', 4);
    say('42', 4, 'ho');
    clock.advance(60_000);
    expect(shown).toEqual([]);
    client.emit('connection', { state: 'online' });
    pass();
    expect(shown).toEqual([
      ['41', 'Bob', 'hi'],
      ['42', 'Ann', 'ho'],
    ]);
  });

  it('many conversations at once are one line', () => {
    for (const id of ['51', '52', '53', '54']) {
      client.emit('conversations', [conversation(id, { readSeq: 0, headSeq: 2 })]);
      say(id, 1);
      say(id, 2);
    }
    pass();
    expect(shown).toEqual([['summary', 'FastIM', '8 new messages in 4 conversations']]);
    clicks[0]?.();
    expect(opened).toEqual([null]);
  });

  it('the history that comes with a login is old news; what follows is not', () => {
    client.emit('connection', { state: 'idle' });
    client.emit('account', null);
    client.emit('account', sampleAccount);
    client.emit('connection', { state: 'syncing' });
    client.emit('conversations', [conversation('61', { title: 'Cy', readSeq: 0, headSeq: 5 })]);
    for (const seq of [1, 2, 3, 4, 5]) say('61', seq);
    client.emit('connection', { state: 'online' });
    pass();
    expect(shown).toEqual([]);
    say('61', 6, 'new');
    pass();
    expect(shown).toEqual([['61', 'Cy', 'new']]);
  });

  it('hide who and what when asked to', () => {
    hidden = true;
    say('41', 4, 'secret');
    pass();
    expect(shown).toEqual([['41', 'FastIM', 'New message']]);
  });

  it('show plain, short text, whatever the message', () => {
    say('41', 4, `<b>a</b>\u202e\n\0b ${'😀'.repeat(5000)}`);
    pass();
    const body = shown[0]?.[2] ?? '';
    expect(body).toMatch(/^<b>a<\/b> b 😀+…$/u);
    expect([...body].length).toBeLessThanOrEqual(161);
    say('42', 4, 'x', { kind: 'unsupported' });
    pass();
    expect(shown[1]).toEqual(['42', 'Ann', 'New message']);
  });

  it('name the sender in a group', () => {
    client.emit('conversations', [conversation('71', { kind: 'group', title: 'Hikers' })]);
    say('71', 4, 'on my way');
    pass();
    expect(shown).toEqual([['71', 'Hikers', 'Bob: on my way']]);
  });

  it('none for what was done to a group', () => {
    client.emit('conversations', [conversation('71', { kind: 'group' })]);
    say('71', 4, '', { kind: 'notice' });
    pass();
    expect(shown).toEqual([]);
    expect(attention).toBe(0);
  });

  it('none from a muted conversation until the mute ends, but for a mention', () => {
    client.emit('conversations', [conversation('41', { title: 'Bob', silentUntilMs: clock.now() + 60_000 })]);
    say('41', 4, 'psst');
    pass();
    expect([shown, attention]).toEqual([[], 0]);
    say('41', 5, '@me look', { mentionsMe: true });
    pass();
    expect(shown).toEqual([['41', 'Bob', '@me look']]);
    clock.advance(60_000);
    say('41', 6, 'audible');
    pass();
    expect(shown.at(-1)).toEqual(['41', 'Bob', 'audible']);
  });

  it('none from what is archived, mention or not', () => {
    client.emit('conversations', [conversation('41', { archived: true })]);
    say('41', 4, 'psst');
    say('41', 5, '@me', { mentionsMe: true });
    pass();
    expect(shown).toEqual([]);
  });

  it('go when their message is recalled, and are not shown for one that was recalled in time', () => {
    const recalled = { by: { userId: '7', name: 'Bob' }, mine: false, again: null, againUntilMs: 0 };
    say('41', 4, 'first');
    say('41', 5, 'oops');
    say('41', 5, '', { recalled });
    pass();
    expect(shown).toEqual([['41', 'Bob', 'first']]);
    say('41', 3, '', { recalled });
    expect(dismissed).toEqual([]);
    say('41', 4, '', { recalled });
    expect(dismissed).toEqual(['41']);
    say('41', 6, '', { recalled });
    pass();
    expect(shown).toHaveLength(1);
  });

  it('have the newest words of what was edited meanwhile', () => {
    say('41', 4, 'helo');
    say('41', 4, 'hello', { edited: true });
    pass();
    expect(shown).toEqual([['41', 'Bob', 'hello']]);
    say('41', 4, 'hello!', { edited: true });
    pass();
    expect(shown).toHaveLength(1);
  });

  it('end with no timer and no subscription of theirs left', () => {
    const before = client.subscriptions;
    say('41', 4);
    end();
    expect(client.subscriptions).toBe(before - 3);
    expect(clock.pendingTimers).toBe(0);
  });
});
