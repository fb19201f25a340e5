import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { _electron, type Page } from '@playwright/test';
import { cleanEnvironment, node, projectRoot } from '../fixtures/paths.ts';
import { PASSWORD } from '../fixtures/person.ts';
import { expect, test } from '../fixtures/test.ts';

const desktop = join(projectRoot, 'apps/desktop');
const bundle = join(desktop, 'dist/electron/main.js');

/** The executable that Electron's package downloads when it is installed; not every network lets it. */
function electronBinary(): string | undefined {
  const folder = join(projectRoot, 'node_modules/electron');
  const pathFile = join(folder, 'path.txt');
  if (!existsSync(pathFile)) return undefined;
  const binary = join(folder, 'dist', readFileSync(pathFile, 'utf8').trim());
  return existsSync(binary) ? binary : undefined;
}

function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'fastim-electron-'));
}

test.describe('the desktop app in Electron', () => {
  const executablePath = electronBinary();
  const hasScreen = process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
  test.skip(!executablePath, "Electron's binary is not installed here");
  test.skip(!hasScreen, 'there is no screen for a window');

  async function launch(data: string, serverUrl: string) {
    const sandbox = process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    return _electron.launch({
      executablePath: executablePath ?? '',
      args: [...sandbox, desktop, '--profile', 'alice', '--data', data, '--server', serverUrl],
      env: Object.fromEntries(Object.entries(cleanEnvironment()).map(([name, value]) => [name, value ?? ''])),
    });
  }

  test('opens its window, has nothing of Node in the page, registers, and is signed in after a restart', async ({
    world,
  }) => {
    const data = temporaryDirectory();
    world.onClose(async () => rmSync(data, { recursive: true, force: true }));
    const server = await world.server();

    const first = await launch(data, server.url);
    const page = await first.firstWindow();
    expect(page.url()).toBe('app://fastim/');
    expect(await reachable(page)).toEqual([]);
    await page.getByTestId('tab-register').click();
    await page.getByTestId('username').fill('alice');
    await page.getByTestId('display-name').fill('Alice');
    await page.getByTestId('password').fill(PASSWORD);
    await page.getByTestId('submit').click();
    await expect(page.getByTestId('conversation-list')).toBeVisible();
    await page.screenshot({ path: 'artifacts/screens/electron.png' });

    // A page may not leave, and a reload gets a new port.
    await page.evaluate(() => {
      location.href = 'https://example.org/';
    });
    await page.reload();
    await expect(page.getByTestId('conversation-list')).toBeVisible();
    expect(page.url()).toBe('app://fastim/');
    await first.close();

    const second = await launch(data, server.url);
    await expect((await second.firstWindow()).getByTestId('conversation-list')).toBeVisible();
    await second.close();
  });

  /** What a page in a sandbox must not have. */
  function reachable(page: Page): Promise<string[]> {
    const names = ['require', 'process', 'module', 'Buffer', 'electron', 'ipcRenderer', '__dirname'];
    return page.evaluate((list) => list.filter((name) => name in window), names);
  }
});

/** Electron's part, played by a program: it opens the page and a bridge, asks one thing, and quits. */
const recordedElectron = `
import { EventEmitter } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
const say = (name, value) => console.log(JSON.stringify({ [name]: value }));
const nothing = () => undefined;
const handlers = new Map();
let contents;
export const app = Object.assign(new EventEmitter(), {
  isPackaged: true, setName: nothing, setAppUserModelId: nothing, enableSandbox: nothing, setPath: nothing,
  getPath: () => process.env.TEST_DATA, getLocale: () => 'en', requestSingleInstanceLock: () => true,
  whenReady: async () => undefined, setBadgeCount: (count) => say('badge', count),
  quit() {
    let prevented = false;
    app.emit('before-quit', { preventDefault() { prevented = true; } });
    if (!prevented) process.exit(0);
  },
  exit: (code) => process.exit(code),
});
export class BrowserWindow extends EventEmitter {
  constructor(options) {
    super();
    say('preload', options.webPreferences.preload);
    contents = this.webContents = Object.assign(new EventEmitter(), { setWindowOpenHandler: nothing });
  }
  async loadURL(url) {
    const page = await handlers.get('app')({ url, method: 'GET' });
    say('page', [page.status, (await page.text()).includes('<div id="root">')]);
    const senderFrame = { url, parent: null, postMessage: (channel, message, [port]) => {
      port.once('message', (text) => {
        say('answer', JSON.parse(text));
        app.quit();
      });
      port.postMessage(JSON.stringify({ id: 1, command: 'app.open', params: {} }));
    } };
    ipcMain.emit('fastim:open-bridge', { sender: contents, senderFrame });
  }
}
class MainPort {
  constructor(port) { this.port = port; }
  on(name, listener) { this.port.on(name, (data) => listener({ data })); }
  start() { this.port.start(); }
  postMessage(data) { this.port.postMessage(data); }
  close() { this.port.close(); }
}
export class MessageChannelMain {
  constructor() {
    const { port1, port2 } = new MessageChannel();
    Object.assign(this, { port1: new MainPort(port1), port2 });
  }
}
export class Notification {}
export class Tray extends EventEmitter { setImage() {} setToolTip() {} setContextMenu() {} destroy() {} }
export const ipcMain = new EventEmitter();
export const powerMonitor = new EventEmitter();
export const dialog = { showErrorBox: (...text) => say('error', text) };
export const Menu = { buildFromTemplate: (items) => items, setApplicationMenu: nothing };
export const nativeImage = { createFromBitmap: () => ({}) };
export const protocol = { registerSchemesAsPrivileged: nothing, handle: (scheme, run) => handlers.set(scheme, run) };
export const screen = { getAllDisplays: () => [] };
export const session = { defaultSession: {
  on: nothing, webRequest: { onBeforeRequest: nothing }, setPermissionRequestHandler: nothing,
  setPermissionCheckHandler: nothing, setDevicePermissionHandler: nothing,
} };
export const shell = {};
`;

/** Needs no binary: it shows that the built files find each other, the store's worker and native module included. */
test("the desktop app's built files start, serve their page and their engine, and stop", async ({ world }) => {
  const directory = temporaryDirectory();
  world.onClose(async () => rmSync(directory, { recursive: true, force: true }));
  const electronFile = join(directory, 'electron.mjs');
  const hookFile = join(directory, 'hook.mjs');
  writeFileSync(electronFile, recordedElectron);
  writeFileSync(
    hookFile,
    `import { registerHooks } from 'node:module';
const url = ${JSON.stringify(pathToFileURL(electronFile).href)};
registerHooks({ resolve: (name, context, next) => name === 'electron' ? { url, shortCircuit: true } : next(name, context) });`,
  );
  const child = spawn(node, ['--import', pathToFileURL(hookFile).href, bundle], {
    env: cleanEnvironment({ TEST_DATA: directory }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  world.onClose(async () => {
    child.kill('SIGKILL');
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(errors).toBe('');
  expect(code).toBe(0);
  const said: Record<string, unknown> = Object.assign(
    {},
    ...output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
  expect(said).toMatchObject({
    page: [200, true],
    answer: { id: 1, result: { profile: 'default', account: null } },
  });
  expect(existsSync(String(said.preload))).toBe(true);
  // A sandboxed preload script may require electron and nothing else.
  expect(readFileSync(String(said.preload), 'utf8').match(/require\([^)]*\)|\bimport\b/g)).toEqual([
    'require("electron")',
  ]);
});
