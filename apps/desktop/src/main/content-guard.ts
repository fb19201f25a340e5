/**
 * What no page in this app may do, whatever the page: go elsewhere, open windows, embed other pages, load from the
 * network, download, or use a device. Links that the user clicks go to the system's browser, after a question.
 */
import type { Session, WebContents } from 'electron';
import { APP_SCHEME, isAppUrl } from './app-origin.ts';

type Preventable = { preventDefault(): void };

/** For every WebContents that comes to be, from its first moment. */
export function guardContents(contents: WebContents, openLink: (url: string) => void): void {
  const stay = (event: Preventable & { url: string }): void => {
    if (!isAppUrl(event.url)) event.preventDefault();
  };
  contents.on('will-navigate', stay);
  contents.on('will-frame-navigate', stay);
  contents.on('will-redirect', stay);
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => {
    openLink(url);
    return { action: 'deny' };
  });
}

const allowedPermissions: ReadonlySet<string> = new Set(['notifications', 'clipboard-sanitized-write']);

/** Electron allows every permission unless told otherwise. */
export function guardSession(session: Session): void {
  session.setPermissionRequestHandler((_contents, permission, callback, details) => {
    callback(allowedPermissions.has(permission) && details.isMainFrame && isAppUrl(details.requestingUrl));
  });
  session.setPermissionCheckHandler((_contents, permission, requestingOrigin, details) => {
    return allowedPermissions.has(permission) && details.isMainFrame && isAppUrl(`${requestingOrigin}/`);
  });
  session.setDevicePermissionHandler(() => false);
  session.on('will-download', (event) => event.preventDefault());
  // The page needs no network: everything it knows comes over the bridge.
  session.webRequest.onBeforeRequest((details, callback) => {
    callback({ cancel: !isLocal(details.url) });
  });
}

const localSchemes: ReadonlySet<string> = new Set([`${APP_SCHEME}:`, 'data:', 'blob:', 'devtools:']);

function isLocal(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol } = new URL(url);
  return protocol === `${APP_SCHEME}:` ? isAppUrl(url) : localSchemes.has(protocol);
}
