import { createServer } from 'node:http';
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
  /** The state of each component; "ok" is good. Missing: there is no /readyz. Must not reject. */
  readonly ready?: () => Promise<{ readonly [component: string]: string }>;
  readonly logger: Logger;
}

/**
 * GET /metrics in the Prometheus text format, /livez and /readyz, for operators: on loopback, or where these let
 * themselves in.
 */
export function createMetricsServer(options: MetricsServerOptions): MetricsServer {
  const { host = '127.0.0.1', ready } = options;
  const server = createServer({ maxHeaderSize: 8 * 1024, headersTimeout: 5_000, requestTimeout: 5_000 });
  server.on('request', (request, response) => {
    response.setHeader('X-Content-Type-Options', 'nosniff');
    // A page that rebinds its name to 127.0.0.1 still says its own name here.
    if (isLoopback(host) && !/^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i.test(request.headers.host ?? '')) {
      response.writeHead(403).end();
      return;
    }
    const path = request.url?.split('?', 1)[0];
    if (path !== '/metrics' && path !== '/livez' && !(path === '/readyz' && ready)) {
      response.writeHead(404).end();
      return;
    }
    if (request.method !== 'GET') {
      response.writeHead(405, { allow: 'GET' }).end();
      return;
    }
    if (path === '/livez') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"alive":true}');
      return;
    }
    if (path === '/readyz') {
      void ready?.().then((components) => {
        const isReady = Object.values(components).every((state) => state === 'ok');
        response
          .writeHead(isReady ? 200 : 503, { 'content-type': 'application/json' })
          .end(JSON.stringify({ ready: isReady, components }));
      });
      return;
    }
    options.registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': options.registry.contentType }).end(text),
      (error: unknown) => {
        options.logger.error({ err: error }, 'the metrics could not be collected');
        response.writeHead(500).end();
      },
    );
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

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
