/** The one window: made, shown, hidden, brought back, and its place remembered. */
import type { BrowserWindow } from 'electron';
import type { BridgeLogger } from '../bridge/bridge-server.ts';
import { APP_PAGE } from './app-origin.ts';
import type { ElectronApi } from './electron-api.ts';
import { textMenu } from './menus.ts';
import { createWebPreferences, createWindowOptions } from './window-options.ts';
import { readWindowState, type WindowState, writeWindowState } from './window-state.ts';
import type { Words } from './words.ts';

export interface MainWindow {
  readonly current: BrowserWindow | undefined;
  /** Makes it if need be, shows it and gives it the focus. */
  open(): void;
  /** The user has it before them. */
  isWatched(): boolean;
  /** From here on closing the window closes it. */
  letGo(): void;
}

export interface MainWindowOptions {
  electron: Pick<ElectronApi, 'app' | 'BrowserWindow' | 'Menu' | 'screen'>;
  stateFile: string;
  preload: string;
  /** Closing only hides: the app lives on in dock or tray. */
  hidesOnClose: boolean;
  /** Called when it was hidden for the first time ever. */
  onFirstHidden: () => void;
  words: () => Words;
  logger: BridgeLogger;
}

/** A page that crashes more often than this is left as it is. */
const MAX_RELOADS = 3;

export function createMainWindow(options: MainWindowOptions): MainWindow {
  const { electron, stateFile, logger } = options;
  let window: BrowserWindow | undefined;
  let state: WindowState | undefined;
  let lettingGo = false;

  const save = (from: BrowserWindow): void => {
    if (!state) return;
    // The size it has when it is not maximised is the one to come back to.
    state = { ...state, bounds: from.getNormalBounds(), maximised: from.isMaximized() };
    try {
      writeWindowState(stateFile, state);
    } catch (error) {
      logger.warn({ err: error }, 'the place of the window could not be kept');
    }
  };

  const create = (): BrowserWindow => {
    const workAreas = electron.screen.getAllDisplays().map((display) => display.workArea);
    state = readWindowState(stateFile, workAreas);
    const made = new electron.BrowserWindow(
      createWindowOptions(state, createWebPreferences(options.preload, !electron.app.isPackaged)),
    );
    if (state.maximised) made.maximize();
    let reloads = 0;
    made.once('ready-to-show', () => made.show());
    made.on('focus', () => made.flashFrame(false));
    made.on('close', (event) => {
      save(made);
      if (!options.hidesOnClose || lettingGo) return;
      event.preventDefault();
      made.hide();
      if (state && !state.toldOfTray) {
        state = { ...state, toldOfTray: true };
        save(made);
        options.onFirstHidden();
      }
    });
    made.on('closed', () => {
      if (window === made) window = undefined;
    });
    made.webContents.on('render-process-gone', (_event, details) => {
      logger.error({ reason: details.reason, exitCode: details.exitCode }, 'the page crashed');
      if (lettingGo || details.reason === 'clean-exit' || reloads >= MAX_RELOADS) return;
      reloads += 1;
      made.webContents.reload();
    });
    made.webContents.on('context-menu', (_event, params) => {
      const menu = textMenu(params, options.words());
      if (menu.length > 0) electron.Menu.buildFromTemplate(menu).popup({ window: made });
    });
    made.loadURL(APP_PAGE).catch((error: unknown) => logger.error({ err: error }, 'the page could not be loaded'));
    return made;
  };

  return {
    get current() {
      return window;
    },
    open() {
      if (lettingGo) return;
      if (!window) {
        window = create();
        return;
      }
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
    },
    isWatched: () => window?.isVisible() === true && window.isFocused(),
    letGo() {
      lettingGo = true;
    },
  };
}
