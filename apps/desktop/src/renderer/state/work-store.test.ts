import { describe, expect, test } from 'vitest';
import { createTestUi, settle } from '../testing/render-ui.tsx';
import { deleteForMe, forward, lastEditable, recall, toggleReaction } from './message-actions.ts';
import { openConversation } from './open-conversation.ts';
import { mostSelected, startEdit, startReply, startSelection, toggleSelected } from './work-store.ts';

async function setUp() {
  const kit = createTestUi();
  kit.connect();
  await settle();
  await openConversation(kit.ui, '201');
  const row = (seq: number) => kit.engine.world.row('201', seq);
  const work = () => kit.ui.work.getState();
  const calls = (command: string) =>
    kit.engine.calls.filter((call) => call.command === command).map(({ params }) => params);
  return { ...kit, row, work, calls };
}

describe('a message that is being answered or changed', () => {
  test('is shown as it is now, and let go of when it is recalled', async () => {
    const { ui, engine, row, work } = await setUp();
    startReply(ui.work, row(4));
    engine.receiveEdit('201', 4, 'new words');
    expect(work().replies.get('201')?.text).toBe('new words');
    engine.receiveRecall('201', 4, '2');
    expect(work().replies.has('201')).toBe(false);
    startEdit(ui.work, row(15));
    engine.receiveRecall('201', 15, '2');
    expect(work().edits.has('201')).toBe(false);
  });

  test('waits while another conversation is open', async () => {
    const { ui, row, work } = await setUp();
    startReply(ui.work, row(4));
    await openConversation(ui, '101');
    expect(work().replies.get('201')?.convSeq).toBe(4);
  });
});

test('not more than a hundred messages are chosen at once', async () => {
  const { ui, work } = await setUp();
  startSelection(ui.work, '201', 1);
  for (let seq = 2; seq <= mostSelected + 5; seq++) toggleSelected(ui.work, seq);
  expect(work().selection?.convSeqs.size).toBe(mostSelected);
  toggleSelected(ui.work, 1);
  toggleSelected(ui.work, 500);
  expect([...work().selection!.convSeqs].slice(-1)).toEqual([500]);
});

describe('what is done with messages', () => {
  test('an emoji from the picker is put on, and taken back the second time', async () => {
    const { ui, row, calls } = await setUp();
    await toggleReaction(ui, row(5), '🚀');
    await toggleReaction(ui, row(5), '🚀');
    expect(calls('messages.react')).toMatchObject([{ on: true }, { on: false }]);
    expect(row(5).reactions).toEqual([]);
  });

  test('a refusal is said, and nothing was changed', async () => {
    const { ui, engine, row, work } = await setUp();
    engine.failing.set('messages.recall', { reason: 'TOO_LATE' });
    expect(await recall(ui, row(15))).toBe(false);
    expect(work().note).toMatchObject({ conversationId: '201', say: { kind: 'failed', reason: 'TOO_LATE' } });
  });

  test('forwarding and deleting end the selection', async () => {
    const { ui, engine, work } = await setUp();
    startSelection(ui.work, '201', 5);
    await forward(ui, '201', [5], ['101', '102']);
    expect(work()).toMatchObject({ selection: null, note: { say: { kind: 'forwarded', count: 2 } } });
    expect(engine.data.messages.get('102')?.at(-1)).toMatchObject({ forwardedFrom: { name: 'Alice Nguyen' } });
    startSelection(ui.work, '201', 5);
    await deleteForMe(ui, '201', [5]);
    expect(work().selection).toBeNull();
    expect(engine.data.messages.get('201')?.some(({ convSeq }) => convSeq === 5)).toBe(false);
  });

  test('my newest message that can still be changed is found, and none from the middle of the history', async () => {
    const { ui, time } = await setUp();
    expect(lastEditable(ui, '201')?.convSeq).toBe(15);
    time.advance(25 * 3_600_000);
    expect(lastEditable(ui, '201')).toBeUndefined();
  });
});

test('nothing of one account is left for the next', async () => {
  const { ui, engine, row, work } = await setUp();
  startReply(ui.work, row(4));
  ui.named.set('201', [{ userId: '2', name: 'Alice' }]);
  await engine.call('account.logOut', {});
  expect(work().replies.size).toBe(0);
  expect(ui.named.size).toBe(0);
});
