// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import { fixtureNow } from '../fixture/fixture-data.ts';
import { applyConversations } from '../state/conversations-store.ts';
import { testIds } from '../test-ids.ts';
import { createTestUi, renderUi, settle } from '../testing/render-ui.tsx';
import { ConversationItem } from './conversation-item.tsx';
import { ConversationList } from './conversation-list.tsx';
import { steady } from './use-steady-order.ts';

afterEach(cleanup);

async function setUp() {
  const kit = createTestUi();
  kit.connect();
  await settle();
  return kit;
}

describe('the order', () => {
  test('is by last activity, newest first, also after news', async () => {
    const { ui } = await setUp();
    const { order, byId } = ui.conversations.getState();
    const times = order.map((id) => byId.get(id)!.lastActivityMs);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    const last = order.at(-1)!;
    applyConversations(ui.conversations, [{ ...byId.get(last)!, lastActivityMs: fixtureNow + 1 }]);
    expect(ui.conversations.getState().order[0]).toBe(last);
  });

  test('under a moving pointer stays, new ones wait at the end, and those that are gone go', () => {
    expect(steady(['a', 'b', 'c'], ['c', 'd', 'a'])).toEqual(['a', 'c', 'd']);
  });
});

describe('a row', () => {
  async function draw(id: string, open = false) {
    const { ui } = await setUp();
    const conversation = ui.conversations.getState().byId.get(id)!;
    renderUi(
      ui,
      <ConversationItem
        conversation={conversation}
        id="row"
        open={open}
        active={false}
        tabbable
        position={1}
        total={11}
        today={fixtureNow}
        onOpen={() => {}}
      />,
    );
    return screen.getByTestId(testIds.conversationItem);
  }

  test('shows my last message with its tick and the time of today', async () => {
    const row = await draw('101');
    expect(row.textContent).toContain('You: Perfect, see you at seven then 🎉');
    expect(row.textContent).toContain('15:40');
    expect(screen.getByTestId(testIds.messageTick).dataset.status).toBe('read');
  });

  test('shows the draft instead, but not of the conversation that is open', async () => {
    expect((await draw('103')).textContent).toContain('Draft: One more thing');
    cleanup();
    expect((await draw('103', true)).textContent).toContain('You: The deploy is green again.');
  });

  test.each([
    ['102', '3', '3 unread messages'],
    ['104', '99+', '128 unread messages'],
    ['109', '1', '1 unread message'],
  ])('%s counts %s and says "%s"', async (id, shown, words) => {
    await draw(id);
    const badge = screen.getByTestId(testIds.unreadBadge);
    expect(badge.querySelector('[aria-hidden]')?.textContent).toBe(shown);
    expect(badge.textContent).toContain(words);
  });

  test.each([
    ['107', 'Yesterday'],
    ['109', 'Mon'],
    ['111', 'Sep 11'],
  ])('%s has the date %s', async (id, words) => {
    expect((await draw(id)).textContent).toContain(words);
  });
});

describe('the search', () => {
  async function search(query: string) {
    const kit = await setUp();
    renderUi(kit.ui, <ConversationList />);
    const box = screen.getByTestId(testIds.peopleSearch);
    fireEvent.change(box, { target: { value: query } });
    await act(async () => {
      kit.time.advance(250);
      await settle();
    });
    return { ...kit, box };
  }

  test('finds conversations by name without accents, and people of the server beside them', async () => {
    await search('ali');
    expect(screen.getAllByTestId(testIds.conversationItem).map((row) => row.dataset.conversationId)).toEqual(['101']);
    expect(screen.getAllByTestId(testIds.searchResult).map((row) => row.dataset.userId)).toEqual(['13']);
    cleanup();
    await search('sofia');
    expect(screen.getByTestId(testIds.conversationItem).dataset.conversationId).toBe('106');
  });

  test('opens the one that the arrows chose, with Enter', async () => {
    const { ui, box } = await search('ali');
    fireEvent.keyDown(box, { key: 'ArrowDown' });
    await act(async () => {
      fireEvent.keyDown(box, { key: 'Enter' });
      await settle();
    });
    expect(ui.conversations.getState().byId.get(ui.app.getState().openConversationId!)?.peer?.userId).toBe('13');
  });

  test('says when there is nobody, and when people cannot be asked for', async () => {
    await search('zebra');
    expect(screen.getByText('Nobody and nothing found for “zebra”')).toBeTruthy();
    cleanup();
    const kit = await setUp();
    kit.engine.failing.set('users.search', { reason: 'UNAVAILABLE' });
    renderUi(kit.ui, <ConversationList />);
    fireEvent.change(screen.getByTestId(testIds.peopleSearch), { target: { value: 'zebra' } });
    await act(async () => {
      kit.time.advance(250);
      await settle();
    });
    expect(screen.getByText('People can be searched only while connected.')).toBeTruthy();
  });
});

test('without conversations there is one thing to do', async () => {
  const kit = createTestUi();
  kit.engine.data.conversations = [];
  kit.connect();
  await settle();
  renderUi(kit.ui, <ConversationList />);
  expect(screen.getByRole('button', { name: 'Find people' })).toBeTruthy();
});
