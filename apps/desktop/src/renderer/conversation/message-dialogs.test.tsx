// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contrast } from '../design/contrast.ts';
import { avatarColours, colours } from '../design/tokens.ts';
import { openConversation } from '../state/open-conversation.ts';
import { testIds } from '../test-ids.ts';
import { createTestUi, renderUi, settle } from '../testing/render-ui.tsx';
import ForwardDialog from './forward-dialog.tsx';
import { MessageDialogs } from './message-dialogs.tsx';
import { allowed } from './message-menu.tsx';
import ReadersDialog from './readers-dialog.tsx';

let kit: ReturnType<typeof createTestUi>;

beforeEach(async () => {
  kit = createTestUi();
  kit.connect();
  await settle();
  await openConversation(kit.ui, '201');
});

afterEach(cleanup);

const calls = (command: string) =>
  kit.engine.calls.filter((call) => call.command === command).map(({ params }) => params);
const row = (seq: number) => kit.engine.world.row('201', seq);

describe('what may be done with a message now', () => {
  const now = () => kit.time.now();
  const group = () => kit.engine.world.conversation('201');
  const can = (seq: number) =>
    Object.entries(allowed(row(seq), group(), now()))
      .filter(([, yes]) => yes)
      .map(([name]) => name);

  test('mine, of others, a grey line', () => {
    expect(can(15)).toEqual([
      'react',
      'reply',
      'copy',
      'forward',
      'edit',
      'select',
      'readers',
      'recall',
      'deleteForMe',
    ]);
    expect(can(4)).toEqual(['react', 'reply', 'copy', 'forward', 'select', 'deleteForMe']);
    expect(can(1)).toEqual(['deleteForMe']);
    expect(can(9)).toEqual(['deleteForMe']);
  });

  test('changing and recalling end with their time; in a group that was left nothing but reading is possible', () => {
    kit.engine.world.changeRow('201', row(15).key, { editableUntilMs: now(), recallableUntilMs: now() });
    expect(can(15)).not.toContain('edit');
    expect(can(15)).not.toContain('recall');
    kit.engine.world.changeGroup('201', { left: true });
    expect(can(4)).toEqual(['copy', 'forward', 'select', 'deleteForMe']);
  });

  test('a message that could not be sent is retried or discarded', () => {
    const failed = { ...row(15), convSeq: null, msgId: null, status: 'failed' as const, editableUntilMs: 0 };
    const possible = allowed({ ...failed, recallableUntilMs: 0 }, group(), now());
    expect(Object.entries(possible).flatMap(([name, yes]) => (yes ? [name] : []))).toEqual([
      'retry',
      'discard',
      'copy',
    ]);
  });
});

describe('what cannot be taken back is asked first', () => {
  test('recalling', async () => {
    renderUi(kit.ui, <MessageDialogs />);
    act(() => kit.ui.work.setState({ dialog: { kind: 'recall', message: row(15) } }));
    expect(calls('messages.recall')).toEqual([]);
    await act(async () => void fireEvent.click(screen.getByTestId(testIds.confirm)));
    expect(calls('messages.recall')).toEqual([{ conversationId: '201', convSeq: 15 }]);
    expect(kit.ui.work.getState().dialog).toBeNull();
  });

  test('deleting, and it says for whom', async () => {
    renderUi(kit.ui, <MessageDialogs />, 'zh-CN');
    act(() => kit.ui.work.setState({ dialog: { kind: 'delete', conversationId: '201', convSeqs: [4, 5] } }));
    expect(screen.getByRole('alertdialog').textContent).toContain('删除 2 条消息？');
    expect(screen.getByRole('alertdialog').textContent).toContain('其他人仍能看到');
    await act(async () => void fireEvent.click(screen.getByTestId(testIds.confirm)));
    expect(calls('messages.deleteForMe')).toEqual([{ conversationId: '201', convSeqs: [4, 5] }]);
  });
});

describe('forwarding', () => {
  const draw = () => renderUi(kit.ui, <ForwardDialog conversationId="201" convSeqs={[5]} onClose={() => {}} />);
  const targets = () => screen.getAllByTestId(testIds.forwardTarget);

  test('goes to nine conversations at most', async () => {
    draw();
    for (const target of targets().slice(0, 11)) fireEvent.click(target);
    expect(screen.getByText('Not more than 9 chats at once')).toBeTruthy();
    await act(async () => void fireEvent.click(screen.getByTestId(testIds.forwardSend)));
    expect((calls('messages.forward')[0] as { to: string[] }).to).toHaveLength(9);
  });

  test('offers only where I may write', () => {
    draw();
    const offered = targets().map((one) => one.dataset.conversationId);
    expect(offered).toContain('201');
    expect(offered).not.toContain('203');
    expect(offered).not.toContain('204');
  });

  test('finds a conversation by its name or user name', () => {
    draw();
    fireEvent.change(screen.getByTestId(testIds.forwardSearch), { target: { value: 'xiaom' } });
    expect(targets().map((one) => one.dataset.conversationId)).toEqual(['102']);
    fireEvent.change(screen.getByTestId(testIds.forwardSearch), { target: { value: 'nobody at all' } });
    expect(screen.getByText('No chat found for “nobody at all”')).toBeTruthy();
  });
});

describe('who read it', () => {
  test('is read page by page, and each tab has its own people', async () => {
    const everybody = kit.engine.world.row('203', 3);
    renderUi(kit.ui, <ReadersDialog conversationId="203" convSeq={everybody.convSeq!} onClose={() => {}} />);
    await act(settle);
    expect(screen.getByTestId(testIds.readersRead).textContent).toBe('Read · 2,999');
    expect(screen.getAllByTestId(testIds.readerRow)).toHaveLength(50);
    const list = screen.getAllByTestId(testIds.readerRow)[0]!.closest('ul')!.parentElement!;
    await act(async () => void fireEvent.scroll(list));
    await act(settle);
    expect(screen.getAllByTestId(testIds.readerRow)).toHaveLength(100);
    const first = screen.getAllByTestId(testIds.readerRow)[0]!.dataset.userId;
    await act(async () => void fireEvent.click(screen.getByTestId(testIds.readersUnread)));
    await act(settle);
    expect(screen.getAllByTestId(testIds.readerRow)[0]!.dataset.userId).not.toBe(first);
    expect(calls('messages.readers').at(-1)).toMatchObject({ unread: true, after: null });
  });
});

test('names in a group can be read in every colour, light and dark', () => {
  // As the stylesheet mixes them: 60 % of the avatar, the rest of the text.
  const mixed = (front: string, back: string) =>
    `#${[1, 3, 5]
      .map((at) => {
        const value = (hex: string) => Number.parseInt(hex.slice(at, at + 2), 16);
        return Math.round(value(front) * 0.6 + value(back) * 0.4)
          .toString(16)
          .padStart(2, '0');
      })
      .join('')}`;
  for (const theme of ['light', 'dark'] as const) {
    for (const colour of avatarColours) {
      const name = mixed(colour, colours.text[theme]);
      expect(contrast(name, colours['their-bubble'][theme]), `${colour} ${theme}`).toBeGreaterThanOrEqual(4.5);
    }
  }
});
