/** Opens a link outside the app: https and mailto only, after a question that shows where it really leads. */
import type { BrowserWindow } from 'electron';
import type { ElectronApi } from './electron-api.ts';
import type { Words } from './words.ts';

export interface ExternalLinks {
  /** Asks, then opens. Anything that may not be opened is dropped. One question at a time: more are dropped too. */
  open(url: string): Promise<void>;
}

export interface ExternalLinksOptions {
  electron: Pick<ElectronApi, 'dialog' | 'shell'>;
  window: () => BrowserWindow | undefined;
  words: () => Words;
}

export function createExternalLinks({ electron, window, words }: ExternalLinksOptions): ExternalLinks {
  let asking = false;
  return {
    async open(url) {
      const target = readExternalUrl(url);
      const parent = window();
      if (!target || !parent || asking) return;
      asking = true;
      try {
        const { openLink, openLinkTo, open, cancel } = words();
        const { response } = await electron.dialog.showMessageBox(parent, {
          type: 'question',
          title: 'FastIM',
          message: openLink,
          detail: `${openLinkTo} ${target.shown}\n\n${clip(target.url, 300)}`,
          buttons: [open, cancel],
          defaultId: 1,
          cancelId: 1,
          noLink: true,
        });
        if (response === 0) await electron.shell.openExternal(target.url);
      } finally {
        asking = false;
      }
    },
  };
}

/**
 * The address in its normal form, host in punycode, and the part of it that says who is at the other end; undefined
 * for anything but a plain https or mailto address.
 */
export function readExternalUrl(text: string): { url: string; shown: string } | undefined {
  if (text.length > 8192 || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  // user:password@ before the host serves to make a foreign host look like a known one.
  if (url.username !== '' || url.password !== '') return undefined;
  if (url.protocol === 'https:') return { url: url.href, shown: url.host };
  if (url.protocol === 'mailto:') return { url: url.href, shown: clip(url.pathname, 100) };
  return undefined;
}

function clip(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
