import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { BusinessLine, Snowflake } from '@fastim/core';
import { ManualClock } from '@fastim/core/testing';
import { hash, verify } from '@node-rs/argon2';
import type { InjectOptions } from 'fastify';
import { Registry } from 'prom-client';
import { type Auth, createAuth } from '../../auth/create-auth.ts';
import type { Argon2 } from '../../auth/password-hasher.ts';
import { SessionAccess } from '../../auth/session-access.ts';
import { type Config, configSchema } from '../../config.ts';
import { standardGatePolicy } from '../../lsb/choose-gate.ts';
import { localGateDirectory } from '../../lsb/gate-directory.ts';
import { GateOffers } from '../../lsb/gate-offers.ts';
import { GateTickets } from '../../lsb/gate-ticket.ts';
import { LocalAdmissions } from '../../lsb/local-admissions.ts';
import { LocalReservations } from '../../lsb/local-reservations.ts';
import { TrustedProxies } from '../../net/trusted-proxies.ts';
import { createLogger } from '../../observe/logger.ts';
import { idMaker } from '../../roles/make-id.ts';
import { systemRandom } from '../../roles/system-ports.ts';
import { openSqliteStorage } from '../../storage/sqlite/open-sqlite-storage.ts';
import type { Storage } from '../../storage/storage.ts';
import { type ApiServer, createApiServer } from '../api-server.ts';
import { type ComponentStates, Readiness } from '../readiness.ts';

/** What an answer of the API looks like to a test, which fails if something that it reads is not there. */
export interface TestAnswer {
  status: number;
  headers: Readonly<Record<string, string | string[] | number | undefined>>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  body: any;
}

export interface TestSession {
  userId: string;
  deviceId: string;
  sessionId: string;
  accessToken: string;
  refreshToken: string;
}

interface Parts {
  readonly clock: ManualClock;
  readonly storage: Storage;
  readonly auth: Auth;
  readonly access: SessionAccess;
  readonly server: ApiServer;
  readonly registry: Registry;
  /** Sessions whose connections were to be closed. */
  readonly ended: bigint[];
  /** Sessions that have a connection; for the test to change. */
  readonly online: Set<bigint>;
  /** Users of whom logic was told that showOnline changed. */
  readonly shownOrHidden: bigint[];
  /** 'hash' and 'verify', in the order in which they ran. */
  readonly hashing: string[];
  readonly log: string[];
  /** What the parts around the API say; for the test to change. */
  readonly state: { components: ComponentStates; accepting: boolean };
  readonly directory: string;
}

/** The API over the real store and the real hashing, with a clock that the test moves and no gate. */
export class TestApi {
  readonly parts: Parts;

  private constructor(parts: Parts) {
    this.parts = parts;
  }

  static async open(settings: Partial<Record<keyof Config, unknown>> = {}): Promise<TestApi> {
    const config = configSchema.parse({ port: 0, ...settings });
    const directory = mkdtempSync(join(tmpdir(), 'fastim-api-'));
    const clock = new ManualClock();
    const log: string[] = [];
    const stream = new Writable({
      write(chunk, _encoding, done) {
        log.push(String(chunk));
        done();
      },
    });
    const logger = createLogger({ level: 'trace', name: 'test' }, stream);
    const storage = await openSqliteStorage({ directory, clock, logger });
    const registry = new Registry();
    const snowflake = new Snowflake(storage.lease, () => 0);
    const access = new SessionAccess({ sessions: storage.sessions, clock, logger });
    const ended: bigint[] = [];
    const online = new Set<bigint>();
    const shownOrHidden: bigint[] = [];
    const hashing: string[] = [];
    const watched: Argon2 = {
      hash: (password, options) => {
        hashing.push('hash');
        return hash(password, options);
      },
      verify: (record, password) => {
        hashing.push('verify');
        return verify(record, password);
      },
    };
    const auth = await createAuth({
      config: config.auth,
      users: storage.users,
      sessions: storage.sessions,
      access,
      clock,
      random: systemRandom,
      logger,
      registry,
      makeId: idMaker(snowflake, clock, logger, BusinessLine.user),
      endSession: (sessionId) => ended.push(sessionId),
      cores: 2,
      argon2: watched,
    });
    hashing.length = 0;
    const state: Parts['state'] = { components: { storage: 'ok', gate: 'ok' }, accepting: true };
    const server = await createApiServer({
      config,
      trustedProxies: new TrustedProxies(config.trustedProxies),
      version: '1.2.3',
      users: storage.users,
      conversations: storage.conversations,
      accounts: auth.accounts,
      sessions: auth.sessions,
      access,
      onlineSessions: async () => online,
      showOnlineChanged: (userId) => shownOrHidden.push(userId),
      gates: {
        offers: new GateOffers({
          directory: localGateDirectory({
            gateId: 'gate-test',
            host: config.host,
            tcpPort: 4001,
            wsPort: 4002,
            advertise: config.advertise,
            appIds: config.gate.appIds,
            channels: config.gate.channels,
            load: () => ({ connections: 0, capacity: 100, accepting: true }),
            accepting: () => state.accepting,
          }),
          policy: standardGatePolicy(systemRandom),
          tickets: new GateTickets({ clock, random: systemRandom }),
          reservations: new LocalReservations({ clock, reservationMs: config.lsb.reservationMs }),
          admissions: new LocalAdmissions({ clock, perSecond: 500, burst: 1_000 }),
          random: systemRandom,
        }),
      },
      readiness: new Readiness({ clock, check: async () => state.components }),
      makeConversationId: idMaker(snowflake, clock, logger, BusinessLine.direct),
      clock,
      random: systemRandom,
      logger,
      registry,
    });
    return new TestApi({
      clock,
      storage,
      auth,
      access,
      server,
      registry,
      ended,
      online,
      shownOrHidden,
      hashing,
      log,
      state,
      directory,
    });
  }

  async close(): Promise<void> {
    await this.parts.server.stop();
    await this.parts.storage.close();
    rmSync(this.parts.directory, { recursive: true, force: true });
  }

  /** Without a socket. `payload` goes as it is; `body` as JSON. */
  async call(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS',
    url: string,
    options: {
      body?: unknown;
      payload?: string | Buffer;
      token?: string;
      headers?: Record<string, string>;
      address?: string;
    } = {},
  ): Promise<TestAnswer> {
    const payload = options.payload ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const request: InjectOptions = {
      method,
      url,
      remoteAddress: options.address ?? '127.0.0.1',
      headers: {
        host: '127.0.0.1:8600',
        ...(payload !== undefined && { 'content-type': 'application/json' }),
        ...(options.token && { authorization: `Bearer ${options.token}` }),
        ...options.headers,
      },
      ...(payload !== undefined && { payload }),
    };
    const answer = await this.parts.server.http.inject(request);
    const isJson = String(answer.headers['content-type']).startsWith('application/json');
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text: answer.payload,
      body: isJson ? JSON.parse(answer.payload) : undefined,
    };
  }

  register(username: string, more: { password?: string; displayName?: string; deviceId?: string } = {}) {
    const { password = 'correct horse battery', deviceId = newDeviceId(), displayName } = more;
    const body = { username, password, device: { deviceId, name: 'test' }, ...(displayName && { displayName }) };
    return this.call('POST', '/v1/auth/register', { body });
  }

  logIn(username: string, more: { password?: string; deviceId?: string; address?: string } = {}) {
    const { password = 'correct horse battery', deviceId = newDeviceId(), address } = more;
    const body = { username, password, device: { deviceId, name: 'test' } };
    return this.call('POST', '/v1/auth/login', { body, ...(address && { address }) });
  }

  refresh(session: { refreshToken: string; deviceId: string }) {
    const { refreshToken, deviceId } = session;
    return this.call('POST', '/v1/auth/refresh', { body: { refreshToken, deviceId } });
  }

  /** A registered user who is logged in. */
  async person(username: string, deviceId = newDeviceId()): Promise<TestSession> {
    return sessionOf(await this.register(username, { deviceId }));
  }
}

export function newDeviceId(): string {
  return randomBytes(16).toString('hex');
}

/** Of an answer to register, login or refresh. */
export function sessionOf(answer: TestAnswer): TestSession {
  if (answer.status >= 300) throw new Error(`refused: ${answer.status} ${answer.text}`);
  const { sessionId, deviceId, accessToken, refreshToken } = answer.body.session;
  return { userId: answer.body.user?.userId ?? '', deviceId, sessionId, accessToken, refreshToken };
}

/** Status and name of an error answer; the whole shape is checked on the way. */
export function errorOf(answer: TestAnswer): [status: number, code: string] {
  const { error, ...rest } = answer.body;
  const shape = Object.keys(error).toSorted().join();
  if (Object.keys(rest).length > 0 || shape !== 'code,message,number,requestId,retryAfterMs') {
    throw new Error(`not the shape of an error: ${answer.text}`);
  }
  return [answer.status, error.code];
}
