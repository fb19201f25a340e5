// @vitest-environment happy-dom

import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CommandParams } from '../../bridge/contract.ts';
import { testIds } from '../test-ids.ts';
import { createTestUi, renderUi, settle } from '../testing/render-ui.tsx';
import { Composer } from './composer.tsx';

let kit: ReturnType<typeof createTestUi>;
let input: HTMLTextAreaElement;

beforeEach(async () => {
  kit = createTestUi();
  kit.connect();
  await settle();
  draw();
});

afterEach(cleanup);

function draw(id = '101') {
  const conversation = kit.ui.conversations.getState().byId.get(id)!;
  renderUi(kit.ui, <Composer key={id} conversation={conversation} />);
  input = screen.getByTestId(testIds.composerInput) as HTMLTextAreaElement;
}

const sends = () =>
  kit.engine.calls
    .filter((call) => call.command === 'messages.send')
    .map((call) => call.params as CommandParams<'messages.send'>);
const sent = () => sends().map(({ conversationId, text }) => ({ conversationId, text }));
const keys = () => new Set(sends().map(({ key }) => key));
const drafts = () => kit.engine.calls.filter((call) => call.command === 'drafts.set').map((call) => call.params);

function type(text: string): void {
  input.value = text;
  fireEvent.input(input);
}

describe('Enter', () => {
  test('sends what the box holds and empties it', async () => {
    type('hello');
    await act(async () => void fireEvent.keyDown(input, { key: 'Enter' }));
    expect(sent()).toEqual([{ conversationId: '101', text: 'hello' }]);
    expect(input.value).toBe('');
  });

  test('never sends while an input method is composing', () => {
    type('ni hao');
    fireEvent.keyDown(input, { key: 'Enter', isComposing: true });
    fireEvent.keyDown(input, { key: 'Process', keyCode: 229 });
    fireEvent.keyDown(input, { key: 'Enter', keyCode: 229 });
    expect(sent()).toEqual([]);
    expect(input.value).toBe('ni hao');
  });

  test('sends right after the composition has ended', async () => {
    type('ni hao');
    fireEvent.compositionStart(input);
    fireEvent.keyDown(input, { key: 'Enter', isComposing: true });
    fireEvent.compositionEnd(input);
    // The last characters are in the box before React hears of them.
    input.value = '你好';
    await act(async () => void fireEvent.keyDown(input, { key: 'Enter' }));
    expect(sent()).toEqual([{ conversationId: '101', text: '你好' }]);
  });

  test('with Shift starts a new line', () => {
    type('one');
    expect(fireEvent.keyDown(input, { key: 'Enter', shiftKey: true })).toBe(true);
    expect(sent()).toEqual([]);
  });

  test('held down sends once', async () => {
    type('once');
    await act(async () => {
      fireEvent.keyDown(input, { key: 'Enter' });
      fireEvent.keyDown(input, { key: 'Enter', repeat: true });
    });
    expect(sent()).toHaveLength(1);
  });

  test('with the other setting only Ctrl+Enter and ⌘+Enter send', async () => {
    act(() => kit.ui.app.setState({ settings: { theme: 'light', language: 'en', sendKey: 'ctrl-enter' } }));
    type('one');
    fireEvent.keyDown(input, { key: 'Enter' });
    expect(sent()).toEqual([]);
    await act(async () => void fireEvent.keyDown(input, { key: 'Enter', ctrlKey: true }));
    type('two');
    await act(async () => void fireEvent.keyDown(input, { key: 'Enter', metaKey: true }));
    expect(sent()).toHaveLength(2);
  });
});

test('nothing but blanks is not sent', () => {
  type(' \n ');
  fireEvent.keyDown(input, { key: 'Enter' });
  expect(sent()).toEqual([]);
  expect((screen.getByTestId(testIds.sendButton) as HTMLButtonElement).disabled).toBe(true);
});

test('a text over 16 KiB of UTF-8 is kept, counted and not sent', () => {
  type('界'.repeat(5462));
  fireEvent.keyDown(input, { key: 'Enter' });
  expect(sent()).toEqual([]);
  expect(screen.getByRole('alert').textContent).toContain('Too long by 2 bytes');
  expect(input.value).toHaveLength(5462);
  type('界'.repeat(5461));
  expect(screen.getByRole('alert').textContent).toBe('');
  expect(screen.getByText('1 byte left')).toBeTruthy();
});

test('a message that could not be queued comes back into the box, before what was typed since', async () => {
  kit.engine.failing.set('messages.send', { reason: 'STORAGE_FULL' });
  type('first');
  fireEvent.keyDown(input, { key: 'Enter' });
  type('second');
  await act(settle);
  expect(input.value).toBe('first\nsecond');
  expect(screen.getByRole('alert').textContent).toContain('no space left');
  kit.time.advance(300);
  expect(drafts().at(-1)).toEqual({ conversationId: '101', text: 'first\nsecond' });
});

describe('without the engine', () => {
  const lost = 'Could not be queued: The app’s own engine is not reachable right now. Your text is kept.';

  test('a message stays in the box, and the words are not about the server', async () => {
    act(() => kit.engine.setState({ state: 'lost', retryAtMs: 0, error: new Error('gone') }));
    type('hello');
    fireEvent.keyDown(input, { key: 'Enter' });
    await act(settle);
    expect(input.value).toBe('hello');
    expect(screen.getByRole('alert').textContent).toBe(lost);
    act(() => kit.engine.setState({ state: 'open' }));
    await act(async () => void fireEvent.keyDown(input, { key: 'Enter' }));
    expect(sent().at(-1)).toEqual({ conversationId: '101', text: 'hello' });
    // The engine may have had the first one: the same key tells it so.
    expect(keys().size).toBe(1);
    expect([input.value, screen.getByRole('alert').textContent]).toEqual(['', '']);
  });

  test('that goes while it answers: the same', async () => {
    kit.engine.failing.set('messages.send', { reason: 'UNAVAILABLE', lost: true });
    type('hello');
    fireEvent.keyDown(input, { key: 'Enter' });
    await act(settle);
    expect([input.value, screen.getByRole('alert').textContent]).toEqual(['hello', lost]);
  });

  test('in Chinese too', async () => {
    cleanup();
    const conversation = kit.ui.conversations.getState().byId.get('101')!;
    renderUi(kit.ui, <Composer conversation={conversation} />, 'zh-CN');
    input = screen.getByTestId(testIds.composerInput) as HTMLTextAreaElement;
    act(() => kit.engine.setState({ state: 'lost', retryAtMs: 0, error: new Error('gone') }));
    type('你好');
    fireEvent.keyDown(input, { key: 'Enter' });
    await act(settle);
    expect(screen.getByRole('alert').textContent).toBe('未能加入发送队列：暂时无法连接本机引擎。文字已保留。');
  });
});

describe('drafts', () => {
  test('are saved 300 ms after a key and at once on blur', () => {
    type('half a th');
    kit.time.advance(300);
    expect(drafts()).toEqual([{ conversationId: '101', text: 'half a th' }]);
    type('half a thought');
    fireEvent.blur(input);
    expect(drafts().at(-1)).toEqual({ conversationId: '101', text: 'half a thought' });
  });

  test('are saved when the page goes away or is hidden', () => {
    type('one');
    window.dispatchEvent(new Event('pagehide'));
    expect(drafts()).toHaveLength(1);
    type('two');
    document.dispatchEvent(new Event('visibilitychange'));
    expect(drafts()).toHaveLength(2);
  });

  test('are saved when another conversation is opened, and are there again on return', () => {
    type('do not lose me');
    cleanup();
    expect(drafts()).toEqual([{ conversationId: '101', text: 'do not lose me' }]);
    draw('103');
    expect(input.value).toBe('One more thing about the migration: we should');
    cleanup();
    draw('101');
    expect(input.value).toBe('do not lose me');
  });

  test('what the engine says never writes into a box that is in use', async () => {
    type('mine');
    await act(async () => {
      const conversation = kit.engine.data.conversations[0]!;
      kit.engine.emit('conversations', [{ ...conversation, draft: 'from elsewhere' }]);
    });
    expect(input.value).toBe('mine');
  });
});
