/**
 * Electron's security checklist (docs/tutorial/security.md), point by point, on the shell as it really starts. Each
 * test fails when its setting is flipped. Not here: point 19 (fuses) concerns packages, which are not made yet.
 */
import { readFileSync } from 'node:fs';
import type { MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contentSecurityPolicy } from '../bridge/app-page.ts';
import { OPEN_CHANNEL, PORT_CHANNEL } from '../bridge/message-channel-port.ts';
import { sampleAccount, sampleApp } from '../bridge/testing/recording-client.ts';
import { preventable } from './testing/fake-electron.ts';
import { type RunningShell, settle, startShell } from './testing/running-shell.ts';

let shell: RunningShell;
beforeEach(async () => {
  shell = await startShell();
});
afterEach(() => {
  shell.remove();
});

const preferences = () => shell.window().options.webPreferences as Record<string, unknown>;
const page = 'app://fastim/';

async function fetchPage(url: string, method = 'GET'): Promise<Response> {
  const handler = shell.electron.protocolHandlers.get('app');
  if (!handler) throw new Error('no handler of app:');
  // Not `new Request`, which would tidy the address before the handler sees it.
  return handler({ url, method } as Request);
}

const elsewhere = [
  'https://example.org/',
  'http://127.0.0.1:8600/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'blob:https://example.org/1',
  'app://other/',
  'app://fastim.example.org/',
  'app://user@fastim/',
  'fastim://add?host=x',
  'about:blank',
  'chrome://gpu',
  '\\\\host\\share',
  'not a url',
  '',
];

describe('the security checklist', () => {
  it('1: loads our own page only, and no request leaves for the network', () => {
    expect(shell.window().calls).toContainEqual(['loadURL', page]);
    const cancelled = (url: string) => {
      let cancel: boolean | undefined;
      const answer = (response: { cancel: boolean }) => {
        cancel = response.cancel;
      };
      shell.electron.session.beforeRequest?.({ url } as never, answer as never);
      return cancel;
    };
    for (const url of ['https://example.org/x.js', 'http://127.0.0.1/', 'ws://127.0.0.1/', 'file:///x', 'app://x/']) {
      expect(cancelled(url)).toBe(true);
    }
    expect(cancelled('app://fastim/assets/main-1.js')).toBe(false);
  });

  it('2: no Node in the page, its workers or its frames', () => {
    expect(preferences().nodeIntegration).toBe(false);
    expect(preferences().nodeIntegrationInWorker).toBe(false);
    expect(preferences().nodeIntegrationInSubFrames).toBe(false);
  });

  it('3: the preload script lives in a world of its own', () => {
    expect(preferences().contextIsolation).toBe(true);
    expect(preferences().preload).toMatch(/preload\.cjs$/);
  });

  it('4: every process of a page is in the sandbox', () => {
    expect(preferences().sandbox).toBe(true);
    expect(shell.electron.app.calls).toContainEqual(['enableSandbox']);
  });

  it('5: grants notifications and writing the clipboard, to our page, and nothing else to anybody', () => {
    const { session } = shell.electron;
    const requested = (permission: string, requestingUrl: string, isMainFrame = true) => {
      let granted: boolean | undefined;
      const answer = (value: boolean) => {
        granted = value;
      };
      session.permissionRequest?.(
        {} as never,
        permission as never,
        answer as never,
        { isMainFrame, requestingUrl } as never,
      );
      return granted;
    };
    const checked = (permission: string, origin: string, isMainFrame = true) =>
      session.permissionCheck?.(null as never, permission as never, origin as never, { isMainFrame } as never);
    for (const permission of ['notifications', 'clipboard-sanitized-write']) {
      expect(requested(permission, page)).toBe(true);
      expect(checked(permission, 'app://fastim')).toBe(true);
      expect(requested(permission, page, false)).toBe(false);
      expect(checked(permission, 'app://fastim', false)).toBe(false);
      for (const url of elsewhere) {
        expect(requested(permission, url)).toBe(false);
        expect(checked(permission, url)).toBe(false);
      }
    }
    const others = ['media', 'geolocation', 'clipboard-read', 'fullscreen', 'openExternal', 'hid', 'usb', 'serial'];
    for (const permission of [...others, 'display-capture', 'fileSystem', 'midi', 'idle-detection', 'unknown']) {
      expect(requested(permission, page)).toBe(false);
      expect(checked(permission, 'app://fastim')).toBe(false);
    }
    expect(session.devicePermission?.()).toBe(false);
  });

  it('6: web security is on', () => {
    expect(preferences().webSecurity).toBe(true);
  });

  it('7: the page comes with the content security policy, and so does every refusal', async () => {
    for (const path of ['', 'index.html', 'assets/main-1.js', 'nothing']) {
      const response = await fetchPage(`${page}${path}`);
      expect(response.headers.get('content-security-policy')).toBe(contentSecurityPolicy);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    }
    expect(contentSecurityPolicy).not.toContain('unsafe');
  });

  it('8: no insecure content in a secure page', () => {
    expect(preferences().allowRunningInsecureContent).toBe(false);
  });

  it('9: no experimental features', () => {
    expect(preferences().experimentalFeatures).toBe(false);
  });

  it('10: no Blink features switched on', () => {
    expect(preferences()).not.toHaveProperty('enableBlinkFeatures');
  });

  it('11 and 12: no webview, whatever its options', () => {
    expect(preferences().webviewTag).toBe(false);
    const event = preventable();
    shell.window().webContents.emit('will-attach-webview', event, {}, {});
    expect(event.prevented).toBe(true);
  });

  it.each(['will-navigate', 'will-frame-navigate', 'will-redirect'])('13: %s leads nowhere but to our page', (name) => {
    for (const url of elsewhere) {
      const event = preventable({ url });
      shell.window().webContents.emit(name, event);
      expect(event.prevented).toBe(true);
    }
    const home = preventable({ url: `${page}#x` });
    shell.window().webContents.emit(name, home);
    expect(home.prevented).toBe(false);
    expect(preferences().navigateOnDragDrop).toBe(false);
  });

  it('14: no page opens a window', () => {
    for (const url of [...elsewhere, page]) {
      expect(shell.window().webContents.openHandler?.({ url })).toEqual({ action: 'deny' });
    }
    expect(shell.electron.windows).toHaveLength(1);
  });

  it('15: opens https and mailto outside, after a question that shows the host, and nothing else', async () => {
    const { electron } = shell;
    const click = async (url: string) => {
      shell.window().webContents.openHandler?.({ url });
      await settle();
    };
    electron.answer = 1;
    await click('https://example.org/');
    expect(electron.questions).toHaveLength(1);
    expect(electron.opened).toEqual([]);
    electron.answer = 0;
    await click('https://exämple.org/a?b#c');
    expect(electron.questions[1]?.detail).toContain('xn--exmple-cua.org');
    await click('mailto:bob@example.org');
    expect(electron.opened).toEqual(['https://xn--exmple-cua.org/a?b#c', 'mailto:bob@example.org']);
    const refused = elsewhere.filter((url) => url !== 'https://example.org/');
    refused.push(
      'http://example.org/',
      'https://google.com@evil.example/',
      'smb://host/x',
      'ms-msdt:/id',
      'vbscript:x',
    );
    refused.push(`https://example.org/${'x'.repeat(9000)}`);
    for (const url of refused) await click(url);
    expect(electron.opened).toHaveLength(2);
    expect(electron.questions).toHaveLength(3);
  });

  it('16: Electron is pinned to a version that was current', () => {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const { electron } = (JSON.parse(text) as { devDependencies: { electron: string } }).devDependencies;
    expect(electron).toMatch(/^\d+\.\d+\.\d+$/);
    expect(Number(electron.split('.')[0])).toBeGreaterThanOrEqual(45);
  });

  describe('17 (and bad input 58): the bridge is for the main frame of our page in our window', () => {
    const ask = (frame: { url: string; parent: object | null } | null, sender: unknown) => {
      const posted: [string, unknown, MessagePort[]][] = [];
      const senderFrame = frame && {
        ...frame,
        postMessage: (channel: string, message: unknown, ports: MessagePort[]) =>
          posted.push([channel, message, ports]),
      };
      shell.electron.ipcMain.emit(OPEN_CHANNEL, { sender, senderFrame });
      return posted;
    };

    it('it gets a port that works', async () => {
      const [answer] = ask({ url: page, parent: null }, shell.window().webContents);
      expect(answer?.slice(0, 2)).toEqual([PORT_CHANNEL, null]);
      const port = answer?.[2][0];
      const reply = new Promise<string>((resolve) => port?.once('message', resolve));
      port?.postMessage(JSON.stringify({ id: 1, command: 'app.open', params: {} }));
      expect(JSON.parse(await reply)).toEqual({ id: 1, result: { ...sampleApp, account: sampleAccount } });
      port?.close();
      await expect.poll(() => shell.client.subscriptions).toBeLessThan(10);
    });

    it('an iframe, a foreign page, another window or a frame that is gone gets none', () => {
      const own = shell.window().webContents;
      for (const url of elsewhere) expect(ask({ url, parent: null }, own)).toEqual([]);
      expect(ask({ url: page, parent: {} }, own)).toEqual([]);
      expect(ask({ url: page, parent: null }, {})).toEqual([]);
      expect(ask(null, own)).toEqual([]);
    });

    it('no other channel is listened to', () => {
      expect(shell.electron.ipcMain.eventNames()).toEqual([OPEN_CHANNEL]);
    });
  });

  it('18: our own scheme in place of file:, secure, with an origin, and no way around the policy', async () => {
    expect(shell.electron.schemes).toEqual([
      { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
    ]);
    expect(await (await fetchPage(page)).text()).toContain('the app');
    const bad = [
      '../secret.html',
      '%2e%2e/secret.html',
      '..%2fsecret.html',
      '..\\secret.html',
      'assets/..%2f..%2fsecret.html',
    ];
    for (const path of [...bad, 'assets/', '/index.html', 'index.html%00']) {
      expect((await fetchPage(`${page}${path}`)).status).toBe(404);
    }
    for (const url of ['app://other/index.html', 'app://fastim:1/index.html']) {
      expect((await fetchPage(url)).status).toBe(404);
    }
    for (const method of ['POST', 'PUT', 'DELETE']) expect((await fetchPage(page, method)).status).toBe(405);
  });

  it('20: no Electron API reaches the page: the preload script exposes nothing', () => {
    const text = readFileSync(new URL('../preload/preload.ts', import.meta.url), 'utf8');
    expect(text).not.toContain('contextBridge');
    expect(text).not.toContain('exposeInMainWorld');
    expect(text.match(/from 'electron'/g)).toHaveLength(1);
    expect(text).toMatch(/import \{ ipcRenderer \} from 'electron'/);
  });

  it('and beyond it: no downloads, no dictionaries from elsewhere, tools for developers only outside packages', async () => {
    const download = preventable();
    shell.electron.session.emit('will-download', download);
    expect(download.prevented).toBe(true);
    expect(preferences().spellcheck).toBe(false);
    expect(preferences().devTools).toBe(false);
  });
});

describe('bad input 60: links to the app', () => {
  it('the app claims no scheme of links, and acts on none that is handed over', async () => {
    const { app } = shell.electron;
    const before = shell.client.calls.length;
    const links = ['fastim://add?host=evil.example&key=x', 'fastim://login?token=x', `fastim://${'x'.repeat(100_000)}`];
    for (const url of links) {
      const event = preventable();
      app.emit('open-url', event, url);
      expect(event.prevented).toBe(true);
      const file = preventable();
      app.emit('open-file', file, '/etc/passwd');
      expect(file.prevented).toBe(true);
      app.emit('second-instance', {}, ['FastIM', url], '/');
    }
    await settle();
    expect(shell.client.calls).toHaveLength(before);
    expect(shell.electron.questions).toEqual([]);
    expect(shell.window().calls.filter(([name]) => name === 'loadURL')).toEqual([['loadURL', page]]);
    expect('setAsDefaultProtocolClient' in app).toBe(false);
  });
});
