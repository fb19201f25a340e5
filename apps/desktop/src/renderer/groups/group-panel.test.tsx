// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen, within } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CommandName } from '../../bridge/contract.ts';
import { groupIds } from '../fixture/fixture-groups.ts';
import { testIds } from '../test-ids.ts';
import { createTestUi, renderUi, settle } from '../testing/render-ui.tsx';
import { AnnouncementBar } from './announcement-bar.tsx';
import GroupPanel from './group-panel.tsx';
import { LeaveDialog } from './leave-dialog.tsx';

const { team, hikers, old, family } = groupIds;

beforeEach(() => localStorage.clear());
afterEach(cleanup);

async function setUp() {
  const kit = createTestUi();
  kit.connect();
  await settle();
  const params = (command: CommandName) =>
    kit.engine.calls.filter((call) => call.command === command).map((call) => call.params as Record<string, unknown>);
  const changes = () => params('groups.change').map(({ change }) => change);
  return { ...kit, params, changes };
}

async function open(conversationId: string) {
  const kit = await setUp();
  renderUi(kit.ui, <GroupPanel conversationId={conversationId} onClose={() => {}} />);
  await act(settle);
  await act(settle);
  return kit;
}

const press = (testId: string, nth = 0) =>
  act(async () => {
    fireEvent.click(screen.getAllByTestId(testId)[nth]!);
    await settle();
  });
const has = (testId: string) => screen.queryByTestId(testId) !== null;

describe('what can be done is shown by the right', () => {
  const able = () =>
    ['editGroup', 'editAnnouncement', 'invitePeople', 'openLinks', 'openRequests', 'muteAll', 'joinApproval'].filter(
      (name) => has(testIds[name as keyof typeof testIds]),
    );

  test('an admin: everything about the group, with the number of requests', async () => {
    await open(team);
    expect(able()).toEqual([
      'editGroup',
      'editAnnouncement',
      'invitePeople',
      'openLinks',
      'openRequests',
      'muteAll',
      'joinApproval',
    ]);
    expect(screen.getByTestId(testIds.openRequests).textContent).toContain('2 requests waiting');
    expect((screen.getByTestId(testIds.joinApproval) as HTMLInputElement).checked).toBe(true);
    expect((screen.getByTestId(testIds.muteAll) as HTMLInputElement).checked).toBe(false);
  });

  test('a member of an open group: invite, and nothing else', async () => {
    await open(hikers);
    expect(able()).toEqual(['invitePeople', 'openLinks']);
    expect(has(testIds.leaveGroup)).toBe(true);
  });

  test('a former member: only what was, and the members are not asked for', async () => {
    const { params } = await open(old);
    expect(able()).toEqual([]);
    expect(has(testIds.leaveGroup)).toBe(false);
    expect(has(testIds.memberList)).toBe(false);
    expect(screen.getByText(/You are not a member of this group any more/)).toBeTruthy();
    expect(params('groups.members')).toEqual([]);
  });
});

describe('changes', () => {
  test('the switches ask the server and follow what it says', async () => {
    const { ui, changes, engine } = await open(team);
    await press(testIds.muteAll);
    expect(changes()).toEqual([{ type: 'muteAll', on: true }]);
    expect(ui.conversations.getState().byId.get(team)?.group?.muteAll).toBe(true);
    engine.failing.set('groups.change', { reason: 'NOT_ALLOWED' });
    await press(testIds.joinApproval);
    expect((screen.getByTestId(testIds.joinApproval) as HTMLInputElement).checked).toBe(true);
    expect(screen.getByRole('alert').textContent).toBe('You may not do this.');
  });

  test('name and colour: only what is another one is changed', async () => {
    const { changes } = await open(team);
    await press(testIds.editGroup);
    fireEvent.change(screen.getByTestId(testIds.groupName), { target: { value: ' Product ' } });
    await press(testIds.saveGroup);
    await act(settle);
    expect(changes()).toEqual([{ type: 'rename', name: 'Product' }]);
    expect(screen.getByTestId(testIds.groupTitle).textContent).toBe('Product');
    expect(has(testIds.groupName)).toBe(false);
  });

  test('an announcement that is refused stays in its field', async () => {
    const { engine } = await open(team);
    engine.failing.set('groups.change', { reason: 'UNAVAILABLE' });
    await press(testIds.editAnnouncement);
    fireEvent.change(screen.getByTestId(testIds.announcementInput), { target: { value: 'Moved to six' } });
    await press(testIds.saveAnnouncement);
    expect((screen.getByTestId(testIds.announcementInput) as HTMLTextAreaElement).value).toBe('Moved to six');
    expect(screen.getByRole('alert').textContent).toBe('The server cannot be reached.');
  });

  test('inviting: those who are in already cannot be picked', async () => {
    const { changes, time } = await open(team);
    await press(testIds.invitePeople);
    await act(async () => {
      time.advance(0);
      await settle();
    });
    const option = (userId: string) =>
      screen.getAllByTestId(testIds.personOption).find((one) => one.dataset.userId === userId)!;
    expect(option('2').getAttribute('aria-disabled')).toBe('true');
    act(() => void fireEvent.click(option('2')));
    act(() => void fireEvent.click(option('8')));
    await press(testIds.inviteSubmit);
    await act(settle);
    expect(changes()).toEqual([{ type: 'invite', userIds: ['8'] }]);
  });
});

describe('requests to join', () => {
  test('are let in or declined one by one, or all at once', async () => {
    const { changes } = await open(team);
    await press(testIds.openRequests);
    await act(settle);
    expect(screen.getAllByTestId(testIds.requestRow).map((row) => row.dataset.userId)).toEqual(['12', '11']);
    await press(testIds.decline, 1);
    expect(screen.getAllByTestId(testIds.requestRow).map((row) => row.dataset.userId)).toEqual(['12']);
    await press(testIds.selectAll);
    await press(testIds.approveSelected);
    await act(settle);
    expect(changes()).toEqual([
      { type: 'decide', userIds: ['11'], approve: false },
      { type: 'decide', userIds: ['12'], approve: true },
    ]);
    expect(screen.getByText('Nobody is waiting.')).toBeTruthy();
  });

  test('one that could not be decided stays', async () => {
    const { engine } = await open(team);
    await press(testIds.openRequests);
    await act(settle);
    engine.failing.set('groups.change', { reason: 'GROUP_FULL' });
    await press(testIds.approve);
    expect(screen.getAllByTestId(testIds.requestRow)).toHaveLength(2);
    expect(screen.getByRole('alert').textContent).toBe('The group is full.');
  });
});

describe('invite links', () => {
  test('are listed with how often they were used, made with an end and a limit, and revoked after a question', async () => {
    const { params, time } = await open(team);
    await press(testIds.openLinks);
    await act(settle);
    const rows = () => screen.getAllByTestId(testIds.linkRow);
    expect(rows()[0]?.textContent).toContain('Used 3 of 20 times · until');
    expect(rows()[1]?.textContent).toContain('Used 112 times · does not expire');
    fireEvent.change(screen.getByTestId(testIds.linkExpiry), { target: { value: String(24 * 3_600_000) } });
    fireEvent.change(screen.getByTestId(testIds.linkUses), { target: { value: '5' } });
    await press(testIds.makeLink);
    expect(params('groups.makeLink')).toEqual([
      { conversationId: team, expiresMs: time.now() + 24 * 3_600_000, maxUses: 5 },
    ]);
    expect(rows()).toHaveLength(3);
    expect(rows()[0]?.textContent).toContain('Used 0 of 5 times');
    await press(testIds.revokeLink, 1);
    expect(params('groups.revokeLink')).toEqual([]);
    await press(testIds.confirm);
    expect(params('groups.revokeLink')).toEqual([{ conversationId: team, token: 'k3JrT0pQ' }]);
    expect(rows().map((row) => row.dataset.url)).not.toContain('https://chat.example.org/join/k3JrT0pQ');
  });

  test('copying gives the whole address', async () => {
    const written: string[] = [];
    vi.stubGlobal('navigator', {
      ...navigator,
      clipboard: { writeText: (text: string) => Promise.resolve(void written.push(text)) },
    });
    await open(team);
    await press(testIds.openLinks);
    await act(settle);
    await press(testIds.copyLink);
    expect(written).toEqual(['https://chat.example.org/join/k3JrT0pQ']);
    expect(screen.getAllByTestId(testIds.copyLink)[0]?.getAttribute('aria-label')).toBe('Copied');
    vi.unstubAllGlobals();
  });
});

describe('leaving', () => {
  async function leave(conversationId: string) {
    const kit = await setUp();
    const conversation = kit.ui.conversations.getState().byId.get(conversationId)!;
    let closed = 0;
    renderUi(
      kit.ui,
      <LeaveDialog conversation={{ ...conversation, group: conversation.group! }} onClose={() => closed++} />,
    );
    await act(settle);
    await act(settle);
    return { ...kit, closed: () => closed };
  }

  test('asks first', async () => {
    const { ui, changes, closed } = await leave(hikers);
    expect(screen.getByRole('alertdialog').textContent).toContain('Leave “周末爬山”?');
    expect(changes()).toEqual([]);
    await press(testIds.confirm);
    expect(changes()).toEqual([{ type: 'leave' }]);
    expect(ui.conversations.getState().byId.get(hikers)?.group?.left).toBe(true);
    expect(closed()).toBe(1);
  });

  test('an owner gives the group to somebody on the way out, and never to oneself', async () => {
    const { ui, changes, closed } = await leave(family);
    expect((screen.getByTestId(testIds.confirm) as HTMLButtonElement).disabled).toBe(true);
    expect(screen.getAllByRole('radio').map((one) => one.dataset.userId)).toEqual(['13', '12', '5']);
    fireEvent.click(screen.getAllByRole('radio')[1]!);
    await press(testIds.confirm);
    await act(settle);
    expect(changes()).toEqual([{ type: 'transfer', userId: '12' }, { type: 'leave' }]);
    expect(ui.conversations.getState().byId.get(family)?.group).toMatchObject({ left: true, ownerId: '12' });
    expect(closed()).toBe(1);
  });

  test('when only giving it away worked, trying again only leaves', async () => {
    const { ui, engine, changes } = await leave(family);
    fireEvent.click(screen.getAllByRole('radio')[0]!);
    const call = engine.call.bind(engine);
    const failing = vi.spyOn(engine, 'call').mockImplementation((command, params) => {
      const isLeave = command === 'groups.change' && (params as { change: { type: string } }).change.type === 'leave';
      return isLeave ? Promise.reject(Object.assign(new Error('x'), { reason: 'TIMEOUT' })) : call(command, params);
    });
    await press(testIds.confirm);
    await act(settle);
    expect(screen.getByRole('alert').textContent).toContain('too long to answer');
    expect(ui.conversations.getState().byId.get(family)?.group?.ownerId).toBe('13');
    failing.mockRestore();
    cleanup();
    const conversation = ui.conversations.getState().byId.get(family)!;
    renderUi(ui, <LeaveDialog conversation={{ ...conversation, group: conversation.group! }} onClose={() => {}} />);
    await act(settle);
    await press(testIds.confirm);
    expect(changes()).toEqual([{ type: 'transfer', userId: '13' }, { type: 'leave' }]);
  });
});

describe('the announcement over the messages', () => {
  test('stays away once it was hidden, until there is a new one', async () => {
    const { ui } = await setUp();
    const conversation = ui.conversations.getState().byId.get(team)!;
    const { rerender } = renderUi(ui, <AnnouncementBar conversation={conversation} />);
    expect(screen.getByTestId(testIds.announcementBar).textContent).toContain('Release every second Thursday');
    await press(testIds.dismissAnnouncement);
    expect(has(testIds.announcementBar)).toBe(false);
    rerender(<div />);
    cleanup();
    renderUi(ui, <AnnouncementBar conversation={conversation} />);
    expect(has(testIds.announcementBar)).toBe(false);
    cleanup();
    const group = { ...conversation.group!, announcement: 'Release moved to Friday' };
    renderUi(ui, <AnnouncementBar conversation={{ ...conversation, group }} />);
    expect(has(testIds.announcementBar)).toBe(true);
  });

  test('leads to the group, and is not there for who left', async () => {
    const { ui } = await setUp();
    const conversation = ui.conversations.getState().byId.get(team)!;
    renderUi(ui, <AnnouncementBar conversation={conversation} />);
    fireEvent.click(within(screen.getByTestId(testIds.announcementBar)).getAllByRole('button')[0]!);
    expect(ui.app.getState().panelFor).toBe(team);
    cleanup();
    renderUi(ui, <AnnouncementBar conversation={{ ...conversation, group: { ...conversation.group!, left: true } }} />);
    expect(has(testIds.announcementBar)).toBe(false);
  });
});
