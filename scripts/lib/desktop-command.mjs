// How the desktop app is started: in Electron where its binary is there and a screen is, else as the headless host.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { productNode, projectRoot } from './project.mjs';

/** @returns {string | undefined} the Electron executable, if it was downloaded with the package */
export function electronBinary() {
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

export function headlessEntry() {
  return join(projectRoot, 'apps/desktop/dist/headless/main.js');
}

/** @param {string[]} args */
export function desktopCommand(args) {
  const electron = electronBinary();
  if (electron && hasScreen()) return { command: electron, commandArgs: [join(projectRoot, 'apps/desktop'), ...args] };
  console.error('FastIM: Electron is not installed here; serving the app to the browser instead.');
  return { command: productNode(), commandArgs: [headlessEntry(), ...args] };
}
