import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FastimError } from '@fastim/protocol';
import type { ClientApi } from '../engine/client-api.ts';
import type { Logger } from '../engine/ports.ts';
import { createNodeClient } from '../platform/create-node-client.ts';
import { FastimClient } from './fastim-client.ts';
import type { Account, Connection } from './sdk-types.ts';

/** What {@link connect} needs. */
export interface ConnectOptions {
  /** Where the server's HTTP is, as in the app: `https://chat.example.org`. */
  readonly serverUrl: string;
  readonly username: string;
  readonly password: string;
  /** Makes the account if there is none of this name; `displayName` is the user name by default. */
  readonly register?: boolean | { readonly displayName: string };
  /**
   * Where this device keeps its session and its messages. The next start with the same directory goes on where this one
   * ended, without a new login; one process at a time has it open. Without one everything is in a temporary folder: a new
   * device each time, logged out and removed by `close`.
   */
  readonly directory?: string;
  /** One directory can hold several devices, each under a name of its own; by default the user name. */
  readonly profile?: string;
  /** What the account's list of devices calls this one. */
  readonly deviceName?: string;
  /** "name/1.2.3" of your program, for the server's logs. */
  readonly clientVersion?: string;
  /** How long to wait for the server before giving up; 30,000 ms by default. */
  readonly timeoutMs?: number;
  /** A pino logger fits; silent by default. It is never given messages, passwords or tokens. */
  readonly logger?: Logger;
}

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/**
 * Logs in (or goes on with the session in `directory`), and resolves when the device is online and in sync. Rejects with a
 * `FastimError`: `INVALID_CREDENTIALS`, `UNAVAILABLE` when the server cannot be reached in time or another process has
 * the directory open, and others of the catalogue. Then nothing is left running.
 *
 * @example
 * const bot = await connect({ serverUrl: 'http://127.0.0.1:8600', username: 'echo', password: '…', register: true });
 * bot.on('message', async (message) => {
 *   await bot.send(message.conversationId, message.text);
 *   await bot.markRead(message);
 * });
 */
export async function connect(options: ConnectOptions): Promise<FastimClient> {
  const { serverUrl, username, logger = silent, timeoutMs = 30_000 } = options;
  const temporary = options.directory === undefined ? await mkdtemp(join(tmpdir(), 'fastim-sdk-')) : undefined;
  const client = createNodeClient({
    directory: options.directory ?? temporary ?? '',
    profile: options.profile ?? username,
    logger,
    suggestedServerUrl: serverUrl,
    clientVersion: options.clientVersion ?? 'fastim-sdk/0.1.0',
    // A program rather waits for a page than goes over a hole in it.
    limits: { pagePatienceMs: 60_000 },
    ...(options.deviceName !== undefined && { deviceName: options.deviceName }),
  });
  const dispose = async (logOut: boolean): Promise<void> => {
    try {
      if (logOut || temporary !== undefined) await client.logOut();
    } finally {
      await client.stop();
      if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
    }
  };
  try {
    await client.start();
    const account = await enter(client, options, timeoutMs);
    const warn = (error: unknown) =>
      logger.warn({ error: String(error) }, 'sdk: a listener failed, or was not reached');
    return new FastimClient({ client, account, warn, dispose });
  } catch (error) {
    await dispose(false).catch((failure: unknown) => {
      logger.warn({ error: String(failure) }, 'sdk: the client did not stop cleanly');
    });
    throw error;
  }
}

/** Online as this user, with the session that is there or a new one. */
async function enter(client: ClientApi, options: ConnectOptions, timeoutMs: number): Promise<Account> {
  const { account } = await client.app();
  if (account && isSame(account, options)) {
    const { reason } = await untilOnline(client, timeoutMs);
    if (reason === undefined) return account;
    // That session is over; the password makes another.
    if (reason !== 'logged-out') throw endedError(reason);
  }
  const fresh = await logIn(client, options);
  const { reason } = await untilOnline(client, timeoutMs);
  if (reason !== undefined) throw endedError(reason);
  return fresh;
}

function isSame({ user, serverUrl }: Account, options: ConnectOptions): boolean {
  const sameName = user.username.toLowerCase() === options.username.toLowerCase();
  return sameName && new URL(serverUrl).href === new URL(options.serverUrl).href;
}

async function logIn(client: ClientApi, options: ConnectOptions): Promise<Account> {
  const { serverUrl, username, password, register = false } = options;
  if (register !== false) {
    const displayName = register === true ? username : register.displayName;
    try {
      return await client.register({ serverUrl, username, displayName, password });
    } catch (error) {
      if (!(error instanceof FastimError) || error.reason !== 'NAME_TAKEN') throw error;
    }
  }
  return client.logIn({ serverUrl, username, password });
}

type EndReason = Extract<Connection, { state: 'ended' }>['reason'];

/** Resolves when online and in sync, or with why it never will be. Rejects with UNAVAILABLE when it takes too long. */
function untilOnline(client: ClientApi, timeoutMs: number): Promise<{ reason: EndReason | undefined }> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer);
      stop();
    };
    const timer = setTimeout(() => {
      leave();
      reject(new FastimError('UNAVAILABLE', `not online after ${timeoutMs} ms`));
    }, timeoutMs);
    const look = (connection: Connection) => {
      if (connection.state !== 'online' && connection.state !== 'ended') return;
      leave();
      resolve({ reason: connection.state === 'ended' ? connection.reason : undefined });
    };
    const stop = client.on('connection', look);
    client.app().then(
      ({ connection }) => look(connection),
      (error: unknown) => {
        leave();
        reject(error);
      },
    );
  });
}

function endedError(reason: EndReason): FastimError {
  if (reason === 'upgrade') return new FastimError('UPGRADE_REQUIRED');
  return new FastimError(
    reason === 'banned' ? 'NOT_ALLOWED' : 'SESSION_ENDED',
    `the server ended the session: ${reason}`,
  );
}
