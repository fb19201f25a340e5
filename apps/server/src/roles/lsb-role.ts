import { createLsbServer } from '../api/lsb-server.ts';
import { Readiness } from '../api/readiness.ts';
import { SessionAccess } from '../auth/session-access.ts';
import type { Config } from '../config.ts';
import { TrustedProxies } from '../net/trusted-proxies.ts';
import { TraceRing } from '../observe/trace-ring.ts';
import { announce, openClusterNode, ownUrl, stateOf } from './cluster-node.ts';
import { openClusterStorage } from './cluster-storage.ts';
import { forgetEndedSessions } from './forget-ended-sessions.ts';
import { offerGates } from './offer-gates.ts';
import { startOperatorPort } from './operator-port.ts';
import { shownUrl } from './public-ports.ts';
import type { RolePorts, RunningRole } from './running-role.ts';
import { startWith } from './start-with.ts';

/**
 * Tells clients where to connect. It looks tokens up in PostgreSQL and keeps nothing; any number of it can run, and any
 * can go at any time.
 */
export function startLsbRole(config: Config, ports: RolePorts): Promise<RunningRole> {
  return startWith(ports, async (stops) => {
    const node = await openClusterNode('lsb', config, ports, stops);
    const { clock, random, registry, tls } = node;
    const { storage } = await openClusterStorage(node, stops);
    const access = new SessionAccess({ sessions: storage.sessions, clock, logger: node.part('auth') });
    forgetEndedSessions(node, { sessions: storage.sessions, access }, stops);
    const { offers, seal } = offerGates(node);
    const readiness = new Readiness({
      clock,
      check: async () => ({
        storage: await stateOf(storage.check()),
        registry: node.cluster.reachable ? 'ok' : 'failing',
      }),
    });
    const server = await createLsbServer({
      config,
      trustedProxies: new TrustedProxies(config.trustedProxies),
      tls,
      seal,
      access,
      offers,
      readiness,
      clock,
      random,
      logger: node.part('api'),
      registry,
    });
    stops.add('http', () => server.stop());
    const port = await server.start();
    const metrics = await startOperatorPort(node, stops, {
      readiness,
      trace: new TraceRing({ now: () => clock.now() }),
    });
    const url = ownUrl(config, port, tls !== undefined);
    await announce(node, () => ({ ...node.facts(metrics.address), role: 'lsb', url }), stops);
    return {
      addresses: { lsb: `${shownUrl(config, port, tls !== undefined)}/v1`, metrics: metrics.url },
      reload: () => tls?.reload(),
    };
  });
}
