// @vitest-environment happy-dom
import { cleanup, fireEvent, screen, within } from '@testing-library/react';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { MessageView } from '../../bridge/contract.ts';
import { fixtureNow, messagesOf } from '../fixture/fixture-data.ts';
import type { Language } from '../i18n/language.ts';
import { testIds } from '../test-ids.ts';
import { createTestUi, renderUi } from '../testing/render-ui.tsx';
import { MessageRow } from './message-row.tsx';

afterEach(cleanup);

const actions = { retry: vi.fn(), openMenu: vi.fn() };

function draw(patch: Partial<MessageView>, language: Language = 'en') {
  const [base] = messagesOf('101', '2', [{ text: 'hello', mine: true, ago: 5 }]);
  const message = { ...base!, ...patch };
  return renderUi(
    createTestUi().ui,
    <MessageRow
      message={message}
      newDay={false}
      divider={false}
      first
      last
      senderName="Alice"
      position={3}
      total={9}
      tabbable
      today={fixtureNow}
      actions={actions}
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
    expect(shown.children).toHaveLength(0);
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
