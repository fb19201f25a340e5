import { BusinessLine, Snowflake } from '@fastim/core';
import { type ErrorName, errorCatalogue, FastimError } from '@fastim/protocol';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { HttpRequest, HttpResponse } from '../../../apps/desktop/src/engine/ports.ts';
import { sessionAnswer, userAnswer } from '../../../apps/server/src/api/api-types.ts';
import { answerTo } from '../../../apps/server/src/api/error-answer.ts';
import { type Auth, createAuth } from '../../../apps/server/src/auth/create-auth.ts';
import type { Argon2 } from '../../../apps/server/src/auth/password-hasher.ts';
import { SessionAccess } from '../../../apps/server/src/auth/session-access.ts';
import type { Identity } from '../../../apps/server/src/cluster/contract.ts';
import type { Gate } from '../../../apps/server/src/gate/gate.ts';
import { standardGatePolicy } from '../../../apps/server/src/lsb/choose-gate.ts';
import type { KnownGate } from '../../../apps/server/src/lsb/gate-directory.ts';
import { GateOffers } from '../../../apps/server/src/lsb/gate-offers.ts';
import { GateTickets } from '../../../apps/server/src/lsb/gate-ticket.ts';
import { LocalAdmissions } from '../../../apps/server/src/lsb/local-admissions.ts';
import { LocalReservations } from '../../../apps/server/src/lsb/local-reservations.ts';
import { idMaker } from '../../../apps/server/src/roles/make-id.ts';
import type { Storage } from '../../../apps/server/src/storage/storage.ts';
import type { Life, Machine } from '../world/machine.ts';
import type { Network } from '../world/network.ts';
import type { Database } from './database.ts';
import type { GateNode } from './gate-node.ts';
import type { LogicNode } from './logic-node.ts';
import { CLUSTER_SECRET, DIAL_MS, serverConfig } from './settings.ts';
import { StorageLink } from './storage-link.ts';

/** How far behind the API an ended session's connections close, per node, when nothing is in the way. */
const TELL_MS = 20;
const TELL_AGAIN_MS = 1_000;

interface Parts {
  readonly storage: Storage;
  readonly auth: Auth;
  readonly access: SessionAccess;
  readonly offers: GateOffers;
  readonly makeConversationId: () => bigint;
}

interface Exchange {
  readonly path: string;
  readonly method: string;
  readonly body: Record<string, unknown>;
  readonly token: string | undefined;
  readonly address: string;
}

/**
 * The HTTP side over its lives: the real accounts, sessions, tokens and choice of gate, without HTTP itself. Answers to
 * requests with an Idempotency-Key are remembered as the real API does: in memory, lost with the process.
 */
export class ApiNode {
  readonly machine: Machine;
  readonly #number: number;
  readonly #network: Network;
  readonly #database: Database;
  readonly #gates: readonly GateNode[];
  readonly #nodes: readonly LogicNode[];
  readonly #logger: Logger;
  life: Life | undefined;
  #parts: Parts | undefined;
  #answers = new Map<string, Promise<HttpResponse>>();

  constructor(parts: {
    machine: Machine;
    number: number;
    network: Network;
    database: Database;
    gates: readonly GateNode[];
    nodes: readonly LogicNode[];
    logger: Logger;
  }) {
    this.machine = parts.machine;
    this.#number = parts.number;
    this.#network = parts.network;
    this.#database = parts.database;
    this.#gates = parts.gates;
    this.#nodes = parts.nodes;
    this.#logger = parts.logger;
  }

  get name(): string {
    return this.machine.name;
  }

  start(): void {
    if (this.life?.alive) return;
    const life = this.machine.begin();
    this.life = life;
    this.#answers = new Map();
    life.onEnd(() => {
      this.#parts = undefined;
    });
    void this.#run(life);
  }

  crash(): void {
    this.life?.end('crash');
  }

  async #run(life: Life): Promise<void> {
    const link = new StorageLink({ network: this.#network, life, database: this.#database });
    const storage = link.storage(this.#number);
    const { clock, random } = life;
    const lastId = await this.#lastId(life, storage);
    const snowflake = new Snowflake(storage.lease, () => Math.floor(random.fraction() * 128), lastId);
    const access = new SessionAccess({ sessions: storage.sessions, clock, logger: this.#logger });
    const auth = await createAuth({
      config: serverConfig.auth,
      users: storage.users,
      sessions: storage.sessions,
      access,
      clock,
      random,
      logger: this.#logger,
      registry: new Registry(),
      makeId: idMaker(snowflake, clock, this.#logger, BusinessLine.user),
      endSession: (sessionId, closeCode) => this.#endSession(life, sessionId, closeCode),
      cores: 2,
      argon2: cheapHashing,
    });
    this.#parts = {
      storage,
      auth,
      access,
      offers: this.#offers(life),
      makeConversationId: idMaker(snowflake, clock, this.#logger, BusinessLine.direct),
    };
  }

  async #lastId(life: Life, storage: Storage): Promise<bigint> {
    for (;;) {
      try {
        return await storage.highestId();
      } catch {
        await life.sleep(DIAL_MS);
      }
    }
  }

  /** Told to every logic node, again until it is heard. */
  #endSession(life: Life, sessionId: bigint, closeCode: number): void {
    for (const node of this.#nodes) {
      const tell = (): void => {
        if (!node.life?.alive) return;
        if (!this.#network.reachable(this.machine, node.machine)) {
          life.after(TELL_AGAIN_MS, tell);
          return;
        }
        node.life.after(TELL_MS, () => {
          node.access?.forget(sessionId);
          node.logic?.endSession(sessionId, closeCode);
        });
      };
      tell();
    }
  }

  /** A request that has arrived. */
  async take(request: HttpRequest, address: string): Promise<HttpResponse> {
    const key = request.headers['idempotency-key'];
    if (key === undefined) return this.#answer(request, address);
    const place = `${key} ${request.method} ${request.url} ${request.body}`;
    const before = this.#answers.get(place);
    if (before) return before;
    const answer = this.#answer(request, address);
    this.#answers.set(place, answer);
    const { status } = await answer;
    if (status >= 500 || status === 429) this.#answers.delete(place);
    return answer;
  }

  async #answer(request: HttpRequest, address: string): Promise<HttpResponse> {
    try {
      const body = await this.#handle({
        path: request.url.replace(/^https?:\/\/[^/]+/, ''),
        method: request.method,
        body: request.body === undefined ? {} : (JSON.parse(request.body) as Record<string, unknown>),
        token: /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1],
        address,
      });
      return body === undefined ? { status: 204, body: '' } : { status: 200, body: JSON.stringify(body) };
    } catch (error) {
      const { status, body } = answerTo(error, 'simulated');
      return { status, body: JSON.stringify(body) };
    }
  }

  async #handle(exchange: Exchange): Promise<unknown> {
    const parts = this.#parts;
    if (!parts) throw new FastimError('UNAVAILABLE', undefined, { retryAfterMs: DIAL_MS });
    const { path, method, body, address } = exchange;
    const { auth, storage } = parts;
    if (path === '/v1/auth/register') {
      const { username, displayName, password, device } = body as never as Registration;
      const result = await auth.accounts.register({ username, displayName, password, device }, address);
      return { user: userAnswer(result.user), session: sessionAnswer(result.session) };
    }
    if (path === '/v1/auth/login') {
      const { username, password, device } = body as never as Registration;
      const result = await auth.accounts.logIn({ username, password, device }, address);
      return { user: userAnswer(result.user), session: sessionAnswer(result.session) };
    }
    if (path === '/v1/auth/refresh') {
      const { refreshToken, deviceId } = body as { refreshToken: string; deviceId: string };
      return { session: sessionAnswer(await auth.sessions.refresh(refreshToken, deviceId)) };
    }
    const identity = await this.#identity(parts, exchange.token);
    if (path === '/v1/auth/logout') {
      await auth.sessions.end(identity.sessionId);
      return undefined;
    }
    if (path === '/v1/conversations/direct') return this.#openDirect(parts, identity, BigInt(body.userId as string));
    if (path === '/v1/gates') return this.#gatesFor(parts, identity);
    if (path === '/v1/sessions' && method === 'GET') {
      const sessions = await storage.sessions.ofUser(identity.userId);
      return {
        sessions: sessions.map((session) => ({
          sessionId: String(session.sessionId),
          deviceId: session.deviceId,
          deviceName: session.deviceName,
          current: session.sessionId === identity.sessionId,
          online: false,
          createdAt: session.createdMs,
          lastSeenAt: session.lastSeenMs,
        })),
      };
    }
    const ending = /^\/v1\/sessions\/(\d+)$/.exec(path)?.[1];
    if (ending !== undefined) {
      const session = await storage.sessions.byId(BigInt(ending));
      if (session?.userId !== identity.userId) throw new FastimError('NOT_FOUND');
      await auth.sessions.end(session.sessionId);
      return undefined;
    }
    throw new FastimError('NOT_FOUND', path);
  }

  async #identity({ access }: Parts, token: string | undefined): Promise<Identity> {
    if (token === undefined) throw new FastimError('UNAUTHENTICATED');
    const verified = await access.verify(token);
    if (verified.outcome === 'granted') return verified.identity;
    const reasons: Record<string, ErrorName> = { ended: 'SESSION_ENDED', unavailable: 'UNAVAILABLE' };
    const reason = reasons[verified.outcome] ?? 'UNAUTHENTICATED';
    throw new FastimError(reason, undefined, {
      retryAfterMs: errorCatalogue[reason].retry === 'later' ? DIAL_MS : 0,
    });
  }

  async #openDirect({ storage, makeConversationId }: Parts, { userId }: Identity, peerId: bigint): Promise<unknown> {
    if (peerId === userId) throw new FastimError('BAD_REQUEST');
    const [peer] = await storage.users.byIds([peerId]);
    if (!peer) throw new FastimError('NOT_FOUND');
    const now = this.life!.clock.now();
    const opened = await storage.conversations.openDirect(userId, peerId, makeConversationId(), now);
    return { conversationId: String(opened.conversationId), created: opened.created, peer: userAnswer(peer) };
  }

  #offers({ clock, random }: Life): GateOffers {
    const { reservationMs, admissionsPerSecond, admissionBurst } = serverConfig.lsb;
    return new GateOffers({
      directory: {
        gates: () => this.#gates.flatMap(({ gate, accepting }) => (gate ? [knownGate(gate, accepting)] : [])),
        address: (gateId) => {
          const node = this.#gates.find(({ gate }) => gate?.gateId === gateId);
          return node && { tcp: { host: node.name, port: 1 }, websocket: null };
        },
      },
      policy: standardGatePolicy(random),
      tickets: new GateTickets({ clock, random, secret: CLUSTER_SECRET }),
      reservations: new LocalReservations({ clock, reservationMs }),
      admissions: new LocalAdmissions({ clock, perSecond: admissionsPerSecond, burst: admissionBurst }),
      random,
    });
  }

  async #gatesFor({ offers }: Parts, { userId }: Identity): Promise<unknown> {
    const question = { userId, clientVersion: 'sim/1.0.0', appId: 'fastim', channel: 'both' } as const;
    const { gates, ticketExpiresMs, delayMs } = await offers.offer(question, 'simulated');
    return { gates, ticket: gates[0]!.ticket, ticketExpiresAt: ticketExpiresMs, delayMs };
  }
}

function knownGate(gate: Gate, isOpen: boolean): KnownGate {
  const { connections, capacity, accepting } = gate.load();
  const { appIds, channels } = serverConfig.gate;
  return {
    gateId: gate.gateId,
    connections,
    capacity,
    accepting: accepting && isOpen,
    appIds,
    channels,
    grayRules: [],
  };
}

interface Registration {
  username: string;
  displayName: string | undefined;
  password: string;
  device: { deviceId: string; name: string };
}

const RECORD_END = 'A'.repeat(43);

/** Password records of the right form without the work: what costs time here is not what is tested. */
const cheapHashing: Argon2 = {
  hash: async (password) =>
    `$argon2id$v=19$m=19456,t=2,p=1$${Buffer.from(password.padEnd(16)).toString('base64').replaceAll('=', '')}$${RECORD_END}`,
  verify: async (record, password) =>
    record.includes(`$${Buffer.from(password.padEnd(16)).toString('base64').replaceAll('=', '')}$`),
};
