import { hostname } from 'node:os';
import { Client } from '../engine/client.ts';
import type { ClientApi } from '../engine/client-api.ts';
import type { EngineLimits } from '../engine/limits.ts';
import type { GateAddress, Logger } from '../engine/ports.ts';
import { nodeHttp } from './http-client.ts';
import { createNodeTransport } from './node-transport.ts';
import { openProfileFolder } from './profile-folder.ts';
import { SqliteStore } from './sqlite/sqlite-store.ts';
import { systemClock } from './system-clock.ts';
import { systemRandom } from './system-random.ts';

export interface NodeClientOptions {
  /** Where profiles are kept; made if need be. */
  readonly directory: string;
  /** Any text; each profile has its own folder, store and device. One engine at a time may have it open. */
  readonly profile: string;
  readonly logger: Logger;
  readonly suggestedServerUrl: string;
  /** "name/semver". */
  readonly clientVersion: string;
  /** What the account's device list calls this installation; the machine's name by default. */
  readonly deviceName?: string;
  /** Channels to use, the preferred first; TCP, then WebSocket by default. */
  readonly channels?: ReadonlyArray<GateAddress['kind']>;
  /** The store worker's file, where the code was bundled into other files than it was written in. */
  readonly storeWorkerUrl?: URL;
  readonly limits?: Partial<EngineLimits>;
}

/** A client on Node: SQLite in the profile's folder, TCP or WebSocket, the system's clock. Call `start` on it. */
export function createNodeClient(options: NodeClientOptions): ClientApi {
  const { directory, profile, logger, suggestedServerUrl, clientVersion, storeWorkerUrl, limits } = options;
  const folder = openProfileFolder(directory, profile);
  return new Client({
    profile,
    suggestedServerUrl,
    clientVersion,
    deviceName: (options.deviceName ?? hostname()).slice(0, 64) || 'FastIM',
    store: new SqliteStore({ folder, logger, ...(storeWorkerUrl && { workerUrl: storeWorkerUrl }) }),
    transport: createNodeTransport(options.channels),
    http: nodeHttp,
    clock: systemClock,
    random: systemRandom,
    logger,
    ...(limits && { limits }),
  });
}
