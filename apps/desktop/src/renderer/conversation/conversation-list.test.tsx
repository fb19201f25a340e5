// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import type { ConversationView } from '../../bridge/contract.ts';
import { fixtureNow } from '../fixture/fixture-data.ts';
import { applyConversations } from '../state/conversations-store.ts';
import { testIds } from '../test-ids.ts';
import { createTestUi, renderUi, settle } from '../testing/render-ui.tsx';
import { ConversationItem, OnlineDot } from './conversation-item.tsx';
import { ConversationList } from './conversation-list.tsx';
import { ConversationMenu } from './conversation-options-menu.tsx';
import { steady } from './use-steady-order.ts';

afterEach(cleanup);

async function setUp() {
  const kit = createTestUi();
  kit.connect();
  await settle();
  return kit;
}

describe('the order', () => {
  test('is pinned ones first, then by last activity, newest first, also after news', async () => {
    const { ui } = await setUp();
    const { order, byId } = ui.conversations.getState();
    const [pinned, ...others] = order;
    expect(byId.get(pinned!)!.pinnedMs).toBeGreaterThan(0);
    const times = others.map((id) => byId.get(id)!.lastActivityMs);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    const last = order.at(-1)!;
    applyConversations(ui.conversations, [{ ...byId.get(last)!, lastActivityMs: fixtureNow + 1 }]);
    expect(ui.conversations.getState().order.slice(0, 2)).toEqual([pinned, last]);
    applyConversations(ui.conversations, [{ ...byId.get('107')!, pinnedMs: fixtureNow }]);
    expect(ui.conversations.getState().order.slice(0, 2)).toEqual(['107', pinned]);
  });

  test('leaves the archived ones to the archive', async () => {
    const { ui } = await setUp();
    renderUi(ui, <ConversationList />);
    await act(settle);
    fireEvent.click(screen.getByTestId(testIds.archiveRow));
    expect(screen.getAllByTestId(testIds.conversationItem).map((row) => row.dataset.conversationId)).toEqual(['204']);
    // Nothing is left in it: the list comes back.
    await act(async () => {
      applyConversations(ui.conversations, [{ ...ui.conversations.getState().byId.get('204')!, archived: false }]);
      await settle();
    });
    expect(screen.queryByTestId(testIds.archiveRow)).toBeNull();
    expect(screen.getByTestId(testIds.peopleSearch)).toBeTruthy();
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

describe('a row of a group', () => {
  async function row(id: string, patch: Partial<ConversationView> = {}) {
    const kit = await setUp();
    const conversation = { ...kit.ui.conversations.getState().byId.get(id)!, ...patch };
    renderUi(
      kit.ui,
      <ConversationItem
        conversation={conversation}
        id="row"
        open={false}
        active={false}
        tabbable
        position={1}
        total={16}
        today={fixtureNow}
        onOpen={() => {}}
      />,
    );
    return { ...kit, row: screen.getByTestId(testIds.conversationItem) };
  }

  test('says who wrote, and marks a mention of me beside the number', async () => {
    const { row: shown } = await row('202');
    expect(shown.textContent).toContain('Tomasz Wiśniewski: Two of us could take the bus as well.');
    expect(screen.getByTestId(testIds.mentionMark).textContent).toContain('You were mentioned');
    expect(screen.getByTestId(testIds.unreadBadge).dataset.count).toBe('4');
  });

  test('whose notifications are off says so and has a quiet number', async () => {
    const { row: shown } = await row('203');
    expect(shown.dataset.silent).toBe('true');
    expect(shown.textContent).toContain('Notifications are off');
    expect(screen.getByTestId(testIds.unreadBadge).dataset.silent).toBe('true');
    cleanup();
    // The mute has ended.
    const ended = await row('203', { silentUntilMs: fixtureNow - 1 });
    expect(ended.row.dataset.silent).toBeUndefined();
  });

  test('that was marked as unread has a dot, and none when there is a number', async () => {
    await row('205');
    expect(screen.getByTestId(testIds.unreadMark).textContent).toBe('Marked as unread');
    cleanup();
    await row('205', { unread: 2 });
    expect(screen.queryByTestId(testIds.unreadMark)).toBeNull();
    expect(screen.getByTestId(testIds.unreadBadge).dataset.count).toBe('2');
  });

  test('tells in words what was done to the group, and what was recalled', async () => {
    expect((await row('204')).row.textContent).toContain('Omar Haddad removed you');
    cleanup();
    const preview = (await setUp()).ui.conversations.getState().byId.get('202')!.preview!;
    const recalled = await row('202', { preview: { ...preview, recalled: true, text: '' } });
    expect(recalled.row.textContent).toContain('Tomasz Wiśniewski recalled a message');
  });

  test('shows who types before anything else, even a draft, and the draft again afterwards', async () => {
    const { engine, row: shown } = await row('202', { draft: 'I could drive' });
    expect(shown.textContent).toContain('Draft: I could drive');
    act(() => engine.emit('typing', { conversationId: '202', names: ['Grace', '李娜'] }));
    expect(shown.textContent).toContain('Grace and 1 other are typing…');
    act(() => engine.emit('typing', { conversationId: '202', names: [] }));
    expect(shown.textContent).toContain('Draft: I could drive');
  });
});

test('a peer who is online has a dot, as long as that lasts', async () => {
  const { ui, engine } = await setUp();
  renderUi(ui, <OnlineDot userId="3" />);
  expect(screen.queryByTestId(testIds.onlineDot)).toBeNull();
  act(() => engine.emit('presence', [{ userId: '3', state: 'online', lastSeenMs: 0 }]));
  expect(screen.getByTestId(testIds.onlineDot).textContent).toBe('Online');
  act(() => engine.emit('presence', [{ userId: '3', state: 'hidden', lastSeenMs: 0 }]));
  expect(screen.queryByTestId(testIds.onlineDot)).toBeNull();
});

describe('the menu of a row', () => {
  async function openMenu(id: string) {
    const kit = await setUp();
    const onClose = () => {};
    renderUi(
      kit.ui,
      <ConversationMenu
        target={{ conversationId: id, at: new DOMRect(10, 10, 0, 0) }}
        onClose={onClose}
        returnTo={() => null}
      />,
    );
    await act(settle);
    return kit;
  }

  const press = (name: string) =>
    act(async () => {
      fireEvent.click(screen.getByRole('menuitem', { name }));
      await settle();
    });

  test('pins, archives, and marks as unread', async () => {
    const { ui, engine } = await openMenu('101');
    await press('Pin');
    await press('Archive');
    await press('Mark as unread');
    const settings = engine.calls.filter(({ command }) => command === 'conversations.settings');
    expect(settings.map(({ params }) => (params as { patch: object }).patch)).toEqual([
      { pinned: true },
      { archived: true },
      { markedUnread: true },
    ]);
    expect(ui.conversations.getState().order[0]).toBe('101');
    expect(ui.conversations.getState().byId.get('101')).toMatchObject({ archived: true, markedUnread: true });
  });

  test('offers the opposite of what is', async () => {
    await openMenu('203');
    const names = screen.getAllByRole('menuitem').map((item) => item.textContent);
    expect(names).toEqual(['Pin', 'Unmute notifications', 'Mark as read', 'Archive', 'Group info']);
  });

  test('marks as read to the head and takes the mark away', async () => {
    const { ui, engine } = await setUp();
    applyConversations(ui.conversations, [
      { ...ui.conversations.getState().byId.get('202')!, headSeq: 8, markedUnread: true },
    ]);
    renderUi(
      ui,
      <ConversationMenu
        target={{ conversationId: '202', at: new DOMRect(0, 0, 0, 0) }}
        onClose={() => {}}
        returnTo={() => null}
      />,
    );
    await act(settle);
    await press('Mark as read');
    expect(engine.calls).toContainEqual({
      command: 'messages.markRead',
      params: { conversationId: '202', convSeq: 8 },
    });
    expect(engine.calls).toContainEqual({
      command: 'conversations.settings',
      params: { conversationId: '202', patch: { markedUnread: false } },
    });
  });

  test('a change that could not be stored leaves the row as it is', async () => {
    const { ui, engine } = await openMenu('101');
    engine.failing.set('conversations.settings', { reason: 'STORAGE_FULL' });
    await press('Pin');
    expect(ui.conversations.getState().byId.get('101')?.pinnedMs).toBe(0);
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

  test('finds messages of this device and leads to them', async () => {
    const { ui, box } = await search('tickets');
    const hit = screen.getByTestId(testIds.searchHit);
    expect(hit.dataset.conversationId).toBe('101');
    expect(hit.querySelector('mark')?.textContent).toBe('tickets');
    await act(async () => {
      fireEvent.keyDown(box, { key: 'Enter' });
      await settle();
    });
    expect(ui.app.getState().openConversationId).toBe('101');
    expect(ui.work.getState().jump?.conversationId).toBe('101');
  });

  test('takes an invite link as what it is', async () => {
    const link = 'https://chat.example.org/join/open-link';
    const { ui, box } = await search(link);
    expect(screen.queryByTestId(testIds.searchResult)).toBeNull();
    expect(screen.getByTestId(testIds.joinLinkResult).textContent).toContain(link);
    await act(async () => {
      fireEvent.keyDown(box, { key: 'Enter' });
      await settle();
    });
    expect(ui.app.getState().joinLink).toBe(link);
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
