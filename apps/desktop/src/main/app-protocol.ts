/** Serves the built page under app://fastim/, so that it has an origin of its own and never a file: address. */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { type AppFile, listAppFiles, pageHeaders } from '../bridge/app-page.ts';
import { APP_SCHEME, isAppUrl } from './app-origin.ts';
import type { ElectronApi } from './electron-api.ts';

/** Before the app is ready. The scheme gets an origin and counts as secure; it may not pass the content policy. */
export function registerAppScheme(protocol: ElectronApi['protocol']): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: APP_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ]);
}

export function serveApp(protocol: Pick<ElectronApi['protocol'], 'handle'>, directory: string): void {
  const files = listDirectory(directory);
  if (!files.has('/')) throw new Error(`${directory} has no index.html; build the app with: npm run build`);
  protocol.handle(APP_SCHEME, async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405);
    const file = isAppUrl(request.url) ? files.get(new URL(request.url).pathname) : undefined;
    if (!file) return refuse(404);
    const content = await readFile(join(directory, file.path));
    return new Response(request.method === 'HEAD' ? null : new Uint8Array(content), { headers: file.headers });
  });
}

function refuse(status: number): Response {
  return new Response(null, { status, headers: pageHeaders });
}

function listDirectory(directory: string): ReadonlyMap<string, AppFile> {
  const paths = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'));
  return listAppFiles(paths);
}
