/** How the window is made. Each line of `webPreferences` is a point of Electron's security checklist. */
import type { BrowserWindowConstructorOptions, WebPreferences } from 'electron';
import type { WindowState } from './window-state.ts';

export function createWebPreferences(preload: string, developerTools: boolean): WebPreferences {
  return {
    preload,
    contextIsolation: true,
    sandbox: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    webviewTag: false,
    navigateOnDragDrop: false,
    safeDialogs: true,
    // The checker of Windows and Linux fetches its dictionaries from elsewhere.
    spellcheck: false,
    // Messages come while the window is hidden; timers have to keep up.
    backgroundThrottling: false,
    devTools: developerTools,
  };
}

export function createWindowOptions(
  state: WindowState,
  webPreferences: WebPreferences,
): BrowserWindowConstructorOptions {
  return {
    ...state.bounds,
    minWidth: 360,
    minHeight: 480,
    title: 'FastIM',
    // Shown when the page has drawn something, in the colour that it will have.
    show: false,
    autoHideMenuBar: true,
    webPreferences,
  };
}
