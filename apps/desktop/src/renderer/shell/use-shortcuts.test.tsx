// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { fixtureNow } from '../fixture/fixture-data.ts';
import { applyConversations } from '../state/conversations-store.ts';
import { createTestUi, renderUi, settle } from '../testing/render-ui.tsx';
import { useShortcuts } from './use-shortcuts.ts';
import { useTotalUnread } from './use-total-unread.ts';

afterEach(cleanup);

function Page() {
  useShortcuts();
  return <output>{useTotalUnread()}</output>;
}

async function draw() {
  const kit = createTestUi();
  kit.connect();
  await settle();
  renderUi(kit.ui, <Page />);
  const openId = () => kit.ui.app.getState().openConversationId;
  const press = async (key: string, shiftKey = false) => {
    await act(async () => {
      fireEvent.keyDown(document.body, { key, altKey: true, shiftKey });
      await settle();
    });
    return openId();
  };
  return { ...kit, press };
}

test('Alt and the arrows go through the list as it stands, past the archive', async () => {
  const { ui, press } = await draw();
  const order = ui.conversations.getState().order.filter((id) => id !== '204');
  expect(await press('ArrowDown')).toBe(order[0]);
  const seen = [];
  for (let step = 1; step < order.length; step++) seen.push(await press('ArrowDown'));
  expect(seen).toEqual(order.slice(1));
  expect(await press('ArrowDown')).toBe(order.at(-1));
  expect(await press('ArrowUp')).toBe(order.at(-2));
});

test('with Shift only through what is unread or marked so, and round its ends', async () => {
  const { ui, press } = await draw();
  const { order, byId } = ui.conversations.getState();
  const unread = order.filter((id) => byId.get(id)!.unread > 0 || byId.get(id)!.markedUnread);
  const seen = [];
  for (let step = 0; step < unread.length; step++) seen.push(await press('ArrowDown', true));
  expect(seen).toEqual(unread);
  expect(await press('ArrowDown', true)).toBe(unread[0]);
  expect(await press('ArrowUp', true)).toBe(unread.at(-1));
});

test('the total leaves out what is muted or archived, until a mute ends', async () => {
  const { ui, time } = await draw();
  const total = () => Number(screen.getByRole('status').textContent);
  const { byId } = ui.conversations.getState();
  let expected = 0;
  for (const one of byId.values()) if (!one.archived && one.silentUntilMs <= fixtureNow) expected += one.unread;
  expect(total()).toBe(expected);
  expect(expected).toBeGreaterThan(0);
  const hikers = byId.get('202')!;
  act(() => applyConversations(ui.conversations, [{ ...hikers, archived: true }]));
  expect(total()).toBe(expected - hikers.unread);
  act(() => applyConversations(ui.conversations, [{ ...hikers, silentUntilMs: fixtureNow + 90_000 }]));
  expect(total()).toBe(expected - hikers.unread);
  act(() => time.advance(120_000));
  expect(total()).toBe(expected);
});
