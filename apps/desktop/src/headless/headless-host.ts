/**
 * The app without a window: the same engine and bridge as in the desktop shell, in plain Node, shown in a browser on
 * the same machine. Listens on 127.0.0.1 only.
 */

import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Clock } from '@fastim/core';
import type { Logger } from 'pino';
import { DEFAULT_PROFILE } from '../bridge/profile-name.ts';
import type { ClientApi } from '../engine/client-api.ts';
import { createNodeClient } from '../platform/create-node-client.ts';
import { systemClock } from '../platform/system-clock.ts';
import { createAppServer } from './app-server.ts';
import { serveBridgeEndpoint } from './bridge-endpoint.ts';
import { loadBridgeToken } from './bridge-token.ts';
import { createEnginePool, type EngineOptions } from './engine-pool.ts';
import { createOriginPolicy } from './origin-policy.ts';

export interface HeadlessHostOptions {
  data: string;
  port?: number;
  suggestedServerUrl: string;
  appDirectory?: string | undefined;
  allowedOrigins?: readonly string[];
  logger: Logger;
  createClient?: (options: EngineOptions) => ClientApi;
  clock?: Clock;
}

export interface HeadlessHost {
  readonly port: number;
  readonly token: string;
  /** What to open in a browser. */
  address(profile?: string): string;
  /** The started engine of a profile. */
  client(profile?: string): Promise<ClientApi>;
  /** No new connections, bridges closed, engines stopped with everything written. Idempotent. */
  stop(): Promise<void>;
}

export const builtAppDirectory = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/renderer-app/' : '../renderer-app/', import.meta.url),
);

/** Rejects if the port is taken, the app is not built or the data folder cannot be used; nothing is left open then. */
export async function startHeadlessHost(options: HeadlessHostOptions): Promise<HeadlessHost> {
  const { data, logger, clock = systemClock } = options;
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const token = loadBridgeToken(data);
  const policy = createOriginPolicy(options.allowedOrigins ?? []);
  const server = createAppServer(options.appDirectory ?? builtAppDirectory, policy, logger);
  const engines = createEnginePool({
    data,
    logger,
    suggestedServerUrl: options.suggestedServerUrl,
    clientVersion: clientVersion(),
    createClient: options.createClient ?? createNodeClient,
  });
  const endpoint = serveBridgeEndpoint({ server, engines, policy, token, clock, logger });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  const shutDown = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    endpoint.close();
    server.closeIdleConnections();
    await engines.stop();
    // Pages that are slow to leave are not waited for.
    const cancel = clock.setTimer(1500, () => server.closeAllConnections());
    await closed;
    cancel();
  };
  let stopped: Promise<void> | undefined;
  return {
    port,
    token,
    address: (profile = DEFAULT_PROFILE) =>
      `http://127.0.0.1:${port}/${profile === DEFAULT_PROFILE ? '' : `?profile=${profile}`}#token=${token}`,
    client: (profile = DEFAULT_PROFILE) => engines.client(profile),
    stop() {
      stopped ??= shutDown();
      return stopped;
    },
  };
}

function clientVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return `fastim-desktop/${(JSON.parse(text) as { version: string }).version}`;
}
