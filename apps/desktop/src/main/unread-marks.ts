/** Shows how much is unread where the desktop has a place for it: dock, launcher, task bar, tray. */
import type { BrowserWindow, NativeImage, Tray } from 'electron';
import type { ElectronApi } from './electron-api.ts';
import { drawIcon } from './tray-icon.ts';
import type { Words } from './words.ts';

export interface UnreadMarks {
  show(total: number): void;
  /** Draws the eye to the window until it is looked at. */
  attention(): void;
  /** Windows: a word from the tray icon. */
  tell(text: string): void;
  /** Takes the icon out of the tray. Idempotent. */
  close(): void;
}

export interface UnreadMarksOptions {
  electron: Pick<ElectronApi, 'app' | 'Menu' | 'nativeImage' | 'Tray'>;
  platform: NodeJS.Platform;
  window: () => BrowserWindow | undefined;
  words: () => Words;
  onOpen: () => void;
  onQuit: () => void;
}

export function createUnreadMarks(options: UnreadMarksOptions): UnreadMarks {
  const { electron, platform, window, words } = options;
  const image = (unread: boolean): NativeImage => {
    const { pixels, width, height } = drawIcon(32, unread);
    return electron.nativeImage.createFromBitmap(pixels, { width, height, scaleFactor: 2 });
  };
  // macOS has the dock; a second place there would only take room in the menu bar.
  let tray: Tray | undefined = platform === 'darwin' ? undefined : new electron.Tray(image(false));
  let total = 0;

  const dress = (): void => {
    if (!tray) return;
    const { openFastim, quit, unread } = words();
    tray.setImage(image(total > 0));
    tray.setToolTip(total > 0 ? `FastIM – ${unread(total)}` : 'FastIM');
    tray.setContextMenu(
      electron.Menu.buildFromTemplate([
        { label: openFastim, click: options.onOpen },
        { type: 'separator' },
        { label: quit, click: options.onQuit },
      ]),
    );
  };
  tray?.on('click', options.onOpen);
  dress();

  return {
    show(next) {
      total = next;
      if (platform === 'win32') {
        window()?.setOverlayIcon(total > 0 ? image(true) : null, total > 0 ? words().unread(total) : '');
      } else {
        electron.app.setBadgeCount(total);
      }
      dress();
    },
    attention() {
      if (platform === 'darwin') electron.app.dock?.bounce('informational');
      else window()?.flashFrame(true);
    },
    tell(text) {
      if (platform === 'win32') tray?.displayBalloon({ title: 'FastIM', content: text });
    },
    close() {
      tray?.destroy();
      tray = undefined;
    },
  };
}
