import { describe, expect, test } from 'vitest';
import { createTestUi, settle } from '../testing/render-ui.tsx';
import { jumpBack, jumpTo, jumpToDate, jumpToMention } from './jump.ts';
import { openConversation } from './open-conversation.ts';

async function setUp(openId = '104') {
  const kit = createTestUi();
  kit.connect();
  await settle();
  const { engine, ui } = kit;
  engine.data.conversations = engine.data.conversations.map((one) =>
    one.conversationId === '104' ? { ...one, unread: 0, readSeq: 900 } : one,
  );
  engine.emit('conversations', engine.data.conversations);
  await openConversation(ui, openId);
  const open = () => ui.messages.getState().open.get(openId)!;
  const pages = () => engine.calls.filter(({ command }) => command === 'messages.page').length;
  return { ...kit, open, pages };
}

describe('a jump to a message', () => {
  test('that is in memory asks for nothing', async () => {
    const { ui, pages, open } = await setUp();
    const before = pages();
    await jumpTo(ui, '104', 880, { remember: true });
    expect(pages()).toBe(before);
    expect(ui.work.getState().jump).toMatchObject({ order: 880 });
    expect(open().start).toEqual({ at: 'end' });
  });

  test('far away loads a window round it in one step, and a button leads back', async () => {
    const { ui, pages, open } = await setUp();
    ui.positions.set('104', { order: 900, offsetPx: 4, atEnd: true });
    const before = pages();
    await jumpTo(ui, '104', 100, { remember: true });
    expect(pages()).toBe(before + 1);
    expect(open().start).toEqual({ at: 'target', order: 100 });
    expect(open().window.rows.some(({ order }) => order === 100)).toBe(true);
    // Another jump from there: back still leads to where it all began.
    ui.positions.set('104', { order: 100, offsetPx: 0, atEnd: false });
    await jumpTo(ui, '104', 400, { remember: true });
    await jumpBack(ui);
    expect(open().start).toEqual({ at: 'end' });
    expect(open().window.rows.at(-1)?.order).toBe(900);
    expect(ui.work.getState().back).toBeNull();
  });

  test('that is not there any more says so', async () => {
    const { ui, engine } = await setUp();
    await engine.call('messages.deleteForMe', { conversationId: '104', convSeqs: [100] });
    await jumpTo(ui, '104', 100, { remember: false });
    expect(ui.work.getState()).toMatchObject({ jump: null, note: { say: { kind: 'gone' } } });
  });
});

test('a jump to a day begins with its first message', async () => {
  const { ui, engine, open } = await setUp();
  const day = new Date(engine.data.messages.get('104')![300]!.timeMs);
  const start = new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
  await jumpToDate(ui, '104', start);
  expect(open().start).toEqual({ at: 'time', timeMs: start });
  const first = open().window.rows.find(({ timeMs }) => timeMs >= start)!;
  expect(engine.data.messages.get('104')!.filter(({ timeMs }) => timeMs >= start)[0]!.key).toBe(first.key);
});

test('the @ button goes from mention to mention, beyond what is in memory, and round again', async () => {
  const { ui, engine } = await setUp();
  for (const seq of [250, 700]) engine.world.changeRow('104', engine.world.row('104', seq).key, { mentionsMe: true });
  engine.world.change('104', { readSeq: 100, unread: 500, mentioned: true });
  const shown: (number | undefined)[] = [];
  for (let press = 0; press < 3; press++) {
    await jumpToMention(ui, '104');
    shown.push(ui.work.getState().jump?.order);
  }
  expect(shown).toEqual([250, 700, 250]);
});

test('another conversation ends the jumps, and what was being chosen', async () => {
  const { ui } = await setUp();
  ui.positions.set('104', { order: 900, offsetPx: 4, atEnd: true });
  await jumpTo(ui, '104', 100, { remember: true });
  ui.work.setState({ selection: { conversationId: '104', convSeqs: new Set([1]) }, searching: '104' });
  await openConversation(ui, '101');
  expect(ui.work.getState()).toMatchObject({ back: null, jump: null, selection: null, searching: null });
});
