import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { sampleConversation, sampleMessage } from '../bridge/testing/recording-client.ts';
import { STOP_DEADLINE_MS } from './desktop-shell.ts';
import { type RunningShell, type ShellSetup, settle, startShell } from './testing/running-shell.ts';

const shells: RunningShell[] = [];
async function start(setup?: ShellSetup): Promise<RunningShell> {
  const shell = await startShell(setup);
  shells.push(shell);
  return shell;
}
afterEach(() => {
  for (const shell of shells.splice(0)) shell.remove();
});

const methods = (shell: RunningShell) => shell.client.calls.map((call) => call.method);

describe('the desktop shell', () => {
  it('keeps each profile in a folder of its own, with Chromium’s files and the lock in it', async () => {
    const shell = await start({ profile: 'bob' });
    const directory = join(shell.directory, 'user-data/profiles');
    expect(shell.made).toEqual([{ directory, profile: 'bob', suggestedServerUrl: 'http://127.0.0.1:8600' }]);
    expect(shell.electron.app.paths.userData).toBe(join(directory, 'bob/shell'));
  });

  it('gives way to the instance that has the profile: no window, no engine', async () => {
    const shell = await start({
      prepare: (electron) => {
        electron.app.hasLock = false;
      },
    });
    await shell.running;
    expect(shell.made).toEqual([]);
    expect(shell.electron.windows).toEqual([]);
    expect(shell.electron.app.ended).toBe(true);
  });

  it('comes forward when it is started again', async () => {
    const shell = await start();
    const window = shell.window();
    window.visible = false;
    window.minimised = true;
    shell.electron.app.emit('second-instance', {}, [], '/');
    expect([window.visible, window.minimised, window.focused]).toEqual([true, false, true]);
    expect(shell.electron.windows).toHaveLength(1);
  });

  it('shows the window once it has drawn, and starts the engine once', async () => {
    const shell = await start();
    expect(shell.window().options.show).toBe(false);
    expect(shell.window().visible).toBe(false);
    shell.window().emit('ready-to-show');
    expect(shell.window().visible).toBe(true);
    expect(methods(shell).filter((method) => method === 'start')).toHaveLength(1);
  });

  it('says why the engine cannot start, and quits', async () => {
    const shell = await start({
      prepare: (_electron, client) =>
        client.behave('start', () => {
          throw new Error('the data is from a newer version');
        }),
    });
    await shell.running;
    expect(shell.electron.errorBoxes).toEqual([['FastIM cannot start', 'the data is from a newer version']]);
    await settle();
    expect(shell.electron.app.ended).toBe(true);
  });

  it('quits only when the engine has written everything', async () => {
    let written = (): void => undefined;
    const shell = await start({
      prepare: (_electron, client) =>
        client.behave(
          'stop',
          () =>
            new Promise<void>((resolve) => {
              written = resolve;
            }),
        ),
    });
    const { app } = shell.electron;
    app.quit();
    app.quit();
    await settle();
    expect(methods(shell).filter((method) => method === 'stop')).toHaveLength(1);
    expect(app.ended).toBe(false);
    written();
    await settle();
    expect(app.ended).toBe(true);
    expect(shell.client.subscriptions).toBe(0);
    expect(shell.electron.trays[0]?.destroyed).toBe(true);
  });

  it('does not wait for ever for an engine that hangs', async () => {
    const shell = await start({
      prepare: (_electron, client) => client.behave('stop', () => new Promise(() => undefined)),
    });
    shell.electron.app.quit();
    shell.clock.advance(STOP_DEADLINE_MS - 1);
    await settle();
    expect(shell.electron.app.ended).toBe(false);
    shell.clock.advance(1);
    await settle();
    expect(shell.electron.app.ended).toBe(true);
  });

  it.each(['resume', 'unlock-screen'])('reconnects at once on %s', async (event) => {
    const shell = await start();
    shell.electron.powerMonitor.emit(event);
    await settle();
    expect(methods(shell)).toContain('retryConnection');
  });

  it('closing the window quits where no tray can be relied on', async () => {
    const shell = await start({ platform: 'linux' });
    expect(shell.window().userCloses()).toBe(true);
    shell.electron.app.emit('window-all-closed');
    await settle();
    expect(shell.electron.app.ended).toBe(true);
  });

  it('on Windows closing hides, which is told once ever, and the tray brings it back or quits', async () => {
    const shell = await start({ platform: 'win32' });
    const [tray] = shell.electron.trays;
    const window = shell.window();
    window.emit('ready-to-show');
    expect(window.userCloses()).toBe(false);
    expect(window.visible).toBe(false);
    expect(tray?.balloons).toHaveLength(1);
    tray?.emit('click');
    expect(window.visible).toBe(true);
    window.userCloses();
    expect(tray?.balloons).toHaveLength(1);
    expect(shell.electron.app.ended).toBe(false);
    tray?.menu.find(({ label }) => label === 'Quit FastIM')?.click?.();
    await settle();
    expect(shell.electron.app.ended).toBe(true);
    expect(window.userCloses()).toBe(true);
  });

  it('on macOS closing hides, the dock brings it back, and there is no tray', async () => {
    const shell = await start({ platform: 'darwin' });
    shell.window().emit('ready-to-show');
    expect(shell.window().userCloses()).toBe(false);
    shell.electron.app.emit('activate');
    expect(shell.window().visible).toBe(true);
    expect(shell.electron.trays).toEqual([]);
  });

  it('remembers where the window was', async () => {
    const shell = await start();
    shell.window().bounds = { x: 30, y: 40, width: 800, height: 600 };
    shell.window().maximised = true;
    shell.window().userCloses();
    const file = join(shell.directory, 'user-data/profiles/default/window.json');
    expect(existsSync(file)).toBe(true);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      bounds: { x: 30, y: 40, width: 800, height: 600 },
      maximised: true,
      toldOfTray: false,
    });
  });

  it('loads the page again when it crashes, but not for ever', async () => {
    const shell = await start();
    const { webContents } = shell.window();
    for (let count = 0; count < 10; count++) {
      webContents.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 1 });
    }
    expect(webContents.reloads).toBe(3);
  });

  it.each([
    ['linux', '2', 2],
    ['darwin', '2', 2],
    ['win32', '2', 0],
  ] as const)('on %s shows how much is unread', async (platform, count, badge) => {
    const shell = await start({ platform });
    shell.client.emit('conversations', [{ ...sampleConversation, unread: 2 }]);
    expect(shell.electron.app.badge).toBe(badge);
    if (platform !== 'darwin') expect(shell.electron.trays[0]?.tip).toContain(`${count} unread`);
    if (platform === 'win32') {
      expect(shell.window().calls.at(-1)).toMatchObject(['setOverlayIcon', { image: true }, '2 unread messages']);
    }
    shell.client.emit('account', null);
    expect(shell.electron.app.badge).toBe(0);
  });

  it('a click on a notification brings the window and the conversation forward', async () => {
    const shell = await start();
    const place = { key: 'a'.repeat(32), conversationId: '41', msgId: '9', convSeq: 9, senderId: '7', mine: false };
    const message = { ...sampleMessage, ...place, text: 'hi', status: 'stored' as const, order: 9 };
    shell.client.emit('connection', { state: 'online' });
    shell.client.emit('messages', { conversationId: '41', changed: [message], removed: [] });
    shell.clock.advance(1000);
    const [notification] = shell.electron.notifications;
    expect(notification?.text).toEqual({ title: 'Bob', body: 'hi' });
    expect(shell.window().calls).toContainEqual(['flashFrame', true]);
    notification?.emit('click');
    expect(shell.window().visible).toBe(true);
    expect(shell.window().focused).toBe(true);
  });

  it('speaks the language of the settings, and of the system until then', async () => {
    const shell = await start({
      prepare: (electron) => {
        electron.app.locale = 'zh-TW';
      },
    });
    expect(shell.electron.trays[0]?.menu.map(({ label }) => label)).toContain('退出 FastIM');
    shell.client.emit('settings', { theme: 'system', language: 'en', sendKey: 'enter' });
    shell.client.emit('conversations', [{ ...sampleConversation, unread: 1 }]);
    expect(shell.electron.trays[0]?.menu.map(({ label }) => label)).toContain('Quit FastIM');
    expect(shell.electron.trays[0]?.tip).toBe('FastIM – 1 unread message');
  });

  it('offers the text menu where there is text', async () => {
    const shell = await start();
    const editFlags = {
      canUndo: true,
      canRedo: false,
      canCut: true,
      canCopy: true,
      canPaste: true,
      canSelectAll: true,
    };
    const { webContents } = shell.window();
    webContents.emit('context-menu', {}, { isEditable: true, selectionText: '', editFlags });
    webContents.emit('context-menu', {}, { isEditable: false, selectionText: 'word', editFlags });
    webContents.emit('context-menu', {}, { isEditable: false, selectionText: ' ', editFlags });
    const roles = shell.electron.popups.map((items) => items.map(({ role }) => role).filter(Boolean));
    expect(roles).toEqual([
      ['undo', 'redo', 'cut', 'copy', 'paste', 'selectAll'],
      ['copy', 'selectAll'],
    ]);
  });
});
