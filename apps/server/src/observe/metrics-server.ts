import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { Logger } from './logger.ts';

export interface MetricsServer {
  /** Resolves with the port that it listens on; rejects when the port is taken. */
  start(): Promise<number>;
  stop(): Promise<void>;
}

export interface MetricsServerOptions {
  /** Default: loopback. */
  readonly host?: string;
  readonly port: number;
  readonly registry: Registry;
  readonly logger: Logger;
  /** What /readyz says: 200 when each is "ok", else 503. */
  readonly ready?: () => Promise<{ readonly [component: string]: string }>;
  /** Answers everything under /admin/; it has to look at who asks by itself. */
  readonly admin?: (request: IncomingMessage, response: ServerResponse) => void;
}

/**
 * The operator's port: GET /metrics in the Prometheus text format, /healthz (the process runs), /readyz (it does its
 * work), and the admin interface. On loopback unless the operator says otherwise: the figures are his.
 */
export function createMetricsServer(options: MetricsServerOptions): MetricsServer {
  const host = options.host ?? '127.0.0.1';
  const onLoopback = /^(?:localhost|127\..*|::1)$/i.test(host);
  const server = createServer({ maxHeaderSize: 8 * 1024, headersTimeout: 5_000, requestTimeout: 10_000 });
  server.on('request', (request, response) => {
    response.setHeader('X-Content-Type-Options', 'nosniff');
    // A page that rebinds its name to 127.0.0.1 still says its own name here.
    if (onLoopback && !/^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i.test(request.headers.host ?? '')) {
      response.writeHead(403).end();
      return;
    }
    const path = request.url?.split('?', 1)[0] ?? '';
    if (options.admin && path.startsWith('/admin/')) {
      options.admin(request, response);
      return;
    }
    const answer = pages[path];
    if (!answer) response.writeHead(404).end();
    else if (request.method !== 'GET') response.writeHead(405, { allow: 'GET' }).end();
    else {
      answer(options, response).catch((error: unknown) => {
        options.logger.error({ err: error, path }, 'a page of the metrics port could not be made');
        if (!response.headersSent) response.writeHead(500);
        response.end();
      });
    }
  });
  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(options.port, host, () => {
          server.removeListener('error', reject);
          resolve((server.address() as AddressInfo).port);
        });
      }),
    stop: () =>
      new Promise((resolve) => {
        if (!server.listening) {
          resolve();
          return;
        }
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Page = (options: MetricsServerOptions, response: ServerResponse) => Promise<void>;

const pages: { readonly [path: string]: Page } = {
  '/metrics': async ({ registry }, response) => {
    const text = await registry.metrics();
    response.writeHead(200, { 'content-type': registry.contentType }).end(text);
  },
  '/healthz': async (_options, response) => {
    sendJson(response, 200, { status: 'ok' });
  },
  '/readyz': async ({ ready }, response) => {
    const components = (await ready?.()) ?? {};
    const isReady = Object.values(components).every((state) => state === 'ok');
    sendJson(response, isReady ? 200 : 503, { status: isReady ? 'ok' : 'unready', components });
  },
};

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
