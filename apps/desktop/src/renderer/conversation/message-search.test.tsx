// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openConversation } from '../state/open-conversation.ts';
import { useApp, useConversation } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import { createTestUi, renderUi, settle } from '../testing/render-ui.tsx';
import { findEmoji } from './emoji-data.ts';
import { highlight } from './highlight.ts';
import MessageSearch from './message-search.tsx';

let kit: ReturnType<typeof createTestUi>;

beforeEach(async () => {
  kit = createTestUi();
  kit.connect();
  await settle();
  await openConversation(kit.ui, '201');
  kit.ui.work.setState({ searching: '201' });
});

afterEach(cleanup);

function Live() {
  const conversation = useConversation(useApp((state) => state.openConversationId) ?? '');
  return conversation ? <MessageSearch conversation={conversation} /> : null;
}

async function search(query: string): Promise<void> {
  fireEvent.change(screen.getByTestId(testIds.messageSearchInput), { target: { value: query } });
  await act(async () => kit.time.advance(200));
  await act(settle);
}

async function choose(testId: string, value: string): Promise<void> {
  fireEvent.change(screen.getByTestId(testId), { target: { value } });
  await act(async () => kit.time.advance(200));
  await act(settle);
}

const asked = () => kit.engine.calls.filter(({ command }) => command === 'messages.search').map(({ params }) => params);
const hits = () => screen.queryAllByTestId(testIds.searchHit);
const marked = () => [...document.querySelectorAll('mark')].map(({ textContent }) => textContent);

describe('what is looked for', () => {
  test('is asked for once, after a pause, in this conversation', async () => {
    renderUi(kit.ui, <Live />);
    const input = screen.getByTestId(testIds.messageSearchInput);
    for (const value of ['r', 're', 'rel']) fireEvent.change(input, { target: { value } });
    await search('release');
    expect(asked()).toEqual([{ query: 'release', conversationId: '201', limit: 40 }]);
    expect(hits()).toHaveLength(2);
    expect(marked()).toEqual(['release', 'release']);
    expect(screen.getByTestId(testIds.searchSummary).textContent).toBe('2 messages');
  });

  test('one Chinese character is enough', async () => {
    renderUi(kit.ui, <Live />);
    await search('滚');
    expect(hits().map((hit) => hit.dataset.msgId)).toHaveLength(1);
    expect(marked()).toEqual(['滚']);
  });

  test('can be narrowed by sender and time, and widened to everywhere', async () => {
    renderUi(kit.ui, <Live />);
    await act(settle);
    await search('the');
    await choose(testIds.searchFrom, '4');
    expect(asked().at(-1)).toMatchObject({ senderId: '4', conversationId: '201' });
    await choose(testIds.searchFrom, '');
    await choose(testIds.searchWhen, 'today');
    const start = new Date(2026, 9, 15).getTime();
    expect(asked().at(-1)).toEqual({ query: 'the', conversationId: '201', limit: 40, fromMs: start });
    fireEvent.click(screen.getByTestId(testIds.searchScope).querySelector('input[value=everywhere]')!);
    await act(async () => kit.time.advance(200));
    await act(settle);
    expect(asked().at(-1)).toEqual({ query: 'the', limit: 40, fromMs: start });
  });

  test('that is not found says so, in both languages', async () => {
    renderUi(kit.ui, <Live />, 'zh-CN');
    await search('zebra');
    expect(screen.getByText('没有找到与“zebra”相关的消息')).toBeTruthy();
  });

  test('a failure is said and can be tried again', async () => {
    kit.engine.failing.set('messages.search', { reason: 'INTERNAL' });
    renderUi(kit.ui, <Live />);
    await search('the');
    expect(screen.getByRole('alert').textContent).toContain('The search failed');
    kit.engine.failing.clear();
    await act(async () => void fireEvent.click(screen.getByRole('button', { name: 'Retry' })));
    await act(async () => kit.time.advance(200));
    await act(settle);
    expect(hits().length).toBeGreaterThan(0);
  });

  test('an answer that comes late never takes the place of a newer one', async () => {
    renderUi(kit.ui, <Live />);
    let answer = () => {};
    const call = kit.engine.call.bind(kit.engine);
    kit.engine.call = (command, params) => {
      if (command !== 'messages.search') return call(command, params);
      kit.engine.call = call;
      return new Promise((resolve, reject) => {
        answer = () => void call(command, params).then(resolve, reject);
      });
    };
    await search('the');
    await search('release');
    expect(hits()).toHaveLength(2);
    await act(async () => answer());
    await act(settle);
    expect(marked()).toEqual(['release', 'release']);
  });
});

describe('a hit', () => {
  test('opens with Enter in its place', async () => {
    renderUi(kit.ui, <Live />);
    await search('release');
    const input = screen.getByTestId(testIds.messageSearchInput);
    fireEvent.keyDown(input, { key: 'ArrowDown' });
    await act(async () => void fireEvent.keyDown(input, { key: 'Enter' }));
    expect(kit.ui.work.getState().jump).toMatchObject({ conversationId: '201', order: 4 });
  });

  test('in another conversation leads there, and the search stays for the next one', async () => {
    renderUi(kit.ui, <Live />);
    fireEvent.click(screen.getByTestId(testIds.searchScope).querySelector('input[value=everywhere]')!);
    await search('老地方');
    await act(async () => void fireEvent.click(hits()[0]!));
    await act(settle);
    expect(kit.ui.app.getState().openConversationId).toBe('102');
    expect(kit.ui.work.getState().searching).toBe('102');
    expect(screen.getByTestId<HTMLInputElement>(testIds.messageSearchInput).value).toBe('老地方');
    expect(hits()).toHaveLength(1);
  });

  test('is taken away when Escape is pressed', () => {
    renderUi(kit.ui, <Live />);
    fireEvent.keyDown(screen.getByTestId(testIds.messageSearchInput), { key: 'Escape' });
    expect(kit.ui.work.getState().searching).toBeNull();
  });
});

describe('the words that were found', () => {
  const shown = (text: string, query: string) =>
    highlight(text, query)
      .map(({ text: part, found }) => (found ? `[${part}]` : part))
      .join('');

  test.each([
    ['The café is closed', 'CAFE closed', 'The [café] is [closed]'],
    ['ＡＢＣ full width', 'abc', '[ＡＢＣ] full width'],
    ['今天下午开会', '下午', '今天[下午]开会'],
    ['nothing here', 'x', 'nothing here'],
    ['ﬁne ligature', 'fi', '[ﬁ]ne ligature'],
    ['aaaa', 'aa', '[aa][aa]'],
  ])('%j looked for with %j reads %j', (text, query, expected) => {
    expect(shown(text, query)).toBe(expected);
  });

  test('of a long text what stands round the first one is shown', () => {
    const text = `${'before '.repeat(40)}needle ${'after '.repeat(200)}`;
    expect(shown(text, 'needle')).toMatch(/^….{24}\[needle\]/u);
    expect(shown(text, 'needle').length).toBeLessThan(220);
  });
});

describe('emoji', () => {
  test('are found by words in English and in Chinese', () => {
    expect(findEmoji('thumbs').map(({ emoji }) => emoji)).toEqual(['👍', '👎']);
    expect(findEmoji('红包').map(({ emoji }) => emoji)).toEqual(['🧧']);
    expect(findEmoji('party hat')).toEqual([]);
    expect(findEmoji('🚀').map(({ emoji }) => emoji)).toEqual(['🚀']);
  });

  test('are all single emoji, each once, with words in both languages', () => {
    const all = findEmoji('');
    expect(all.length).toBeGreaterThan(200);
    expect(new Set(all.map(({ emoji }) => emoji)).size).toBe(all.length);
    for (const { emoji, english, chinese } of all) {
      expect(emoji).toMatch(/^\p{RGI_Emoji}$/v);
      expect(english).toMatch(/^[a-z0-9 ]+$/);
      expect(chinese).toMatch(/[\p{Script=Han}@]/u);
    }
  });
});
