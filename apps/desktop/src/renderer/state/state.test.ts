import { describe, expect, test } from 'vitest';
import { createTestUi, settle } from '../testing/render-ui.tsx';
import { loadMore } from './load-messages.ts';
import { maxRows } from './message-window.ts';
import { maxOpen } from './messages-store.ts';
import { openConversation } from './open-conversation.ts';
import { sendMessage } from './send-message.ts';

async function setUp(patch: Parameters<typeof createTestUi>[0] = {}) {
  const kit = createTestUi(patch);
  kit.connect();
  await settle();
  const rows = (id: string) => kit.ui.messages.getState().open.get(id)?.window.rows ?? [];
  return { ...kit, rows };
}

test('the first answer fills everything and opens what was open before', async () => {
  const { ui, rows } = await setUp({ openConversationId: '101' });
  await settle();
  expect(ui.app.getState()).toMatchObject({ ready: true, openConversationId: '101', connection: { state: 'online' } });
  expect(ui.conversations.getState().order).toHaveLength(16);
  expect(rows('101')).toHaveLength(13);
});

describe('opening a conversation', () => {
  test('with unread messages goes to the first of them', async () => {
    const { ui } = await setUp();
    await openConversation(ui, '104');
    const entry = ui.messages.getState().open.get('104')!;
    expect(entry.start).toEqual({ at: 'unread' });
    expect(entry.window.firstUnreadSeq).toBeGreaterThan(0);
  });

  test('read to the end goes to the end, or to the saved place', async () => {
    const { ui, engine } = await setUp();
    await openConversation(ui, '101');
    expect(ui.messages.getState().open.get('101')?.start).toEqual({ at: 'end' });
    engine.positions.set('107', { order: 3, offsetPx: 17, atEnd: false });
    await openConversation(ui, '107');
    expect(ui.messages.getState().open.get('107')?.start).toEqual({ at: 'row', order: 3, offsetPx: 17 });
  });

  test('tells the engine, and keeps only the five newest in memory', async () => {
    const { ui, engine } = await setUp();
    const { order } = ui.conversations.getState();
    for (const id of order.slice(0, maxOpen + 3)) await openConversation(ui, id);
    expect([...ui.messages.getState().open.keys()]).toEqual(order.slice(3, maxOpen + 3));
    expect(engine.calls.filter((call) => call.command === 'conversations.setOpen')).toHaveLength(maxOpen + 3);
  });

  test('from memory asks for nothing', async () => {
    const { ui, engine } = await setUp();
    await openConversation(ui, '101');
    await openConversation(ui, '107');
    const before = engine.calls.filter((call) => call.command === 'messages.page').length;
    await openConversation(ui, '101');
    expect(engine.calls.filter((call) => call.command === 'messages.page')).toHaveLength(before);
  });

  test('that fails says why, and can be tried again', async () => {
    const { ui, engine, rows } = await setUp();
    engine.failing.set('messages.page', { reason: 'INTERNAL' });
    await openConversation(ui, '101');
    expect(ui.messages.getState().failed.get('101')).toBe('INTERNAL');
    engine.failing.clear();
    await openConversation(ui, null);
    await openConversation(ui, '101');
    expect(ui.messages.getState().failed.has('101')).toBe(false);
    expect(rows('101')).toHaveLength(13);
  });

  test('news that come while the first page is on its way are not lost', async () => {
    const { ui, engine, rows } = await setUp();
    const opening = openConversation(ui, '102');
    const late = { ...engine.data.messages.get('102')![0]!, key: 'e'.repeat(32), convSeq: 99, order: 99, msgId: '99' };
    engine.emit('messages', { conversationId: '102', changed: [late], removed: [] });
    await opening;
    expect(rows('102').some((row) => row.key === late.key)).toBe(true);
  });
});

test('messages of a conversation that was opened when nothing of it was here appear, with those before them', async () => {
  const { ui, engine, rows } = await setUp();
  const all = engine.data.messages.get('104')!;
  engine.emit('conversations', [
    { ...engine.data.conversations.find((one) => one.conversationId === '104')!, unread: 0 },
  ]);
  const nothing = { conversationId: '104', messages: [], hasOlder: true, hasNewer: false, firstUnreadSeq: null };
  engine.answers.set('messages.page', nothing);
  await openConversation(ui, '104');
  expect(rows('104')).toEqual([]);
  engine.answers.clear();
  await sendMessage(ui, '104', 'written offline');
  expect(rows('104').map(({ text }) => text)).toEqual(['written offline']);
  const last = all.filter(({ convSeq }) => convSeq !== null).slice(-50);
  engine.emit('messages', { conversationId: '104', changed: last, removed: [] });
  expect(rows('104')).toHaveLength(51);
  await loadMore(ui, '104', 'older');
  expect(rows('104')).toHaveLength(111);
  expect(rows('104').at(-1)?.text).toBe('written offline');
});

test('pages at the edges come one at a time and meet without a gap', async () => {
  const { ui, engine, rows } = await setUp();
  const [conversation] = engine.data.conversations.filter((one) => one.conversationId === '104');
  engine.emit('conversations', [{ ...conversation!, unread: 0 }]);
  engine.positions.set('104', { order: 500, offsetPx: 0, atEnd: false });
  await openConversation(ui, '104');
  const before = rows('104').length;
  await Promise.all([loadMore(ui, '104', 'older'), loadMore(ui, '104', 'older')]);
  expect(rows('104')).toHaveLength(before + 60);
  const orders = rows('104').map((row) => row.order);
  expect(orders).toEqual(orders.map((_, index) => orders[0]! + index));
});

describe('more was missed than one page holds', () => {
  async function missMany(atEnd: boolean) {
    const kit = await setUp();
    const { ui, engine, rows } = kit;
    await openConversation(ui, '107');
    const last = rows('107').at(-1)!;
    ui.positions.set('107', { order: last.order, offsetPx: 0, atEnd });
    const before = rows('107').length;
    const missed = Array.from({ length: 400 }, (_, index) => {
      const convSeq = last.convSeq! + 1 + index;
      return { ...last, key: convSeq.toString(16).padStart(32, '0'), convSeq, order: convSeq, msgId: String(convSeq) };
    });
    engine.data.messages.get('107')!.push(...missed);
    // As after a reconnect: the newest page is told, the rest is left to whoever looks.
    engine.emit('messages', { conversationId: '107', changed: missed.slice(-50), removed: [] });
    await settle();
    await settle();
    const orders = rows('107').map((row) => row.order);
    expect(orders).toEqual(orders.map((_, index) => orders[0]! + index));
    return { ...kit, before, last, newest: missed.at(-1)! };
  }

  test('whoever is at the end sees the newest, and the rest above it without a hole', async () => {
    const { ui, rows, newest, before } = await missMany(true);
    expect(rows('107').at(-1)?.key).toBe(newest.key);
    while (ui.messages.getState().open.get('107')!.window.hasOlder) await loadMore(ui, '107', 'older');
    expect(rows('107')).toHaveLength(before + 400);
  });

  test('whoever reads above keeps their place, and the rest comes below it without a hole', async () => {
    const { ui, rows, newest, last, before } = await missMany(false);
    expect(rows('107').some((row) => row.key === last.key)).toBe(true);
    while (ui.messages.getState().open.get('107')!.window.hasNewer) await loadMore(ui, '107', 'newer');
    expect(rows('107').at(-1)?.key).toBe(newest.key);
    expect(rows('107')).toHaveLength(before + 400);
  });
});

test('holes that a page had without a network are read anew when it is back', async () => {
  const { ui, engine, rows } = await setUp();
  const all = engine.data.messages.get('101')!;
  engine.data.messages.set(
    '101',
    all.filter((row) => row.convSeq !== all[5]!.convSeq),
  );
  engine.emit('connection', { state: 'offline', retryAtMs: 0, reason: 'network' });
  await openConversation(ui, '101');
  expect(rows('101')).toHaveLength(all.length - 1);
  engine.data.messages.set('101', all);
  engine.emit('connection', { state: 'online' });
  await settle();
  expect(rows('101')).toHaveLength(all.length);
});

test('a conversation that stands open for days does not grow without bound', async () => {
  const { ui, engine, rows, time } = await setUp();
  await openConversation(ui, '107');
  const last = rows('107').at(-1)!;
  for (let number = 1; number <= maxRows + 500; number += 1) {
    const convSeq = last.convSeq! + number;
    const row = { ...last, key: convSeq.toString(16).padStart(32, '0'), convSeq, order: convSeq };
    engine.emit('messages', { conversationId: '107', changed: [row], removed: [] });
    time.advance(1);
  }
  expect(rows('107').length).toBeLessThanOrEqual(maxRows);
  expect(rows('107').at(-1)?.convSeq).toBe(last.convSeq! + maxRows + 500);
});

test('a page that was asked for an earlier window never enters a later one of the same conversation', async () => {
  const { ui, engine, rows } = await setUp();
  const [conversation] = engine.data.conversations.filter((one) => one.conversationId === '104');
  engine.emit('conversations', [{ ...conversation!, unread: 0 }]);
  engine.positions.set('104', { order: 500, offsetPx: 0, atEnd: false });
  await openConversation(ui, '104');
  let answer = () => {};
  const call = engine.call.bind(engine);
  engine.call = (command, params) => {
    if (command !== 'messages.page') return call(command, params);
    engine.call = call;
    return new Promise((resolve, reject) => {
      answer = () => void call(command, params).then(resolve, reject);
    });
  };
  const slow = loadMore(ui, '104', 'older');
  // So many others that it is forgotten, and then opened at another place.
  for (const id of ui.conversations
    .getState()
    .order.filter((one) => one !== '104')
    .slice(0, maxOpen)) {
    await openConversation(ui, id);
  }
  expect(ui.messages.getState().open.has('104')).toBe(false);
  ui.positions.set('104', { order: 100, offsetPx: 0, atEnd: false });
  await openConversation(ui, '104');
  answer();
  await slow;
  const orders = rows('104').map((row) => row.order);
  expect(orders).toEqual(orders.map((_, index) => orders[0]! + index));
});

describe('sending', () => {
  test('shows the message at once, as being sent, and once only', async () => {
    const { ui, engine, rows } = await setUp();
    await openConversation(ui, '101');
    await sendMessage(ui, '101', 'hello');
    const mine = rows('101').filter((row) => row.text === 'hello');
    expect(mine).toMatchObject([{ status: 'sending', mine: true }]);
    engine.setStatus('101', mine[0]!.key, 'stored');
    expect(rows('101').filter((row) => row.text === 'hello')).toMatchObject([{ status: 'stored' }]);
  });

  test('from far above goes back to the newest messages', async () => {
    const { ui, rows } = await setUp();
    await openConversation(ui, '104');
    expect(ui.messages.getState().open.get('104')?.window.hasNewer).toBe(true);
    await sendMessage(ui, '104', 'hello');
    expect(rows('104').at(-1)?.text).toBe('hello');
    expect(ui.messages.getState().open.get('104')?.start).toEqual({ at: 'end' });
  });
});

test('logging out leaves nothing of the account in memory', async () => {
  const { ui, engine } = await setUp();
  await openConversation(ui, '101');
  ui.drafts.changed('101', 'secret');
  await engine.call('account.logOut', {});
  expect(ui.app.getState()).toMatchObject({ account: null, openConversationId: null });
  expect(ui.conversations.getState().byId.size).toBe(0);
  expect(ui.messages.getState().open.size).toBe(0);
  expect(ui.drafts.latest('101')).toBeUndefined();
});

test('after the bridge was lost everything is read anew and drafts are told again', async () => {
  const { ui, engine, rows } = await setUp({ openConversationId: '101' });
  await settle();
  engine.setState({ state: 'lost', retryAtMs: 0, error: new Error('gone') });
  ui.drafts.changed('101', 'typed while away');
  ui.drafts.flush();
  await settle();
  engine.data.messages
    .get('101')!
    .push({ ...rows('101')[0]!, key: 'd'.repeat(32), convSeq: 50, order: 50, text: 'missed' });
  engine.setState({ state: 'open' });
  await settle();
  await settle();
  expect(rows('101').some((row) => row.text === 'missed')).toBe(true);
  expect(engine.data.conversations.find((one) => one.conversationId === '101')?.draft).toBe('typed while away');
});

test('a notification shows its conversation', async () => {
  const { ui, engine } = await setUp();
  engine.emit('show', { conversationId: '102' });
  await settle();
  expect(ui.app.getState().openConversationId).toBe('102');
});

describe('without a network', () => {
  test('a window in which nothing was missing stays as it is when the connection is back', async () => {
    const { ui, engine } = await setUp();
    engine.emit('connection', { state: 'offline', retryAtMs: 0, reason: 'network' });
    await openConversation(ui, '101');
    const before = ui.messages.getState().open.get('101')!;
    expect(before.window.unsure).toBe(true);
    engine.emit('connection', { state: 'online' });
    await settle();
    const after = ui.messages.getState().open.get('101')!;
    expect([after.generation, after.window.unsure]).toEqual([before.generation, false]);
  });
});

test('events that are not shown leave no hole: one look at the engine, and the list stays', async () => {
  const { ui, engine, rows } = await setUp();
  await openConversation(ui, '101');
  const { generation } = ui.messages.getState().open.get('101')!;
  engine.receiveReaction('101', 4, '👍', '2');
  engine.receiveEdit('101', 5, 'other words');
  engine.receive('101', 'after the events');
  await settle();
  expect(rows('101').at(-1)?.text).toBe('Never mind, found it');
  expect(rows('101').some(({ text }) => text === 'after the events')).toBe(true);
  expect(rows('101')[3]?.reactions).toMatchObject([{ emoji: '👍', count: 1 }]);
  expect(rows('101')[4]).toMatchObject({ text: 'other words', edited: true });
  expect(ui.messages.getState().open.get('101')?.generation).toBe(generation);
});

describe('what arrives while nobody looks', () => {
  test('stands behind a divider, which stays at the first of it', async () => {
    const { ui, engine, watching } = await setUp();
    await openConversation(ui, '101');
    watching.value = false;
    const first = engine.receive('101', 'one');
    engine.receive('101', 'two');
    expect(ui.messages.getState().open.get('101')?.window.firstUnreadSeq).toBe(first.convSeq);
  });

  test('and is read later has no divider any more when more comes', async () => {
    const { ui, engine, watching } = await setUp();
    await openConversation(ui, '101');
    watching.value = false;
    const first = engine.receive('101', 'one');
    await engine.call('messages.markRead', { conversationId: '101', convSeq: first.convSeq! });
    const second = engine.receive('101', 'two');
    expect(ui.messages.getState().open.get('101')?.window.firstUnreadSeq).toBe(second.convSeq);
  });

  test('has none while somebody looks, and none for what I wrote elsewhere', async () => {
    const { ui, engine, watching } = await setUp();
    await openConversation(ui, '101');
    engine.receive('101', 'seen');
    watching.value = false;
    engine.receive('101', 'mine, from the phone', { senderId: '1', mine: true });
    expect(ui.messages.getState().open.get('101')?.window.firstUnreadSeq).toBeNull();
  });
});

test('while syncing the screen follows ten times a second, and ends where the engine is', async () => {
  const { ui, engine, rows, time } = await setUp();
  await openConversation(ui, '101');
  engine.emit('connection', { state: 'syncing' });
  let changes = 0;
  const stop = ui.messages.subscribe(() => changes++);
  for (let number = 1; number <= 500; number++) engine.receive('101', `missed ${number}`);
  expect(changes).toBe(0);
  time.advance(100);
  expect(changes).toBeLessThanOrEqual(2);
  expect(rows('101').filter(({ text }) => text.startsWith('missed'))).toHaveLength(500);
  engine.receive('101', 'the last one');
  // The connection is told after it: nothing is left behind.
  engine.emit('connection', { state: 'online' });
  expect(rows('101').some(({ text }) => text === 'the last one')).toBe(true);
  stop();
});
