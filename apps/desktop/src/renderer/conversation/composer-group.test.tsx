// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ConversationView } from '../../bridge/contract.ts';
import type { Language } from '../i18n/language.ts';
import { openConversation } from '../state/open-conversation.ts';
import { useConversation } from '../state/ui-context.tsx';
import { endEdit, startEdit, startReply } from '../state/work-store.ts';
import { testIds } from '../test-ids.ts';
import { createTestUi, renderUi, settle } from '../testing/render-ui.tsx';
import { Composer } from './composer.tsx';

let kit: ReturnType<typeof createTestUi>;

beforeEach(async () => {
  kit = createTestUi();
  kit.connect();
  await settle();
  await openConversation(kit.ui, '201');
});

afterEach(cleanup);

function Live({ id }: { id: string }) {
  const conversation = useConversation(id);
  return conversation ? <Composer key={id} conversation={conversation} /> : null;
}

function draw(id = '201', language: Language = 'en') {
  renderUi(kit.ui, <Live id={id} />, language);
}

const input = () => screen.getByTestId<HTMLTextAreaElement>(testIds.composerInput);
const calls = (command: string) =>
  kit.engine.calls.filter((call) => call.command === command).map(({ params }) => params as Record<string, unknown>);
const row = (seq: number) => kit.engine.world.row('201', seq);

async function type(text: string): Promise<void> {
  await act(async () => {
    input().value = text;
    input().setSelectionRange(text.length, text.length);
    fireEvent.input(input());
  });
}

async function press(key: string, more: Record<string, unknown> = {}): Promise<boolean> {
  let went = true;
  await act(async () => {
    went = fireEvent.keyDown(input(), { key, ...more });
  });
  return went;
}

/** The list is asked for after a pause. */
async function pause(ms = 120): Promise<void> {
  await act(async () => kit.time.advance(ms));
  await act(settle);
}

const options = () => screen.queryAllByTestId(testIds.mentionOption).map((one) => one.dataset.userId);

describe('an answer', () => {
  test('shows what it answers and carries it; then the bar is gone', async () => {
    draw();
    act(() => startReply(kit.ui.work, row(4)));
    expect(screen.getByTestId(testIds.replyBar).textContent).toContain('Replying to Alice Nguyen');
    expect(screen.getByTestId(testIds.replyBar).textContent).toContain('Agenda for Thursday:');
    await type('agreed');
    await press('Enter');
    expect(calls('messages.send')).toMatchObject([{ text: 'agreed', replyTo: 4 }]);
    expect(screen.queryByTestId(testIds.replyBar)).toBeNull();
  });

  test('is taken back with Escape, which then goes no further', async () => {
    draw();
    act(() => startReply(kit.ui.work, row(4)));
    expect(await press('Escape')).toBe(false);
    expect(screen.queryByTestId(testIds.replyBar)).toBeNull();
    expect(await press('Escape')).toBe(true);
  });

  test('that could not be queued answers the same message again', async () => {
    draw();
    act(() => startReply(kit.ui.work, row(4)));
    kit.engine.failing.set('messages.send', { reason: 'STORAGE_FULL' });
    await type('agreed');
    await press('Enter');
    await act(settle);
    expect(input().value).toBe('agreed');
    expect(screen.getByTestId(testIds.replyBar)).toBeTruthy();
  });
});

describe('changing a message', () => {
  test('↑ in an empty box opens my last one; Enter saves it, and the draft was never touched', async () => {
    draw();
    await type('');
    await press('ArrowUp');
    expect(screen.getByTestId(testIds.editBar)).toBeTruthy();
    expect(input().value).toBe('And the migration took 40 s.');
    await type('And the migration took 41 s.');
    await press('Enter');
    await act(settle);
    expect(calls('messages.edit')).toEqual([
      { conversationId: '201', convSeq: 15, text: 'And the migration took 41 s.' },
    ]);
    expect(calls('messages.send')).toEqual([]);
    expect([input().value, screen.queryByTestId(testIds.editBar)]).toEqual(['', null]);
  });

  test('leaves my own draft as it was, also when it is called off', async () => {
    draw();
    await type('half a thought');
    act(() => startEdit(kit.ui.work, row(15)));
    await type('something else');
    await press('Escape');
    expect(input().value).toBe('half a thought');
    kit.time.advance(300);
    expect(calls('drafts.set')).toEqual([{ conversationId: '201', text: 'half a thought' }]);
  });

  test('↑ in a box with words, and while an input method composes, is an arrow', async () => {
    draw();
    await type('words');
    await press('ArrowUp');
    await type('');
    await press('ArrowUp', { isComposing: true });
    expect(screen.queryByTestId(testIds.editBar)).toBeNull();
  });

  test('that is refused says why and keeps the words', async () => {
    draw();
    kit.engine.failing.set('messages.edit', { reason: 'TOO_LATE' });
    act(() => startEdit(kit.ui.work, row(15)));
    await type('other');
    await press('Enter');
    await act(settle);
    expect(input().value).toBe('other');
    expect(screen.getByRole('alert').textContent).toBe('The change could not be saved: It is too late for this.');
  });

  test('waits, as far as it got, while another conversation is open', async () => {
    draw();
    await type('my draft');
    act(() => startEdit(kit.ui.work, row(15)));
    await type('changed so far');
    cleanup();
    draw();
    expect(input().value).toBe('changed so far');
    act(() => endEdit(kit.ui.work, '201'));
    expect(input().value).toBe('my draft');
  });

  test('without a change asks for nothing, and ends when the message is recalled', async () => {
    draw();
    act(() => startEdit(kit.ui.work, row(15)));
    await press('Enter');
    expect(calls('messages.edit')).toEqual([]);
    expect(screen.queryByTestId(testIds.editBar)).toBeNull();
    act(() => startEdit(kit.ui.work, row(15)));
    act(() => kit.engine.receiveRecall('201', 15, '2'));
    expect([input().value, screen.queryByTestId(testIds.editBar)]).toEqual(['', null]);
  });
});

describe('a mention', () => {
  test('is chosen from a list with the keys, stands as one unit, and is sent by its id', async () => {
    draw();
    await type('hello @');
    await pause(0);
    expect(options()).toContain('all');
    await type('hello @brun');
    await pause();
    expect(options()).toEqual(['4']);
    await press('Enter');
    expect(input().value).toBe('hello @Bruno Keller ');
    expect(options()).toEqual([]);
    await press('Enter');
    expect(calls('messages.send')).toMatchObject([{ text: 'hello @Bruno Keller', mentions: ['4'] }]);
  });

  test('comes after a Chinese character too, but not in an address', async () => {
    draw();
    await type('请看@王');
    await pause();
    expect(options()).toEqual(['3']);
    await type('me@王');
    expect(options()).toEqual([]);
  });

  test('is deleted as one, with the space behind it', async () => {
    draw();
    await type('hi @brun');
    await pause();
    await press('Tab');
    expect(input().value).toBe('hi @Bruno Keller ');
    await press('Backspace');
    expect(input().value).toBe('hi ');
    await type('hi there');
    expect(await press('Backspace')).toBe(true);
  });

  test('Escape makes the @ a plain one', async () => {
    draw();
    await type('@');
    await pause(0);
    expect(options().length).toBeGreaterThan(2);
    expect(await press('Escape')).toBe(false);
    expect(options()).toEqual([]);
    await type('@a');
    await pause();
    expect(options()).toEqual([]);
  });

  test('of everybody is asked about first', async () => {
    draw();
    await type('@all');
    await pause();
    await press('Enter');
    await type('@all lunch');
    await press('Enter');
    expect(calls('messages.send')).toEqual([]);
    expect(screen.getByRole('alertdialog').textContent).toContain('All 6 members of this group will be notified.');
    await act(async () => void fireEvent.click(screen.getByTestId(testIds.confirm)));
    expect(calls('messages.send')).toMatchObject([{ text: '@all lunch', mentionAll: true }]);
  });

  test('of everybody is not offered without the right, and the words alone mention nobody', async () => {
    draw('202');
    await type('@');
    await pause(0);
    expect(options()).not.toContain('all');
    await press('Escape');
    await type('@all lunch');
    await press('Enter');
    expect(calls('messages.send')).toEqual([expect.not.objectContaining({ mentionAll: true })]);
  });

  test('in a draft from another page still means who it meant', async () => {
    kit.engine.world.change('201', { draft: 'ask @Bruno Keller about it' });
    draw();
    await act(settle);
    await press('Enter');
    expect(calls('messages.send')).toMatchObject([{ mentions: ['4'] }]);
  });

  test('keys that compose are left to the input method', async () => {
    draw();
    await type('@');
    await pause(0);
    await press('Enter', { isComposing: true });
    await press('Enter', { keyCode: 229 });
    expect(input().value).toBe('@');
    expect(calls('messages.send')).toEqual([]);
  });
});

test('typing is told while it goes on, every few seconds, and not for a message that is changed', async () => {
  draw();
  await type('a');
  await type('ab');
  expect(calls('typing.tell')).toHaveLength(1);
  kit.time.advance(3000);
  await type('abc');
  expect(calls('typing.tell')).toHaveLength(2);
  act(() => startEdit(kit.ui.work, row(15)));
  kit.time.advance(3000);
  await type('other words');
  expect(calls('typing.tell')).toHaveLength(2);
});

describe('where nothing may be written', () => {
  const closed = () => screen.getByTestId(testIds.composerClosed);
  const change = (patch: Partial<NonNullable<ConversationView['group']>>) =>
    act(() => void kit.engine.world.changeGroup('202', patch));

  test('the box is replaced by why', () => {
    draw('203');
    expect([closed().dataset.reason, closed().textContent]).toEqual([
      'mute-all',
      'Only the owner and admins can write here now.',
    ]);
    cleanup();
    draw('204', 'zh-CN');
    expect([closed().dataset.reason, closed().textContent]).toEqual(['left', '你已不在本群中，仍可查看以前的消息。']);
  });

  test('a mute says until when, and the box is back by itself when it has ended', async () => {
    draw('202');
    change({ mutedUntilMs: kit.time.now() + 60_000 });
    expect(closed().textContent).toBe('You are muted until 15:43.');
    await act(async () => kit.time.advance(76_000));
    expect(screen.queryByTestId(testIds.composerClosed)).toBeNull();
    expect(input()).toBeTruthy();
  });
});

describe('a draft from another device', () => {
  const tell = (draft: string) => act(async () => void kit.engine.world.change('201', { draft }));

  test('appears in a box that nobody uses, and goes when it was sent there', async () => {
    draw();
    input().blur();
    await tell('from elsewhere');
    expect(input().value).toBe('from elsewhere');
    await tell('');
    expect(input().value).toBe('');
  });

  test('never in one that is in use, nor in place of a message that is being changed', async () => {
    draw();
    input().focus();
    await tell('typed there too');
    expect(input().value).toBe('');
    act(() => startEdit(kit.ui.work, row(15)));
    input().blur();
    await tell('and more');
    expect(input().value).toBe('And the migration took 40 s.');
  });
});
