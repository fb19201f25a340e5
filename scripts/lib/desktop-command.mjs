// How the desktop app is started: in Electron where its binary can be had and a screen is, else as the headless host.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { productNode, projectRoot } from './project.mjs';
import { readStamp, writeStamp } from './stamps.mjs';

const DOWNLOAD_PATIENCE_MS = 180_000;
const RETRY_AFTER_MS = 24 * 3_600_000;

/** @returns {string | undefined} the Electron executable, if it is there */
function electronBinary() {
  const folder = join(projectRoot, 'node_modules/electron');
  const pathFile = join(folder, 'path.txt');
  if (!existsSync(pathFile)) return undefined;
  const binary = join(folder, 'dist', readFileSync(pathFile, 'utf8').trim());
  return existsSync(binary) ? binary : undefined;
}

/** Whether a window could be shown. */
export function hasScreen() {
  return process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

/**
 * The Electron executable, downloaded if it is missing. Undefined where there is no screen or it cannot be had; a
 * download that failed is tried again a day later.
 * @returns {string | undefined}
 */
export function ensureElectron() {
  if (!hasScreen()) return undefined;
  const binary = electronBinary();
  if (binary) return binary;
  const failedAt = Number(readStamp('electron-failed') || 0);
  if (Date.now() - failedAt < RETRY_AFTER_MS) return undefined;
  console.error('FastIM: downloading Electron …');
  const install = spawnSync(productNode(), [join(projectRoot, 'node_modules/electron/install.js')], {
    cwd: projectRoot,
    encoding: 'utf8',
    timeout: DOWNLOAD_PATIENCE_MS,
  });
  const downloaded = install.status === 0 ? electronBinary() : undefined;
  if (!downloaded) {
    const why =
      install.stderr
        ?.trim()
        .split('\n')
        .find((line) => line.trim() !== '') ??
      install.error?.message ??
      'unknown';
    console.error(`FastIM: Electron could not be downloaded (${why}); using the browser instead.`);
    writeStamp('electron-failed', String(Date.now()));
  }
  return downloaded;
}

export function headlessEntry() {
  return join(projectRoot, 'apps/desktop/dist/headless/main.js');
}

/** @param {string[]} args */
export function desktopCommand(args) {
  const electron = ensureElectron();
  if (electron) return { command: electron, commandArgs: [join(projectRoot, 'apps/desktop'), ...args] };
  console.error('FastIM: no Electron here; the app opens at the address below in any browser on this machine.');
  const appDirectory = join(projectRoot, 'apps/desktop/dist/renderer-app');
  return { command: productNode(), commandArgs: [headlessEntry(), '--app-directory', appDirectory, ...args] };
}
