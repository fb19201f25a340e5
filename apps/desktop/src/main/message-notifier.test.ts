import { ManualClock } from '@fastim/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  createRecordingClient,
  type RecordingClient,
  sampleAccount,
  sampleApp,
  sampleConversation,
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
  const watch = watchConversations(client);
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
    ...{ key: `${convSeq}`.padStart(32, '0'), conversationId, msgId: '1', convSeq, senderId: '7', mine: false },
    ...{ kind: 'text', text, timeMs: 0, status: 'stored', failure: null, order: convSeq },
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

  it('end with no timer and no subscription of theirs left', () => {
    const before = client.subscriptions;
    say('41', 4);
    end();
    expect(client.subscriptions).toBe(before - 3);
    expect(clock.pendingTimers).toBe(0);
  });
});
