/** What the app's page may do and how its files are served: the same in the desktop window and in a browser. */

export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

export const pageHeaders = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

const contentTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json; charset=utf-8',
  map: 'application/json; charset=utf-8',
  webmanifest: 'application/manifest+json; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  webp: 'image/webp',
  woff2: 'font/woff2',
};

export interface AppFile {
  /** As listed: relative to the app's folder, with forward slashes. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where an invite link leads: the page itself, which reads the token from its address. */
const JOIN_PATH = /^\/join\/[\w-]{1,128}\/?$/;

/** The path under which the page of this path is listed. */
export function pagePath(path: string): string {
  return JOIN_PATH.test(path) ? '/' : path;
}

/**
 * The allow-list of the app's files by URL path. A path is either in it, letter for letter, or it is not served: no
 * decoding, no joining, nothing to traverse. Files of a kind that the app does not consist of are left out.
 */
export function listAppFiles(paths: readonly string[]): ReadonlyMap<string, AppFile> {
  const files = new Map<string, AppFile>();
  for (const path of paths) {
    const type = contentTypes[path.slice(path.lastIndexOf('.') + 1)];
    if (!type || !/^[\w.\-/]+$/.test(path)) continue;
    // The bundler names assets by their content; everything else may change from one start to the next.
    const cache = path.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
    const file = { path, headers: { ...pageHeaders, 'content-type': type, 'cache-control': cache } };
    files.set(`/${path}`, file);
    if (path === 'index.html') files.set('/', file);
  }
  return files;
}
