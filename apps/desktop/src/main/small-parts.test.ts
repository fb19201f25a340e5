import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@fastim/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createRecordingClient,
  sampleAccount,
  sampleApp,
  sampleConversation,
} from '../bridge/testing/recording-client.ts';
import { isAppUrl } from './app-origin.ts';
import { watchConversations } from './conversation-watch.ts';
import { readExternalUrl } from './external-links.ts';
import { applicationMenu } from './menus.ts';
import { createNotificationCentre } from './notification-centre.ts';
import { readShellOptions, ShellOptionsError } from './shell-options.ts';
import { createFakeElectron } from './testing/fake-electron.ts';
import { drawIcon } from './tray-icon.ts';
import { defaultWindowState, readWindowState, writeWindowState } from './window-state.ts';

describe("the shell's options", () => {
  const read = (args: string[], environment: Record<string, string> = {}) =>
    readShellOptions(args, environment, '/home/me');

  it('have defaults, and leave what is Chromium’s alone', () => {
    expect(read(['.', '--no-sandbox', '--remote-debugging-port=0', 'fastim://add?host=x'])).toEqual({
      profile: 'default',
      suggestedServerUrl: 'http://127.0.0.1:8600',
      data: undefined,
    });
  });

  it.each([
    [['--profile', 'bob', '--server', 'https://a/', '--data', 'x']],
    [['--profile=bob', '--server=https://a', '--data=x']],
  ])('come from %j', (args) => {
    expect(read(args)).toEqual({ profile: 'bob', suggestedServerUrl: 'https://a', data: '/home/me/x' });
  });

  it('come from variables, which the command line outranks', () => {
    const environment = { FASTIM_DESKTOP_PROFILE: 'ann', FASTIM_DESKTOP_SERVER: 'http://b', FASTIM_DESKTOP_DATA: '/d' };
    expect(read([], environment)).toEqual({ profile: 'ann', suggestedServerUrl: 'http://b', data: '/d' });
    expect(read(['--profile', 'bob'], environment).profile).toBe('bob');
  });

  it.each([
    [['--profile', '../x'], '--profile'],
    [['--profile'], '--profile'],
    [['--profile', '--server'], '--profile'],
    [['--server', 'file:///x'], '--server'],
    [['--server=javascript:x'], '--server'],
    [['--data'], '--data'],
    [['--data', '--no-sandbox'], '--data'],
  ])('%j is refused by name', (args, named) => {
    expect(() => read(args)).toThrow(ShellOptionsError);
    expect(() => read(args)).toThrow(named);
  });
});

describe('the place of the window', () => {
  const screens = [
    { x: 0, y: 0, width: 1920, height: 1040 },
    { x: 1920, y: 0, width: 1280, height: 1000 },
  ];
  let file: string;
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'fastim-window-'));
    file = join(directory, 'profile/window.json');
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it('is the same after a restart, on the second screen too', () => {
    const state = { bounds: { x: 2000, y: 50, width: 900, height: 700 }, maximised: true, toldOfTray: true };
    writeWindowState(file, state);
    expect(readWindowState(file, screens)).toEqual(state);
  });

  it.each([
    ['beside every screen', { x: 5000, y: 50, width: 900, height: 700 }],
    ['above them', { x: 10, y: -400, width: 900, height: 700 }],
    ['below them', { x: 10, y: 1030, width: 900, height: 700 }],
    ['with a sliver left', { x: -850, y: 10, width: 900, height: 700 }],
  ])('%s is given up, the size kept', (_name, bounds) => {
    writeWindowState(file, { bounds, maximised: false, toldOfTray: false });
    expect(readWindowState(file, screens).bounds).toEqual({ width: 900, height: 700 });
  });

  it('without a file, or with a damaged one, is the default', () => {
    expect(readWindowState(file, screens)).toEqual(defaultWindowState());
    writeWindowState(file, defaultWindowState());
    const damaged = ['', '{', 'null', '[]', '{"bounds":{"width":-1,"height":1e9},"maximised":1}', '\0\0\0'];
    for (const text of damaged) {
      writeFileSync(file, text);
      expect(readWindowState(file, screens)).toEqual(defaultWindowState());
    }
  });
});

describe('links to the outside', () => {
  it.each([
    ['https://example.org', 'https://example.org/', 'example.org'],
    ['https://example.org:8443/a?b#c', 'https://example.org:8443/a?b#c', 'example.org:8443'],
    ['https://раураl.com', 'https://xn--l-7sba6dbr.com/', 'xn--l-7sba6dbr.com'],
    ['mailto:bob@example.org?subject=x', 'mailto:bob@example.org?subject=x', 'bob@example.org'],
  ])('%s shows where it leads', (text, url, shown) => {
    expect(readExternalUrl(text)).toEqual({ url, shown });
  });

  it.each(['http://a', 'file:///x', 'javascript:x', 'https://a@b', 'https://a:b@c', 'smb://x', '', 'https://'])(
    '%s is none',
    (text) => {
      expect(readExternalUrl(text)).toBeUndefined();
    },
  );
});

describe('our own address', () => {
  it.each(['app://fastim/', 'app://fastim/index.html?x#y'])('%s is ours', (url) => {
    expect(isAppUrl(url)).toBe(true);
  });

  it.each(['app://fastim2/', 'app://fastim:80/', 'app://a@fastim/', 'http://fastim/', 'app:fastim', ''])(
    '%s is not',
    (url) => {
      expect(isAppUrl(url)).toBe(false);
    },
  );
});

describe('the watch on conversations', () => {
  const clock = new ManualClock();
  const loggedIn = () => {
    const client = createRecordingClient();
    client.behave('app', () => ({ ...sampleApp, account: sampleAccount }));
    return client;
  };

  it('does not ask for the list while nobody is logged in', async () => {
    const client = createRecordingClient();
    const watch = watchConversations(client, clock);
    await watch.start();
    expect(client.calls.map(({ method }) => method)).toEqual(['app']);
    client.emit('account', sampleAccount);
    client.emit('conversations', [sampleConversation]);
    expect(watch.conversations.size).toBe(1);
  });

  it('sums what is unread, says so only when it changes, and starts anew after a log-out', async () => {
    const client = loggedIn();
    client.behave('listConversations', () => [{ ...sampleConversation, unread: 2 }]);
    const watch = watchConversations(client, clock);
    const totals: number[] = [];
    watch.onUnread((total) => totals.push(total));
    await watch.start();
    client.emit('conversations', [{ ...sampleConversation, conversationId: '42', unread: 3 }]);
    client.emit('conversations', [{ ...sampleConversation, conversationId: '42', unread: 3, draft: 'x' }]);
    client.emit('conversations', [{ ...sampleConversation, unread: 0 }]);
    client.emit('account', null);
    expect(totals).toEqual([2, 5, 3, 0]);
    watch.stop();
    expect(client.subscriptions).toBe(0);
  });

  it('leaves out what is muted, until the mute ends, and what is archived', async () => {
    const client = loggedIn();
    const hour = 3_600_000;
    const muted = { ...sampleConversation, conversationId: '42', unread: 4, silentUntilMs: clock.now() + 30 * hour };
    client.behave('listConversations', () => [{ ...sampleConversation, unread: 1 }, muted]);
    const watch = watchConversations(client, clock);
    const totals: number[] = [];
    watch.onUnread((total) => totals.push(total));
    await watch.start();
    client.emit('conversations', [{ ...sampleConversation, conversationId: '43', unread: 9, archived: true }]);
    expect([watch.total, totals]).toEqual([1, [1]]);
    clock.advance(30 * hour - 1);
    expect(watch.total).toBe(1);
    clock.advance(1);
    expect([watch.total, totals]).toEqual([5, [1, 5]]);
    client.emit('conversations', [{ ...muted, silentUntilMs: Number.MAX_SAFE_INTEGER }]);
    clock.advance(1_000 * hour);
    expect([watch.total, totals]).toEqual([1, [1, 5, 1]]);
    watch.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not let the list that it asked for undo what an event brought meanwhile', async () => {
    const client = loggedIn();
    const watch = watchConversations(client, clock);
    const starting = watch.start();
    client.emit('conversations', [{ ...sampleConversation, unread: 7 }]);
    await starting;
    expect(watch.conversations.get('41')?.unread).toBe(7);
  });
});

describe('the notification centre', () => {
  it('replaces what it showed for the same key, and forgets what was clicked or closed', () => {
    const electron = createFakeElectron('');
    const centre = createNotificationCentre(electron.api);
    const clicked: string[] = [];
    centre.show('41', { title: 'Bob', body: 'a' }, () => clicked.push('a'));
    centre.show('41', { title: 'Bob', body: 'b' }, () => clicked.push('b'));
    centre.show('42', { title: 'Ann', body: 'c' }, () => clicked.push('c'));
    const [a, b, c] = electron.notifications;
    expect([a?.closed, b?.closed, c?.closed]).toEqual([true, false, false]);
    b?.emit('click');
    c?.emit('close');
    centre.dismiss('41');
    centre.dismiss('42');
    centre.dismiss('nothing');
    expect([b?.closed, c?.closed]).toEqual([false, false]);
    expect(clicked).toEqual(['b']);
  });
});

describe('the drawn icon', () => {
  const pixel = ({ pixels, width }: ReturnType<typeof drawIcon>, x: number, y: number) => {
    const at = (Math.floor(y * width) * width + Math.floor(x * width)) * 4;
    return [...pixels.subarray(at, at + 4)];
  };

  it('is a blue bubble on nothing, premultiplied, with a red dot when something is unread', () => {
    const plain = drawIcon(32, false);
    expect(plain.pixels).toHaveLength(32 * 32 * 4);
    expect(pixel(plain, 0.02, 0.98)).toEqual([0, 0, 0, 0]);
    expect(pixel(plain, 0.5, 0.2)).toEqual([0xf6, 0x6e, 0x3b, 255]);
    expect(pixel(plain, 0.5, 0.45)).toEqual([255, 255, 255, 255]);
    expect(pixel(drawIcon(32, true), 0.78, 0.22)).toEqual([0x4d, 0x48, 0xe5, 255]);
    for (let index = 0; index < plain.pixels.length; index += 4) {
      const alpha = plain.pixels[index + 3] ?? 0;
      for (let channel = 0; channel < 3; channel++) {
        expect(plain.pixels[index + channel] ?? 0).toBeLessThanOrEqual(alpha);
      }
    }
  });
});

describe('the application menu', () => {
  it('has the developer tools outside packages only', () => {
    const roles = (tools: boolean) => JSON.stringify(applicationMenu('linux', tools));
    expect(roles(true)).toContain('toggleDevTools');
    expect(roles(false)).not.toMatch(/toggleDevTools|reload/);
    expect(JSON.stringify(applicationMenu('darwin', false))).toContain('appMenu');
  });
});
