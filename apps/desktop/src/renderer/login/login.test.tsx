// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import { testIds } from '../test-ids.ts';
import { createTestUi, renderUi, settle } from '../testing/render-ui.tsx';
import { LoginScreen } from './login-screen.tsx';
import { serverUrlOf } from './server-address.ts';

afterEach(cleanup);

async function draw(language: 'en' | 'zh-CN' = 'en') {
  const kit = createTestUi({ account: null, connection: { state: 'idle' } });
  kit.connect();
  await settle();
  renderUi(kit.ui, <LoginScreen />, language);
  return kit;
}

function fill(testId: string, value: string): void {
  fireEvent.change(screen.getByTestId(testId), { target: { value } });
}

async function submit(): Promise<void> {
  await act(async () => {
    fireEvent.submit(screen.getByTestId(testIds.loginForm));
    await settle();
  });
}

async function logInWith(kit: Awaited<ReturnType<typeof draw>>, reason: string, retryAfterMs = 0) {
  kit.engine.failing.set('account.logIn', { reason, retryAfterMs });
  fill(testIds.username, 'lena');
  fill(testIds.password, 'secret words');
  await submit();
}

describe('an answer of the server in words', () => {
  test.each([
    ['INVALID_CREDENTIALS', 'Wrong user name or password.'],
    ['UNAVAILABLE', 'The server cannot be reached.'],
    ['OVERLOADED', 'The server is very busy.'],
    ['STORAGE_FULL', 'The server has no space left.'],
    ['UPGRADE_REQUIRED', 'Please update'],
    ['INTERNAL', 'Something failed on the server.'],
    ['SOMETHING_NEW', 'Something went wrong (SOMETHING_NEW).'],
  ])('%s: %s', async (reason, words) => {
    await logInWith(await draw(), reason);
    expect(screen.getByTestId(testIds.formError).textContent).toContain(words);
  });

  test('in Chinese as well', async () => {
    await logInWith(await draw('zh-CN'), 'INVALID_CREDENTIALS');
    expect(screen.getByTestId(testIds.formError).textContent).toContain('用户名或密码错误');
  });

  test('what was typed stays, and the field in question is marked', async () => {
    await logInWith(await draw(), 'INVALID_CREDENTIALS');
    const password = screen.getByTestId(testIds.password) as HTMLInputElement;
    expect(password.value).toBe('secret words');
    expect(password.getAttribute('aria-invalid')).toBe('true');
  });

  test('a taken name marks the name', async () => {
    const kit = await draw();
    kit.engine.failing.set('account.register', { reason: 'NAME_TAKEN' });
    fireEvent.click(screen.getByTestId(testIds.tabRegister));
    fill(testIds.username, 'alice');
    fill(testIds.displayName, 'Alice');
    fill(testIds.password, 'secret words');
    await submit();
    expect(screen.getByTestId(testIds.formError).textContent).toContain('This user name is taken.');
    expect(screen.getByTestId(testIds.username).getAttribute('aria-invalid')).toBe('true');
  });

  test('too many attempts count down and block until then', async () => {
    const kit = await draw();
    await logInWith(kit, 'TOO_MANY_ATTEMPTS', 3000);
    const button = screen.getByTestId(testIds.submit) as HTMLButtonElement;
    expect(screen.getByTestId(testIds.formError).textContent).toContain('Try again in 3 seconds');
    expect(button.disabled).toBe(true);
    act(() => kit.time.advance(2100));
    expect(screen.getByTestId(testIds.formError).textContent).toContain('Try again in 1 second');
    act(() => kit.time.advance(2000));
    expect(button.disabled).toBe(false);
  });
});

test('logging in sends trimmed name, untouched password and the address', async () => {
  const kit = await draw();
  fill(testIds.serverUrl, 'localhost:8600/');
  fill(testIds.username, ' lena ');
  fill(testIds.password, ' spaces stay ');
  await submit();
  expect(kit.engine.calls.find((call) => call.command === 'account.logIn')?.params).toEqual({
    serverUrl: 'http://localhost:8600',
    username: 'lena',
    password: ' spaces stay ',
  });
  expect(kit.ui.app.getState().account?.user.username).toBe('lena');
});

test('empty fields are asked for without asking the server', async () => {
  const kit = await draw();
  await submit();
  expect(screen.getByTestId(testIds.formError).textContent).toContain('Fill this in first.');
  expect(kit.engine.calls.some((call) => call.command === 'account.logIn')).toBe(false);
});

describe('the check of the address', () => {
  test('shows name, version, encryption and delay after a pause in typing', async () => {
    const kit = await draw();
    expect(screen.getByTestId(testIds.serverCheck).dataset.state).toBe('checking');
    await act(async () => {
      kit.time.advance(400);
      await settle();
    });
    const line = screen.getByTestId(testIds.serverCheck);
    expect(line.dataset.state).toBe('ok');
    expect(line.textContent).toBe('Example Chat · version 0.1.0Encrypted12 ms');
  });

  const pause = (kit: Awaited<ReturnType<typeof draw>>, ms: number) =>
    act(async () => {
      kit.time.advance(ms);
      await settle();
    });

  test.each([
    ['address', 'Nothing answers.'],
    ['tls', 'No secure connection'],
    ['timeout', 'No answer in time.'],
    ['not-fastim', 'not a FastIM server'],
    ['version', 'Please update FastIM.'],
  ] as const)('that failed at the step "%s" says so, with what an expert wants to know', async (step, words) => {
    const kit = await draw();
    kit.engine.data.server = { ok: false, step, detail: 'connect ECONNREFUSED' };
    await pause(kit, 400);
    const line = screen.getByTestId(testIds.serverCheck);
    expect(line.dataset.state).toBe('failed');
    expect(line.textContent).toContain(words);
    expect(line.querySelector('[title]')?.getAttribute('title')).toBe('connect ECONNREFUSED');
  });

  test('asks again by itself, whatever the reason', async () => {
    const kit = await draw();
    const { server } = kit.engine.data;
    kit.engine.data.server = { ok: false, step: 'address', detail: '' };
    await pause(kit, 400);
    const line = screen.getByTestId(testIds.serverCheck);
    expect(line.textContent).toContain('Nothing answers');
    kit.engine.failing.set('server.check', { reason: 'RATE_LIMITED' });
    await pause(kit, 5000);
    expect(line.dataset.state).toBe('failed');
    expect(line.textContent).toMatch(/^The check failed: /);
    kit.engine.failing.clear();
    kit.engine.data.server = server;
    await pause(kit, 5000);
    expect(line.dataset.state).toBe('ok');
  });

  test('of an address that is none says so at once', async () => {
    await draw();
    fill(testIds.serverUrl, 'not an address');
    expect(screen.getByTestId(testIds.serverCheck).textContent).toContain('This is not an address.');
  });
});

test.each([
  ['chat.example.org', 'https://chat.example.org'],
  ['localhost:8600', 'http://localhost:8600'],
  ['127.0.0.1:8600/', 'http://127.0.0.1:8600'],
  [' https://Example.org/chat/ ', 'https://example.org/chat'],
  ['[::1]:8600', 'http://[::1]:8600'],
  ['file:///etc/passwd', null],
  ['javascript:alert(1)', null],
  ['\\\\server\\share', null],
  ['https://user:secret@example.org', null],
  ['', null],
])('%j as an address is %j', (typed, expected) => {
  expect(serverUrlOf(typed)).toBe(expected);
});

test('fields tell the password manager what they are', async () => {
  await draw();
  const complete = (testId: string) => screen.getByTestId(testId).getAttribute('autocomplete');
  expect([complete(testIds.username), complete(testIds.password)]).toEqual(['username', 'current-password']);
  fireEvent.click(screen.getByTestId(testIds.tabRegister));
  expect(complete(testIds.password)).toBe('new-password');
});

test('the password can be looked at', async () => {
  await draw();
  const password = screen.getByTestId(testIds.password) as HTMLInputElement;
  expect(password.type).toBe('password');
  fireEvent.click(screen.getByRole('button', { name: 'Show password' }));
  expect(password.type).toBe('text');
});
