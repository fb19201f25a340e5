import { availableParallelism } from 'node:os';
import { BusinessLine } from '@fastim/core';
import { FastimError } from '@fastim/protocol';
import { createApiServer } from '../api/api-server.ts';
import { LsbRelay } from '../api/lsb-relay.ts';
import { Readiness } from '../api/readiness.ts';
import { createAuth } from '../auth/create-auth.ts';
import { SessionAccess } from '../auth/session-access.ts';
import type { Config } from '../config.ts';
import { TrustedProxies } from '../net/trusted-proxies.ts';
import { TraceRing } from '../observe/trace-ring.ts';
import type { ClusterRegistry } from '../registry/contract.ts';
import { announce, openClusterNode, ownUrl, stateOf } from './cluster-node.ts';
import { openClusterStorage } from './cluster-storage.ts';
import { forgetEndedSessions } from './forget-ended-sessions.ts';
import { LeasedIds } from './leased-ids.ts';
import { idMaker } from './make-id.ts';
import { offerGates } from './offer-gates.ts';
import { startOperatorPort } from './operator-port.ts';
import { shownUrl } from './public-ports.ts';
import type { RolePorts, RunningRole } from './running-role.ts';
import { TellSessionEnds } from './session-ends.ts';
import { startWith } from './start-with.ts';
import { untilStopping, waitFor } from './wait-for.ts';

const RETRY_AFTER_MS = 2_000;
/** More devices than one user has. */
const MOST_ROUTES = 1_000;

/** Accounts, sessions and conversations over HTTP, and the browser app. What clients ask about gates goes on to an LSB. */
export function startApiRole(config: Config, ports: RolePorts): Promise<RunningRole> {
  return startWith(ports, async (stops) => {
    const node = await openClusterNode('api', config, ports, stops);
    const { cluster, clock, random, registry, tls, stopping } = node;
    const { storage, clockWatch } = await openClusterStorage(node, stops);
    const lease = await untilStopping(
      cluster.leaseNumber({
        takeNumber: (number, holder) => storage.takeNumber(number, holder),
        graceMs: config.registry.numberGraceMs,
      }),
      stopping,
    );
    stops.add('number', () => lease.stop());
    const ids = await waitFor(
      () =>
        LeasedIds.open({
          lease,
          highestId: () => storage.highestId(),
          randomStart: node.randomStart,
          clockIsGood: () => clockWatch.isGood,
          clock,
          logger: node.part('ids'),
        }),
      { what: 'PostgreSQL', clock, logger: node.part('ids'), stopping, isFinal: () => false },
    );
    stops.add('ids', () => ids.stop());

    const tell = new TellSessionEnds({ bus: cluster.bus, clock, logger: node.part('sessions') });
    stops.add('tell of ended sessions', () => tell.stop());
    const access = new SessionAccess({ sessions: storage.sessions, clock, logger: node.part('auth') });
    forgetEndedSessions(node, { sessions: storage.sessions, access }, stops);
    const auth = await createAuth({
      config: config.auth,
      users: storage.users,
      sessions: storage.sessions,
      access,
      clock,
      random,
      logger: node.part('auth'),
      registry,
      makeId: idMaker(ids, clock, node.part('auth'), BusinessLine.user),
      endSession: (sessionId, closeCode) => tell.ended(sessionId, closeCode),
      cores: ports.cores ?? availableParallelism(),
    });
    const { offers, metrics: lsbMetrics, seal } = offerGates(node);
    const readiness = new Readiness({
      clock,
      check: async () => ({
        storage: await stateOf(storage.check()),
        registry: cluster.reachable ? 'ok' : 'failing',
        ids: ids.number >= 0 && clockWatch.isGood ? 'ok' : 'failing',
      }),
    });
    const api = await createApiServer({
      config,
      trustedProxies: new TrustedProxies(config.trustedProxies),
      tls,
      seal,
      version: node.version,
      users: storage.users,
      conversations: storage.conversations,
      accounts: auth.accounts,
      sessions: auth.sessions,
      access,
      onlineSessions: (userId) => onlineSessions(cluster, userId),
      showOnlineChanged(userId) {
        cluster.bus.publish({ type: 'show-online', userId: String(userId) }).catch((error: unknown) => {
          node.part('api').warn({ err: error }, 'who sees a user online is up to date at his next log-in');
        });
      },
      gates: {
        offers,
        relay: new LsbRelay({
          directory: cluster.directory,
          seal,
          clock,
          random,
          logger: node.part('lsb'),
          metrics: lsbMetrics,
        }),
      },
      readiness,
      makeConversationId: idMaker(ids, clock, node.part('api'), BusinessLine.direct),
      clock,
      random,
      logger: node.part('api'),
      registry,
    });
    stops.add('http', () => api.stop());
    const port = await api.start();
    const metrics = await startOperatorPort(node, stops, {
      readiness,
      trace: new TraceRing({ now: () => clock.now() }),
      storage: { storage, ended: (sessionId, closeCode) => tell.ended(sessionId, closeCode) },
    });
    const isSecure = tls !== undefined;
    const url = ownUrl(config, port, isSecure);
    await announce(node, () => ({ ...node.facts(metrics.address), role: 'api', url }), stops);
    const shown = shownUrl(config, port, isSecure);
    return {
      addresses: {
        app: config.app.directory ? `${shown}/` : undefined,
        api: `${shown}/v1`,
        metrics: metrics.url,
      },
      reload: () => tls?.reload(),
    };
  });
}

/** Rejects UNAVAILABLE while the registry cannot be asked. */
async function onlineSessions(cluster: ClusterRegistry, userId: bigint): Promise<ReadonlySet<bigint>> {
  try {
    const routes = await cluster.routes.page({ userId, gateId: null, limit: MOST_ROUTES });
    return new Set(routes.map((route) => route.identity.sessionId));
  } catch (error) {
    throw new FastimError('UNAVAILABLE', undefined, { retryAfterMs: RETRY_AFTER_MS, cause: error });
  }
}
