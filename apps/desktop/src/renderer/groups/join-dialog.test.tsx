// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { approvalLinkToken, openLinkToken } from '../fixture/fake-groups.ts';
import { testIds } from '../test-ids.ts';
import { createTestUi, renderUi, settle } from '../testing/render-ui.tsx';
import JoinDialog from './join-dialog.tsx';

afterEach(cleanup);

async function draw(link: string, prepare: (kit: ReturnType<typeof createTestUi>) => void = () => {}) {
  const kit = createTestUi();
  prepare(kit);
  kit.connect();
  await settle();
  let closed = 0;
  renderUi(kit.ui, <JoinDialog link={link} onClose={() => closed++} />);
  await act(settle);
  await act(settle);
  const calls = (name: string) => kit.engine.calls.filter(({ command }) => command === name);
  return { ...kit, closed: () => closed, calls };
}

const state = () => screen.getByTestId(testIds.joinPage).dataset.state;
const press = (testId: string) =>
  act(async () => {
    fireEvent.click(screen.getByTestId(testId));
    await settle();
  });

test('the page tells about the group before anything is done, then joining opens it', async () => {
  const { ui, calls, closed } = await draw(`https://chat.example.org/join/${openLinkToken}`);
  expect(state()).toBe('ready');
  const page = screen.getByTestId(testIds.joinPage).textContent;
  expect(page).toContain('Reading circle · 读书会');
  expect(page).toContain('24 members');
  expect(page).toContain('Alice Nguyen invites you');
  expect(page).not.toContain('approve');
  expect(calls('groups.join')).toHaveLength(0);
  await press(testIds.joinSubmit);
  expect(calls('groups.join')[0]?.params).toEqual({
    token: openLinkToken,
    key: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  expect(ui.app.getState().openConversationId).toBe('7001');
  expect(closed()).toBe(1);
});

test('a group that asks for approval says so first, and that the request is on its way afterwards', async () => {
  const { ui } = await draw(approvalLinkToken);
  expect(screen.getByTestId(testIds.joinPage).textContent).toContain('An admin has to approve new members.');
  expect(screen.getByTestId(testIds.joinSubmit).textContent).toBe('Ask to join');
  await press(testIds.joinSubmit);
  expect(state()).toBe('requested');
  expect(screen.queryByTestId(testIds.joinSubmit)).toBeNull();
  expect(ui.app.getState().openConversationId).toBeNull();
});

test('a member opens the group instead of joining it twice', async () => {
  const { ui, closed } = await draw('open-link', ({ engine }) =>
    engine.answers.set('groups.lookAtLink', {
      token: 'open-link',
      conversationId: '202',
      name: '周末爬山',
      avatarColor: 1,
      memberCount: 5,
      joinApproval: false,
      inviterName: '',
      member: true,
      requested: false,
    }),
  );
  expect(state()).toBe('member');
  await press(testIds.joinOpen);
  expect(ui.app.getState().openConversationId).toBe('202');
  expect(closed()).toBe(1);
});

test('who became a member meanwhile is told so', async () => {
  const { engine } = await draw(openLinkToken);
  engine.failing.set('groups.join', { reason: 'ALREADY_MEMBER' });
  await press(testIds.joinSubmit);
  expect(state()).toBe('member');
});

test('a link that does not work any more says so and takes another one', async () => {
  await draw('gone-link');
  expect(state()).toBe('invalid');
  expect(screen.getByRole('alert').textContent).toContain('It was revoked, has expired or has been used up.');
  await act(async () => {
    fireEvent.click(screen.getByRole('button', { name: 'Another link' }));
  });
  expect(state()).toBe('asking');
});

test('without the server it can be tried again', async () => {
  const { engine } = await draw(openLinkToken, (kit) =>
    kit.engine.failing.set('groups.lookAtLink', { reason: 'UNAVAILABLE' }),
  );
  expect(state()).toBe('failed');
  engine.failing.clear();
  await act(async () => {
    fireEvent.click(screen.getByRole('button', { name: 'Retry' }));
    await settle();
  });
  expect(state()).toBe('ready');
});

test('a refusal to join is said where it was asked for', async () => {
  const { engine } = await draw(openLinkToken);
  engine.failing.set('groups.join', { reason: 'GROUP_FULL' });
  await press(testIds.joinSubmit);
  expect(screen.getByRole('alert').textContent).toBe('The group is full.');
  expect(state()).toBe('ready');
});

test('what is not an invite link is not looked up', async () => {
  const { calls } = await draw('');
  const input = screen.getByTestId(testIds.joinLinkInput);
  fireEvent.change(input, { target: { value: 'https://chat.example.org/hello' } });
  await press(testIds.joinSubmit);
  expect(screen.getByRole('alert').textContent).toContain('not an invite link');
  expect(input.getAttribute('aria-invalid')).toBe('true');
  expect(calls('groups.lookAtLink')).toHaveLength(0);
  fireEvent.change(input, { target: { value: `https://chat.example.org/join/${openLinkToken}` } });
  await press(testIds.joinSubmit);
  await act(settle);
  expect(state()).toBe('ready');
});
