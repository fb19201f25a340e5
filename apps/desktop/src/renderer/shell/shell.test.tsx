// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { App } from '../app.tsx';
import { createUi } from '../state/ui.ts';
import { testIds } from '../test-ids.ts';
import { createTestUi, settle } from '../testing/render-ui.tsx';
import { applyLook, rememberedLook, rememberLook } from './apply-look.ts';

const usual = { theme: 'system', language: 'system', sendKey: 'enter' } as const;

beforeEach(() => localStorage.clear());
afterEach(cleanup);

async function draw(patch: Parameters<typeof createTestUi>[0] = {}) {
  const kit = createTestUi(patch);
  kit.connect();
  await act(settle);
  render(<App ui={kit.ui} />);
  await act(settle);
  return kit;
}

test('theme and language change without a restart, are kept for the next first paint, and reach the engine', async () => {
  const { engine } = await draw();
  expect(document.documentElement.dataset.theme).toBe('light');
  fireEvent.click(screen.getByTestId(testIds.settingsButton));
  await act(settle);
  const choose = (testId: string, value: string) =>
    act(async () => {
      fireEvent.click(screen.getByTestId(testId).querySelector(`input[value="${value}"]`)!);
      await settle();
    });
  await choose(testIds.themeSelect, 'dark');
  await choose(testIds.languageSelect, 'zh-CN');
  expect(document.documentElement.dataset.theme).toBe('dark');
  expect(document.documentElement.lang).toBe('zh-CN');
  expect(screen.getAllByText('设置').length).toBeGreaterThan(0);
  expect(rememberedLook(localStorage, usual)).toMatchObject({ theme: 'dark', language: 'zh-CN' });
  expect(engine.data.app.settings).toMatchObject({ theme: 'dark', language: 'zh-CN' });
});

test('a setting that could not be saved goes back and says so', async () => {
  const { ui, engine } = await draw();
  engine.failing.set('settings.set', { reason: 'STORAGE_FULL' });
  fireEvent.click(screen.getByTestId(testIds.settingsButton));
  await act(settle);
  await act(async () => {
    fireEvent.click(screen.getByTestId(testIds.themeSelect).querySelector('input[value="dark"]')!);
    await settle();
  });
  expect(ui.app.getState().settings.theme).toBe('light');
  expect(screen.getByRole('alert').textContent).toContain('could not be saved');
});

test('logging out asks first', async () => {
  const { ui, engine } = await draw();
  fireEvent.click(screen.getByTestId(testIds.settingsButton));
  await act(settle);
  await act(async () => {
    fireEvent.click(screen.getByTestId(testIds.logOut));
    await settle();
  });
  expect(engine.calls.some((call) => call.command === 'account.logOut')).toBe(false);
  await act(async () => {
    fireEvent.click(screen.getByTestId(testIds.logOutConfirm));
    await settle();
  });
  expect(ui.app.getState().account).toBeNull();
  expect(screen.getByTestId(testIds.loginForm)).toBeTruthy();
});

test.each([
  [0, null],
  [1, '1 message was not sent yet and will be lost.'],
  [3, '3 messages were not sent yet and will be lost.'],
])('logging out with %i unsent messages says what would be lost', async (unsent, words) => {
  const { engine } = await draw();
  const [one, two] = engine.data.conversations;
  await act(async () => {
    engine.emit('conversations', [
      { ...one!, unsent: Math.min(unsent, 1) },
      { ...two!, unsent: Math.max(0, unsent - 1) },
    ]);
    await settle();
  });
  fireEvent.click(screen.getByTestId(testIds.settingsButton));
  await act(settle);
  await act(async () => {
    fireEvent.click(screen.getByTestId(testIds.logOut));
    await settle();
  });
  expect(screen.queryByTestId(testIds.logOutUnsent)?.textContent ?? null).toBe(words);
});

test('logging in again warns that unsent messages are lost to somebody else', async () => {
  const { ui, engine } = await draw({ connection: { state: 'ended', reason: 'logged-out' } });
  act(() => ui.app.setState({ loggingInAgain: true }));
  expect(screen.queryByTestId(testIds.loginUnsent)).toBeNull();
  act(() => engine.emit('conversations', [{ ...engine.data.conversations[0]!, unsent: 2 }]));
  const words = screen.getByTestId(testIds.loginUnsent).textContent;
  expect(words).toContain(`2 messages of @${ui.app.getState().account?.user.username} were not sent yet.`);
  expect(words).toContain('lost if you log in as somebody else');
});

describe('without the engine', () => {
  test('a page that lost it says so and stays', async () => {
    const { engine } = await draw();
    act(() => engine.setState({ state: 'lost', retryAtMs: 0, error: new Error('gone') }));
    expect(screen.getByTestId(testIds.bridgeBar)).toBeTruthy();
    expect(screen.getByTestId(testIds.peopleSearch)).toBeTruthy();
    await act(async () => {
      engine.setState({ state: 'open' });
      await settle();
    });
    expect(screen.queryByTestId(testIds.bridgeBar)).toBeNull();
  });

  test('a page without its key says which address to open', async () => {
    const { engine } = await draw();
    const error = Object.assign(new Error('no token'), { name: 'TokenMissing' });
    act(() => engine.setState({ state: 'refused', error }));
    expect(screen.getByTestId(testIds.openPage).textContent).toContain('Open the printed address');
  });

  test('a wrong key is told from a missing one', async () => {
    const { engine } = await draw();
    const error = Object.assign(new Error('wrong token'), { closeCode: 4401 });
    act(() => engine.setState({ state: 'refused', error }));
    expect(screen.getByTestId(testIds.openPage).textContent).toContain('not the one of the FastIM that is running');
  });
});

test('a fault in drawing shows a page with a way on instead of nothing', async () => {
  const silent = vi.spyOn(console, 'error').mockImplementation(() => {});
  const { ui } = await draw();
  await act(async () => {
    ui.conversations.setState({ order: ['no such conversation'] });
    await settle();
  });
  expect(screen.getByRole('alert').textContent).toContain('Something went wrong on this page');
  silent.mockRestore();
});

test('what was remembered of the look is checked before it is used', () => {
  localStorage.setItem('fastim.look', '{"theme":"<script>","language":7}');
  expect(rememberedLook(localStorage, usual)).toEqual(usual);
  localStorage.setItem('fastim.look', 'not json');
  expect(rememberedLook(localStorage, usual)).toEqual(usual);
  rememberLook(localStorage, { theme: 'dark', language: 'en', sendKey: 'ctrl-enter' });
  expect(rememberedLook(localStorage, usual)).toEqual({ theme: 'dark', language: 'en', sendKey: 'ctrl-enter' });
  applyLook(document, { ...usual }, ['zh-CN']);
  expect(document.documentElement.lang).toBe('zh-CN');
  expect(document.documentElement.dataset.theme).toBeUndefined();
});

test('two pages do not share state', () => {
  const { engine, time } = createTestUi();
  const surroundings = { now: time.now, schedule: time.schedule, watched: () => true };
  const one = createUi(engine, surroundings);
  const other = createUi(engine, surroundings);
  one.app.setState({ profile: 'bob' });
  one.drafts.changed('101', 'mine');
  expect(other.app.getState().profile).toBe('default');
  expect(other.drafts.latest('101')).toBeUndefined();
});
