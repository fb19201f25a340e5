import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { BusinessLine, Snowflake } from '@fastim/core';
import { Registry } from 'prom-client';
import { createApiServer } from '../api/api-server.ts';
import { type ComponentStates, Readiness } from '../api/readiness.ts';
import { createAuth } from '../auth/create-auth.ts';
import { SessionAccess } from '../auth/session-access.ts';
import { SessionActivity } from '../auth/session-activity.ts';
import { linkToGate, linkToLogic } from '../cluster/in-process.ts';
import { linkErrors } from '../cluster/link-errors.ts';
import type { Config } from '../config.ts';
import { createGate } from '../gate/gate.ts';
import { createLogic } from '../logic/logic.ts';
import { LoopWait } from '../logic/overload/loop-wait.ts';
import { standardGatePolicy } from '../lsb/choose-gate.ts';
import { bracketed, gateAddresses, isWildcard, localGateDirectory } from '../lsb/gate-directory.ts';
import { GateOffers } from '../lsb/gate-offers.ts';
import { GateTickets } from '../lsb/gate-ticket.ts';
import { LocalAdmissions } from '../lsb/local-admissions.ts';
import { LocalReservations } from '../lsb/local-reservations.ts';
import { LsbMetrics } from '../lsb/lsb-metrics.ts';
import { createGateTicketCheck } from '../lsb/ticket-check.ts';
import { TrustedProxies } from '../net/trusted-proxies.ts';
import { collectProcessMetrics } from '../observe/process-metrics.ts';
import { serverVersion } from '../observe/version.ts';
import { MemoryRouteTable } from '../routing/route-table.ts';
import { openSqliteStorage } from '../storage/sqlite/open-sqlite-storage.ts';
import { idMaker } from './make-id.ts';
import { listenForOperator } from './operator-port.ts';
import { openTls, shownUrl } from './public-ports.ts';
import type { RolePorts, RunningRole } from './running-role.ts';
import { startSingleProcessAdmin, traceRings } from './single-process-admin.ts';
import { startWith } from './start-with.ts';
import type { StopStack } from './stop-stack.ts';
import { systemClock, systemRandom } from './system-ports.ts';

export type Addresses = Readonly<
  Record<'api' | 'tcp' | 'websocket' | 'metrics', string> & {
    /** Undefined without a browser app. */
    app: string | undefined;
  }
>;

export interface AllInOne extends RunningRole {
  readonly addresses: Addresses;
}

/**
 * Every role in one process: SQLite, and direct calls between gate and logic. When it resolves, every address answers.
 * When it rejects, everything that had started is stopped again. StorageRefusal and EADDRINUSE are the rejections that an
 * operator can do something about.
 */
export function startAllInOne(config: Config, ports: RolePorts): Promise<AllInOne> {
  return startWith(ports, (stops) => start(config, ports, stops));
}

async function start(config: Config, ports: RolePorts, stops: StopStack): Promise<Omit<AllInOne, 'stop'>> {
  const { logger } = ports;
  const clock = ports.clock ?? systemClock;
  const random = ports.random ?? systemRandom;
  const registry = ports.registry ?? new Registry();
  const version = serverVersion();
  collectProcessMetrics(registry);
  const part = (name: string) => logger.child({ part: name });

  // Before anything is opened: a certificate that cannot be read is a wrong configuration.
  const tls = openTls(config, { clock, logger: part('tls'), registry });
  const randomStart = () => Math.floor(random.fraction() * 128);
  const storage = await openSqliteStorage({
    directory: resolve(config.data),
    clock,
    logger: part('storage'),
  });
  stops.add('storage', () => storage.close());

  const snowflake = new Snowflake(storage.lease, randomStart, await storage.highestId());
  const access = new SessionAccess({ sessions: storage.sessions, clock, logger: part('auth') });
  const activity = new SessionActivity({ sessions: storage.sessions, clock, logger: part('auth') });
  stops.add('session activity', () => activity.stop());
  const routes = new MemoryRouteTable();
  const traces = traceRings(clock);
  const loopWait = new LoopWait();
  stops.add('loop wait', () => loopWait.stop());
  const logic = createLogic({
    storage,
    access,
    snowflake,
    clock,
    random,
    logger: part('logic'),
    registry,
    config: config.logic,
    gateConfig: config.gate,
    routes,
    trace: traces.logic,
    // Nothing is stored but by this node.
    cacheHistory: true,
    loopWait,
  });
  logic.start();
  stops.add('logic', () => logic.stop());

  const auth = await createAuth({
    config: config.auth,
    users: storage.users,
    sessions: storage.sessions,
    access,
    clock,
    random,
    logger: part('auth'),
    registry,
    makeId: idMaker(snowflake, clock, part('auth'), BusinessLine.user),
    endSession: (sessionId, closeCode) => logic.endSession(sessionId, closeCode),
    cores: ports.cores ?? availableParallelism(),
  });

  const onLinkError = linkErrors(part('links'), registry);
  const trustedProxies = new TrustedProxies(config.trustedProxies);
  const gateId = `gate-${Buffer.from(random.bytes(6)).toString('hex')}`;
  const tickets = new GateTickets({ clock, random });
  const reservations = new LocalReservations({ clock, reservationMs: config.lsb.reservationMs });
  const gate = createGate({
    gateId,
    tickets: createGateTicketCheck({ tickets, gateId, clock }),
    arrived: () => reservations.arrived(gateId),
    config: config.gate,
    host: config.host,
    tcpPort: config.tcpPort,
    wsPort: config.wsPort,
    allowedOrigins: config.allowedOrigins,
    trustedProxies,
    tls,
    logic: linkToLogic(activity.watching(logic), onLinkError('to_logic')),
    clock,
    random,
    logger,
    registry,
    trace: traces.gate,
  });
  logic.attachGate(linkToGate(gate, onLinkError('to_gate')));
  const gatePorts = await gate.start();
  stops.add('gate', () => gate.stop());

  let draining = false;
  const readiness = new Readiness({
    clock,
    check: async (): Promise<ComponentStates> => ({
      storage: await storage.check().then(
        () => 'ok' as const,
        () => 'failing' as const,
      ),
      gate: draining ? 'draining' : 'ok',
    }),
  });
  const api = await createApiServer({
    config,
    trustedProxies,
    tls,
    version,
    users: storage.users,
    conversations: storage.conversations,
    accounts: auth.accounts,
    sessions: auth.sessions,
    access,
    onlineSessions: (userId) => logic.onlineSessions(userId),
    showOnlineChanged: (userId) => logic.showOnlineChanged(userId),
    gates: {
      offers: new GateOffers({
        directory: localGateDirectory({
          gateId,
          host: config.host,
          ...gatePorts,
          advertise: config.advertise,
          secure: tls !== undefined,
          appIds: config.gate.appIds,
          channels: config.gate.channels,
          load: () => gate.load(),
          accepting: () => !draining,
        }),
        policy: standardGatePolicy(random),
        tickets,
        reservations,
        admissions: new LocalAdmissions({
          clock,
          perSecond: config.lsb.admissionsPerSecond,
          burst: config.lsb.admissionBurst,
        }),
        random,
        metrics: new LsbMetrics(registry),
      }),
    },
    readiness,
    makeConversationId: idMaker(snowflake, clock, part('api'), BusinessLine.direct),
    clock,
    random,
    logger: part('api'),
    registry,
  });
  stops.add('api', () => api.stop());
  const apiPort = await api.start();

  const drain = async (): Promise<void> => {
    draining = true;
    readiness.changed();
    await gate.drain();
  };
  const admin = startSingleProcessAdmin(
    {
      config,
      version,
      clock,
      random,
      logger: part('admin'),
      traces,
      routes,
      gate,
      gateRecord: () => {
        const load = gate.load();
        const listening = gateAddresses({
          host: config.host,
          ...gatePorts,
          advertise: config.advertise,
          secure: tls !== undefined,
        });
        return { ...listening, ...load, accepting: load.accepting && !draining };
      },
      storage: {
        sessions: storage.sessions,
        users: storage.users,
        conversations: storage.conversations,
        messages: storage.messages,
        ended: (sessionId, closeCode) => {
          access.forget(sessionId);
          logic.endSession(sessionId, closeCode);
        },
      },
      drain,
    },
    stops,
  );
  const metrics = await listenForOperator(config, stops, {
    registry,
    ready: () => readiness.states(),
    admin,
    logger: part('metrics'),
  });

  // First of all when stopping: clients are told to go while everything still answers.
  stops.add('drain', drain);

  const host = bracketed(isWildcard(config.host) ? '127.0.0.1' : config.host);
  const http = shownUrl(config, apiPort, tls !== undefined);
  return {
    addresses: {
      app: config.app.directory ? `${http}/` : undefined,
      api: `${http}/v1`,
      tcp: `${host}:${gatePorts.tcpPort}`,
      websocket: `${tls ? 'wss' : 'ws'}://${host}:${gatePorts.wsPort}`,
      metrics: metrics.url,
    },
    reload: () => tls?.reload(),
  };
}
