/** Puts the shell together and leads it through its life: one instance, ready, running, quitting. */
import { join } from 'node:path';
import type { Clock } from '@fastim/core';
import type { Logger } from 'pino';
import type { ClientApi } from '../engine/client-api.ts';
import type { SettingsView } from '../engine/views.ts';
import { registerAppScheme, serveApp } from './app-protocol.ts';
import { listenForPages } from './bridge-channel.ts';
import { guardContents, guardSession } from './content-guard.ts';
import { watchConversations } from './conversation-watch.ts';
import type { ElectronApi } from './electron-api.ts';
import { createEngineHost, type EngineHost } from './engine-host.ts';
import { createExternalLinks } from './external-links.ts';
import { createMainWindow } from './main-window.ts';
import { applicationMenu } from './menus.ts';
import { notifyOfMessages } from './message-notifier.ts';
import { createNotificationCentre } from './notification-centre.ts';
import type { ShellOptions } from './shell-options.ts';
import { createUnreadMarks, type UnreadMarks } from './unread-marks.ts';
import { wordsFor } from './words.ts';

export interface DesktopShellOptions {
  electron: ElectronApi;
  options: ShellOptions;
  platform: NodeJS.Platform;
  appDirectory: string;
  preload: string;
  logger: Logger;
  clock: Clock;
  createClient: (options: { directory: string; profile: string; suggestedServerUrl: string }) => ClientApi;
}

/** What the engine may take to write everything before the app leaves without it. */
export const STOP_DEADLINE_MS = 10_000;

/**
 * Called once, before Electron is ready. Resolves when the window is open and the engine runs, or when this instance
 * gives way to one that has the profile already.
 */
export async function runDesktopShell(shell: DesktopShellOptions): Promise<void> {
  const { electron, options, platform, logger, clock } = shell;
  const { app } = electron;
  app.setName('FastIM');
  if (platform === 'win32') app.setAppUserModelId('org.fastim.desktop');
  const profiles = join(options.data ?? app.getPath('userData'), 'profiles');
  const profileDirectory = join(profiles, options.profile);
  // Chromium's own files, and with them Electron's lock for one instance, belong to the profile.
  app.setPath('userData', join(profileDirectory, 'shell'));
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  registerAppScheme(electron.protocol);
  app.enableSandbox();

  let settings: SettingsView['language'] = 'system';
  const words = () => wordsFor(settings, app.getLocale());
  let marks: UnreadMarks | undefined;
  const mainWindow = createMainWindow({
    electron,
    logger,
    words,
    preload: shell.preload,
    stateFile: join(profileDirectory, 'window.json'),
    // Elsewhere a tray cannot be relied on, and a hidden window could not be brought back.
    hidesOnClose: platform === 'win32' || platform === 'darwin',
    onFirstHidden: () => marks?.tell(words().keepsRunning),
  });
  const links = createExternalLinks({ electron, words, window: () => mainWindow.current });
  const openLink = (url: string): void => {
    links.open(url).catch((error: unknown) => logger.error({ err: error }, 'a link could not be opened'));
  };
  app.on('web-contents-created', (_event, contents) => guardContents(contents, openLink));
  // A second start, also by a link (fastim://…): the window comes forward, and what was handed over is not acted on.
  app.on('second-instance', () => mainWindow.open());
  app.on('open-url', (event) => event.preventDefault());
  app.on('open-file', (event) => event.preventDefault());
  app.on('activate', () => mainWindow.open());
  app.on('window-all-closed', () => {
    if (platform !== 'darwin') app.quit();
  });

  const client = shell.createClient({
    directory: profiles,
    profile: options.profile,
    suggestedServerUrl: options.suggestedServerUrl,
  });
  const host = createEngineHost(client, logger);
  const watch = watchConversations(client, clock);
  const ends: (() => void)[] = [
    watch.stop,
    client.on('settings', ({ language }) => {
      settings = language;
    }),
  ];
  stopBeforeQuit({
    electron,
    logger,
    clock,
    host,
    onQuit: () => {
      mainWindow.letGo();
      for (const end of ends.splice(0)) end();
      marks?.close();
    },
  });

  await app.whenReady();
  guardSession(electron.session.defaultSession);
  serveApp(electron.protocol, shell.appDirectory);
  listenForPages({ electron, logger, contents: () => mainWindow.current?.webContents, serve: host.serve });
  electron.Menu.setApplicationMenu(electron.Menu.buildFromTemplate(applicationMenu(platform, !app.isPackaged)));
  mainWindow.open();
  try {
    await host.start();
    settings = (await client.app()).settings.language;
    await watch.start();
  } catch (error) {
    logger.error({ err: error }, 'the engine could not be started');
    electron.dialog.showErrorBox(words().cannotStart, error instanceof Error ? error.message : String(error));
    app.quit();
    return;
  }

  marks = createUnreadMarks({
    electron,
    platform,
    words,
    window: () => mainWindow.current,
    onOpen: mainWindow.open,
    onQuit: () => app.quit(),
  });
  const { show, attention } = marks;
  watch.onUnread(show);
  show(watch.total);
  ends.push(
    notifyOfMessages({
      client,
      watch,
      clock,
      words,
      centre: createNotificationCentre(electron),
      isWatching: mainWindow.isWatched,
      hidesContent: () => false,
      onAttention: attention,
      onOpen: (conversationId) => {
        mainWindow.open();
        if (conversationId !== null) host.announce('show', { conversationId });
      },
    }),
  );
  // The network after a sleep is rarely the one before it.
  const reconnect = (): void => {
    client.retryConnection().catch((error: unknown) => logger.warn({ err: error }, 'could not reconnect after waking'));
  };
  electron.powerMonitor.on('resume', reconnect);
  electron.powerMonitor.on('unlock-screen', reconnect);
}

interface StopBeforeQuit {
  electron: ElectronApi;
  logger: Logger;
  clock: Clock;
  host: EngineHost;
  onQuit: () => void;
}

/** The first request to quit waits for the engine; then the app quits for good. */
function stopBeforeQuit({ electron: { app }, logger, clock, host, onQuit }: StopBeforeQuit): void {
  let stopping = false;
  let stopped = false;
  app.on('before-quit', (event) => {
    if (stopped) return;
    event.preventDefault();
    if (stopping) return;
    stopping = true;
    onQuit();
    const deadline = new Promise<void>((resolve) => {
      clock.setTimer(STOP_DEADLINE_MS, () => {
        logger.error({}, 'the engine did not stop in time');
        resolve();
      });
    });
    const stop = host.stop().catch((error: unknown) => logger.error({ err: error }, 'the engine did not stop cleanly'));
    void Promise.race([stop, deadline]).then(() => {
      stopped = true;
      app.quit();
    });
  });
}
