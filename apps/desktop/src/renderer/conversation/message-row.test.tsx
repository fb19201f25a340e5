// @vitest-environment happy-dom
import { cleanup, fireEvent, screen, within } from '@testing-library/react';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { MessageView } from '../../bridge/contract.ts';
import { fixtureNow, messagesOf } from '../fixture/fixture-data.ts';
import type { Language } from '../i18n/language.ts';
import { testIds } from '../test-ids.ts';
import { createTestUi, renderUi } from '../testing/render-ui.tsx';
import { MessageRow } from './message-row.tsx';
import type { RowActions } from './row-actions.ts';
import type { RowModel } from './row-models.ts';

afterEach(() => {
  cleanup();
  vi.clearAllMocks();
});

const actions = {
  retry: vi.fn(),
  openMenu: vi.fn(),
  openReactions: vi.fn(),
  react: vi.fn(),
  reply: vi.fn(),
  openQuote: vi.fn(),
  openReaders: vi.fn(),
  editAgain: vi.fn(),
  mention: vi.fn(),
  toggleSelected: vi.fn(),
} satisfies RowActions;

interface Drawn {
  row?: Partial<RowModel>;
  group?: boolean;
  canWrite?: boolean;
  selected?: boolean | null;
}

function draw(patch: Partial<MessageView>, language: Language = 'en', { row, ...props }: Drawn = {}) {
  const [base] = messagesOf('101', '2', [{ text: 'hello', mine: true, ago: 5 }]);
  const message = { ...base!, ...patch };
  const model = { id: '1', message, newDay: false, divider: false, first: true, last: true, receipt: false, ...row };
  return renderUi(
    createTestUi().ui,
    <MessageRow
      row={model}
      group={false}
      canWrite
      me="1"
      peerName="Alice"
      position={3}
      total={9}
      tabbable
      lit={false}
      selected={null}
      today={fixtureNow}
      actions={actions}
      {...props}
    />,
    language,
  );
}

describe('the tick', () => {
  test.each([
    ['sending', 'Sending', '发送中'],
    ['stored', 'Sent: stored on the server', '已发送：已存到服务器'],
    ['delivered', 'Delivered', '已送达'],
    ['read', 'Read', '已读'],
    ['failed', 'Not sent', '未发送'],
  ] as const)('%s says "%s" and "%s"', (status, english, chinese) => {
    draw({ status });
    const tick = screen.getByTestId(testIds.messageTick);
    expect(tick.dataset.status).toBe(status);
    expect(tick.getAttribute('aria-label')).toBe(english);
    expect(tick.title).toBe(english);
    cleanup();
    draw({ status }, 'zh-CN');
    expect(screen.getByTestId(testIds.messageTick).getAttribute('aria-label')).toBe(chinese);
  });

  test('messages of others have none', () => {
    draw({ mine: false, senderId: '2' });
    expect(screen.queryByTestId(testIds.messageTick)).toBeNull();
  });
});

test('a screen reader hears sender, text, time and status in one name, and the place in the list', () => {
  draw({ status: 'delivered' });
  const row = screen.getByTestId(testIds.message);
  expect(row.getAttribute('aria-label')).toMatch(/^You: hello, 15:37, Delivered$/);
  expect([row.getAttribute('aria-posinset'), row.getAttribute('aria-setsize')]).toEqual(['3', '9']);
});

test('a failed message says why and can be retried', () => {
  draw({ status: 'failed', failure: 'MESSAGE_TOO_LONG' });
  expect(screen.getByText('Not sent: The message is too long.')).toBeTruthy();
  fireEvent.click(screen.getByTestId(testIds.retryMessage));
  expect(actions.retry).toHaveBeenCalledOnce();
  fireEvent.click(screen.getByTestId(testIds.failedMenu));
  expect(actions.openMenu).toHaveBeenCalledOnce();
});

describe('hostile texts stay text', () => {
  test.each([
    '<img src=x onerror="window.hacked=true">',
    '<script>window.hacked=true</script>',
    '[click](javascript:alert(1)) javascript:alert(1)',
    '&lt;b&gt; &#x3C;script&#x3E;',
    '\u202Etxt.exe\u202C \u2066\u2069',
  ])('%j', (text) => {
    draw({ text, mine: false });
    const shown = screen.getByTestId(testIds.messageText);
    expect(shown.textContent).toBe(text);
    // One span of text, and no element that the text asked for.
    expect([...shown.querySelectorAll('*')].map(({ tagName }) => tagName)).toEqual(['SPAN']);
    expect('hacked' in window).toBe(false);
  });

  test('a link opens outside and says where it goes', () => {
    draw({ text: 'see https://example.org/x' });
    const link = within(screen.getByTestId(testIds.messageText)).getByRole('link');
    expect(link.getAttribute('href')).toBe('https://example.org/x');
    expect(link.getAttribute('rel')).toContain('noopener');
    expect(link.getAttribute('target')).toBe('_blank');
  });

  test('a very long text is clipped until it is asked for', () => {
    draw({ text: 'word '.repeat(3000) });
    const shown = screen.getByTestId(testIds.messageText);
    expect(shown.textContent!.length).toBeLessThan(4100);
    fireEvent.click(screen.getByRole('button', { name: 'Show more' }));
    expect(screen.getByTestId(testIds.messageText).textContent!.length).toBe(15_000);
    expect(screen.getByRole('button', { name: 'Show less' })).toBeTruthy();
  });

  test.each([
    ['marks', `a${'\u0301'.repeat(1_000_000)}`],
    ['emoji', '😀'.repeat(25_000)],
  ])('a bomb of %s is drawn small', (_, text) => {
    draw({ text });
    expect(screen.getByTestId(testIds.messageText).textContent!.length).toBeLessThan(4100);
  });
});

describe('what the server knows of a message is shown', () => {
  test('edited, forwarded, and a change of mine on its way', () => {
    draw({ edited: true, forwardedFrom: { userId: '7', name: 'Sofía' }, changing: true });
    expect(screen.getByTestId(testIds.messageEdited).textContent).toBe('edited');
    expect(screen.getByTestId(testIds.messageForwarded).textContent).toBe('Forwarded from Sofía');
    expect(screen.getByRole('img', { name: 'A change of yours is being sent' })).toBeTruthy();
  });

  test('markdown, and mentions: of me louder than of others', () => {
    draw({
      mine: false,
      text: '**now** @Lena Fischer and @Ann\n- one\n```js\nx\n```',
      mentions: [
        { userId: '1', name: 'Lena Fischer' },
        { userId: '8', name: 'Ann' },
      ],
    });
    const shown = screen.getByTestId(testIds.messageText);
    expect(shown.querySelector('strong')?.textContent).toBe('now');
    const mentions = [...shown.querySelectorAll<HTMLElement>('[data-mention]')];
    expect(mentions.map((one) => [one.textContent, one.dataset.mention])).toEqual([
      ['@Lena Fischer', 'true'],
      ['@Ann', 'false'],
    ]);
    expect(shown.querySelectorAll('li')).toHaveLength(1);
    expect(screen.getByRole('button', { name: 'Copy code' })).toBeTruthy();
  });

  test('a quote leads to the message that was answered; a recalled one leads nowhere', () => {
    const reply = { convSeq: 4, state: 'shown', senderName: 'Alice', text: 'the **old** one' } as const;
    draw({ reply });
    fireEvent.click(screen.getByTestId(testIds.messageQuote));
    expect(actions.openQuote).toHaveBeenCalledOnce();
    expect(screen.getByTestId(testIds.messageQuote).textContent).toBe('Alicethe old one');
    cleanup();
    draw({ reply: { ...reply, state: 'recalled', text: '' } });
    expect(screen.getByTestId(testIds.messageQuote).textContent).toBe('This message was recalled');
    expect(screen.queryByRole('button', { name: /Go to the message/ })).toBeNull();
    cleanup();
    draw({ reply: { ...reply, state: 'hidden', text: '' } }, 'zh-CN');
    expect(screen.getByTestId(testIds.messageQuote).textContent).toBe('你加入之前的消息');
  });

  test('in a group the first of a run has a name and an avatar that mentions', () => {
    draw({ mine: false, senderId: '2', senderName: 'Alice Nguyen' }, 'en', { group: true });
    expect(screen.getByTestId(testIds.messageSender).textContent).toBe('Alice Nguyen');
    fireEvent.click(screen.getByRole('button', { name: 'Mention Alice Nguyen' }));
    expect(actions.mention).toHaveBeenCalledOnce();
    expect(screen.getByTestId(testIds.message).getAttribute('aria-label')).toContain('Alice Nguyen: hello');
    cleanup();
    draw({ mine: false, senderId: '2', senderName: 'Alice Nguyen' }, 'en', { group: true, row: { first: false } });
    expect(screen.queryByTestId(testIds.messageSender)).toBeNull();
  });
});

describe('reactions', () => {
  const reactions = [
    { emoji: '👍', count: 14, mine: true, names: ['Lena', 'Alice'] },
    { emoji: '🎉', count: 1, mine: false, names: ['Bruno'] },
  ];

  test('say how many and who, and a press takes mine back or joins in', () => {
    draw({ reactions });
    const [mine, theirs] = screen.getAllByTestId(testIds.reaction);
    expect([mine!.textContent, mine!.getAttribute('aria-pressed')]).toEqual(['👍14', 'true']);
    expect(mine!.title).toBe('Lena, Alice, and 12 more reacted with 👍');
    fireEvent.click(mine!);
    fireEvent.click(theirs!);
    expect(actions.react.mock.calls.map(([, emoji, on]) => [emoji, on])).toEqual([
      ['👍', false],
      ['🎉', true],
    ]);
  });

  test('cannot be pressed where nothing may be written', () => {
    draw({ reactions }, 'en', { canWrite: false });
    fireEvent.click(screen.getAllByTestId(testIds.reaction)[0]!);
    expect(actions.react).not.toHaveBeenCalled();
  });
});

describe('a recalled message', () => {
  const by = { userId: '1', name: 'Lena Fischer' };

  test('of mine can be written anew for five minutes', () => {
    draw({ text: '', recalled: { by, mine: true, again: 'hello', againUntilMs: fixtureNow + 60_000 } });
    expect(screen.getByTestId(testIds.recalled).textContent).toBe('You recalled a message · Edit again');
    fireEvent.click(screen.getByTestId(testIds.editAgain));
    expect(actions.editAgain).toHaveBeenCalledOnce();
    cleanup();
    draw({ text: '', recalled: { by, mine: true, again: 'hello', againUntilMs: fixtureNow - 1 } });
    expect(screen.queryByTestId(testIds.editAgain)).toBeNull();
  });

  test('says who took it back, and whose it was when that was somebody else', () => {
    const theirs = { mine: false, senderId: '2', senderName: 'Alice', text: '' };
    const recalled = { mine: false, again: null, againUntilMs: 0 };
    draw({ ...theirs, recalled: { ...recalled, by: { userId: '2', name: 'Alice' } } });
    expect(screen.getByTestId(testIds.recalled).textContent).toBe('Alice recalled a message');
    cleanup();
    draw({ ...theirs, recalled: { ...recalled, by: { userId: '3', name: '王小明' } } }, 'zh-CN');
    expect(screen.getByTestId(testIds.recalled).textContent).toBe('王小明 撤回了 Alice 的一条消息');
  });
});

test('while messages are chosen a press chooses, and the buttons inside are out of reach', () => {
  draw({}, 'en', { selected: false });
  const row = screen.getByTestId(testIds.message);
  expect(row.dataset.selected).toBe('false');
  expect(row.querySelector('[inert]')).toBeTruthy();
  fireEvent.click(row);
  expect(actions.toggleSelected).toHaveBeenCalledOnce();
  cleanup();
  draw({ convSeq: null, status: 'sending' }, 'en', { selected: false });
  fireEvent.click(screen.getByTestId(testIds.message));
  expect(actions.toggleSelected).toHaveBeenCalledOnce();
});
