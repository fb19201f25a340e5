/** A shell on the recorded Electron and a client without an engine. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@fastim/core/testing';
import pino from 'pino';
import {
  createRecordingClient,
  type RecordingClient,
  sampleAccount,
  sampleApp,
} from '../../bridge/testing/recording-client.ts';
import { runDesktopShell } from '../desktop-shell.ts';
import { createFakeElectron, type FakeElectron, type FakeWindow } from './fake-electron.ts';

export interface RunningShell {
  electron: FakeElectron;
  client: RecordingClient;
  clock: ManualClock;
  directory: string;
  /** The options that the client was made with. */
  made: { directory: string; profile: string; suggestedServerUrl: string }[];
  /** Resolves when the shell says it runs. */
  running: Promise<void>;
  window(): FakeWindow;
  remove(): void;
}

export interface ShellSetup {
  platform?: NodeJS.Platform;
  profile?: string;
  prepare?: (electron: FakeElectron, client: RecordingClient) => void;
}

/** Runs up to the ready window; `running` may still be pending if the client was told so. */
export async function startShell({
  platform = 'linux',
  profile = 'default',
  prepare,
}: ShellSetup = {}): Promise<RunningShell> {
  const directory = mkdtempSync(join(tmpdir(), 'fastim-shell-'));
  const appDirectory = join(directory, 'app');
  mkdirSync(join(appDirectory, 'assets'), { recursive: true });
  writeFileSync(join(appDirectory, 'index.html'), '<!doctype html>the app');
  writeFileSync(join(appDirectory, 'assets/main-1.js'), 'export {};');
  writeFileSync(join(directory, 'secret.html'), 'secret');
  const electron = createFakeElectron(join(directory, 'user-data'));
  const client = createRecordingClient();
  client.behave('app', () => ({ ...sampleApp, account: sampleAccount }));
  const clock = new ManualClock();
  prepare?.(electron, client);
  const made: RunningShell['made'] = [];
  const running = runDesktopShell({
    electron: electron.api,
    options: { profile, suggestedServerUrl: 'http://127.0.0.1:8600', data: undefined },
    platform,
    appDirectory,
    preload: join(directory, 'preload.cjs'),
    logger: pino({ level: 'silent' }),
    clock,
    createClient: (options) => {
      made.push(options);
      return client;
    },
  });
  electron.app.makeReady();
  await settle();
  return {
    ...{ electron, client, clock, directory, made, running },
    window() {
      const [window] = electron.windows;
      if (!window) throw new Error('there is no window');
      return window;
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Lets everything happen that is ready to. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
