/** The desktop app's first file: all that knows Electron by name. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  app,
  BrowserWindow,
  dialog,
  ipcMain,
  Menu,
  MessageChannelMain,
  Notification,
  nativeImage,
  powerMonitor,
  protocol,
  screen,
  session,
  shell,
  Tray,
} from 'electron';
import pino from 'pino';
import { createNodeClient } from '../platform/create-node-client.ts';
import { systemClock } from '../platform/system-clock.ts';
import { runDesktopShell } from './desktop-shell.ts';
import { readShellOptions, type ShellOptions, ShellOptionsError } from './shell-options.ts';

const logger = pino({ name: 'fastim-desktop', level: 'info' }, pino.destination({ dest: 2, sync: true }));

function readOptions(): ShellOptions | undefined {
  try {
    return readShellOptions(process.argv.slice(1), process.env, process.cwd());
  } catch (error) {
    if (!(error instanceof ShellOptionsError)) throw error;
    process.stderr.write(`FastIM desktop: ${error.message}\n`);
    app.exit(2);
    return undefined;
  }
}

// Not app.getVersion(): outside a package that is Electron's own.
const packageJson = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
const clientVersion = `fastim-desktop/${(JSON.parse(packageJson) as { version: string }).version}`;

const options = readOptions();
if (options) {
  // Under a launcher the end of standard input means that the launcher is gone.
  if (process.env.FASTIM_STOP_WITH_STDIN === '1') {
    process.stdin.resume();
    process.stdin.once('close', () => app.quit());
  }
  runDesktopShell({
    electron: {
      app,
      BrowserWindow,
      dialog,
      ipcMain,
      Menu,
      MessageChannelMain,
      nativeImage,
      Notification,
      powerMonitor,
      protocol,
      screen,
      session,
      shell,
      Tray,
    },
    options,
    logger,
    platform: process.platform,
    clock: systemClock,
    // Both lie beside this file's folder, bundled or not.
    appDirectory: fileURLToPath(new URL('../renderer-app/', import.meta.url)),
    preload: fileURLToPath(new URL('../electron/preload.cjs', import.meta.url)),
    createClient: (client) => createNodeClient({ ...client, logger, clientVersion }),
  }).catch((error: unknown) => {
    logger.fatal({ err: error }, 'the shell failed');
    dialog.showErrorBox('FastIM', error instanceof Error ? error.message : String(error));
    app.exit(1);
  });
}
