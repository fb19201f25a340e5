/** Serves the built app's files to a browser on this machine: an allow-list of paths, GET and HEAD, nothing else. */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join, relative, sep } from 'node:path';
import type { Logger } from 'pino';
import { type AppFile, listAppFiles, pageHeaders, pagePath } from '../bridge/app-page.ts';
import { isProfileName, PROFILE_RULE } from '../bridge/profile-name.ts';
import type { OriginPolicy } from './origin-policy.ts';

export class AppNotBuilt extends Error {
  override name = 'AppNotBuilt';
}

export function createAppServer(directory: string, policy: OriginPolicy, logger: Logger): Server {
  let files = listDirectory(directory);
  if (!files.has('/')) throw new AppNotBuilt(`${directory} has no index.html; build the app with: npm run build`);

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!policy.acceptsHost(request.headers.host)) {
      refuse(response, 403, 'This host name is not allowed.');
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      refuse(response, 405, 'Only GET and HEAD.');
      return;
    }
    const [asked = '', query = ''] = (request.url ?? '').split('?', 2);
    const path = pagePath(asked);
    // The names of the files change when the app is built anew.
    if (path === '/') files = listDirectory(directory);
    const file = files.get(path);
    if (!file && path === '/favicon.ico') {
      // Browsers ask by themselves; the page names its own icon.
      response.writeHead(204, pageHeaders).end();
      return;
    }
    if (!file) {
      refuse(response, 404, 'Not found.');
      return;
    }
    const profile = path === '/' ? new URLSearchParams(query).get('profile') : null;
    if (profile !== null && !isProfileName(profile)) {
      refuse(response, 400, `This profile cannot be: ${PROFILE_RULE}.`);
      return;
    }
    const content = await readFile(join(directory, file.path));
    response.writeHead(200, { ...file.headers, 'content-length': content.length });
    response.end(request.method === 'HEAD' ? undefined : content);
  };

  const server = createServer(
    { headersTimeout: 5000, requestTimeout: 10_000, keepAliveTimeout: 5000, connectionsCheckingInterval: 2000 },
    (request, response) => {
      handle(request, response).catch((error: unknown) => {
        logger.error({ err: error }, 'a file of the app could not be served');
        if (response.headersSent) response.destroy();
        else refuse(response, 500, 'The file could not be read.');
      });
    },
  );
  server.maxConnections = 512;
  return server;
}

function refuse(response: ServerResponse, status: number, text: string): void {
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>FastIM</title><h1>${status}</h1><p>${text}</p></html>\n`;
  response.writeHead(status, {
    ...pageHeaders,
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(page),
    'cache-control': 'no-store',
  });
  response.end(response.req.method === 'HEAD' ? undefined : page);
}

function listDirectory(directory: string): ReadonlyMap<string, AppFile> {
  try {
    const paths = readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'));
    return listAppFiles(paths);
  } catch (error) {
    throw new AppNotBuilt(`${directory} cannot be read; build the app with: npm run build`, { cause: error });
  }
}
