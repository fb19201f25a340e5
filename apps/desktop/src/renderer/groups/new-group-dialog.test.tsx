// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import type { CommandName } from '../../bridge/contract.ts';
import { testIds } from '../test-ids.ts';
import { createTestUi, renderUi, settle } from '../testing/render-ui.tsx';
import NewGroupDialog from './new-group-dialog.tsx';

afterEach(cleanup);

async function draw() {
  const kit = createTestUi();
  kit.connect();
  await settle();
  let closed = 0;
  renderUi(kit.ui, <NewGroupDialog onClose={() => closed++} />);
  await act(settle);
  const params = (command: CommandName) =>
    kit.engine.calls.filter((call) => call.command === command).map((call) => call.params as Record<string, unknown>);
  return { ...kit, params, closed: () => closed };
}

async function type(testId: string, value: string, time?: { advance(ms: number): void }): Promise<void> {
  await act(async () => {
    fireEvent.change(screen.getByTestId(testId), { target: { value } });
    time?.advance(250);
    await settle();
  });
}

const press = (testId: string, nth = 0) =>
  act(async () => {
    fireEvent.click(screen.getAllByTestId(testId)[nth]!);
    await settle();
  });

const offered = () => screen.queryAllByTestId(testIds.personOption).map((one) => one.dataset.userId);
const picked = () => screen.queryAllByTestId(testIds.personChip).map((one) => one.dataset.userId);
const key = (name: string) => fireEvent.keyDown(screen.getByTestId(testIds.peoplePicker), { key: name });

describe('picking people', () => {
  test('those I talked to last come first, and the server is not asked before something is typed', async () => {
    const { params } = await draw();
    expect(offered().slice(0, 3)).toEqual(['2', '3', '4']);
    expect(params('users.search')).toEqual([]);
  });

  test('a search finds people of the server behind those I know, and me never', async () => {
    const { time, params } = await draw();
    await type(testIds.peoplePicker, 'ali', time);
    expect(offered()).toEqual(['2', '13']);
    expect(params('users.search')).toEqual([{ query: 'ali' }]);
    await type(testIds.peoplePicker, 'lena', time);
    expect(offered()).toEqual([]);
    expect(screen.getByText('Nobody found for “lena”')).toBeTruthy();
  });

  test('by keyboard: arrows walk, Enter picks and takes back, Backspace takes the last one back', async () => {
    await draw();
    act(() => void key('ArrowDown'));
    act(() => void key('Enter'));
    expect(picked()).toEqual(['3']);
    act(() => void key('ArrowDown'));
    act(() => void key('ArrowDown'));
    act(() => void key('Enter'));
    expect(picked()).toHaveLength(2);
    act(() => void key('Backspace'));
    expect(picked()).toEqual(['3']);
    expect(screen.getAllByTestId(testIds.personOption)[1]?.getAttribute('aria-selected')).toBe('true');
  });

  test('without the server those I know can still be picked, and it says why there are no others', async () => {
    const { engine, time } = await draw();
    engine.failing.set('users.search', { reason: 'UNAVAILABLE' });
    await type(testIds.peoplePicker, 'ali', time);
    expect(offered()).toEqual(['2']);
    expect(screen.getByText('People can be searched only while connected.')).toBeTruthy();
  });
});

describe('making the group', () => {
  async function toName() {
    const kit = await draw();
    await press(testIds.personOption, 0);
    await press(testIds.personOption, 2);
    await press(testIds.nextStep);
    return kit;
  }

  test('is one call with people, trimmed name, colour and a key, and opens it', async () => {
    const { ui, params, closed } = await toName();
    expect((screen.getByTestId(testIds.createGroup) as HTMLButtonElement).disabled).toBe(true);
    await type(testIds.groupName, '  Weekend trip ');
    await act(async () => {
      fireEvent.click(screen.getAllByRole('radio')[10]!);
    });
    await press(testIds.createGroup);
    expect(params('groups.create')).toEqual([
      { name: 'Weekend trip', avatarColor: 10, userIds: ['2', '4'], key: expect.stringMatching(/^[0-9a-f]{32}$/) },
    ]);
    const { openConversationId } = ui.app.getState();
    expect(ui.conversations.getState().byId.get(openConversationId!)?.title).toBe('Weekend trip');
    expect(closed()).toBe(1);
  });

  test('a call whose answer was lost is made again with the same key, another group with another', async () => {
    const { engine, params } = await toName();
    await type(testIds.groupName, 'Trip');
    engine.failing.set('groups.create', { reason: 'UNAVAILABLE', lost: true });
    await press(testIds.createGroup);
    expect(screen.getByRole('alert').textContent).toContain('engine is not reachable');
    await press(testIds.createGroup);
    await type(testIds.groupName, 'Other trip');
    await press(testIds.createGroup);
    const keys = params('groups.create').map((call) => call.key);
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  test('a refusal is said and nothing of what was entered is lost, also on the way back', async () => {
    const { engine, closed } = await toName();
    await type(testIds.groupName, 'Trip');
    engine.failing.set('groups.create', { reason: 'TOO_MANY' });
    await press(testIds.createGroup);
    expect(screen.getByRole('alert').textContent).toBe('Too many at once.');
    expect(closed()).toBe(0);
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Back' }));
      await settle();
    });
    expect(picked()).toEqual(['2', '4']);
    await press(testIds.nextStep);
    expect((screen.getByTestId(testIds.groupName) as HTMLInputElement).value).toBe('Trip');
  });

  test('alone is possible: others can be invited later', async () => {
    const { params } = await draw();
    await press(testIds.nextStep);
    await type(testIds.groupName, 'Notes');
    await press(testIds.createGroup);
    expect(params('groups.create')[0]).toMatchObject({ userIds: [] });
  });

  test('a name holds at most 64 characters', async () => {
    await toName();
    expect((screen.getByTestId(testIds.groupName) as HTMLInputElement).maxLength).toBe(64);
  });
});
