import { type ComponentStates, Readiness } from '../api/readiness.ts';
import { acceptLogicLinks } from '../cluster/inner/accept-logic-links.ts';
import { createInnerListener } from '../cluster/inner/inner-listener.ts';
import { createLinkContext } from '../cluster/inner/link-context.ts';
import { linkErrors } from '../cluster/link-errors.ts';
import type { Config } from '../config.ts';
import { createGate, type Gate } from '../gate/gate.ts';
import { gateAddresses } from '../lsb/gate-directory.ts';
import { GateTickets } from '../lsb/gate-ticket.ts';
import { parseGrayRule } from '../lsb/gray-rule-text.ts';
import { createGateTicketCheck } from '../lsb/ticket-check.ts';
import { TrustedProxies } from '../net/trusted-proxies.ts';
import { TraceRing } from '../observe/trace-ring.ts';
import type { GateRecord } from '../registry/contract.ts';
import { announce, openClusterNode } from './cluster-node.ts';
import { CountedLinks } from './counted-links.ts';
import { startOperatorPort } from './operator-port.ts';
import type { RolePorts, RunningRole } from './running-role.ts';
import { startWith } from './start-with.ts';
import { untilStopping } from './wait-for.ts';

/** A gate that no logic node has found by then says that it is ready anyway, and why nobody can log in. */
const FIRST_LINK_MS = 15_000;

/**
 * Holds connections. Ready when a logic node has found it. SIGTERM, or an order to drain, makes it tell each client to
 * come back elsewhere at a moment of its own.
 */
export function startGateRole(config: Config, ports: RolePorts): Promise<RunningRole> {
  return startWith(ports, async (stops) => {
    // Before anything is opened: a rule that cannot be read is a wrong configuration.
    const grayRules = config.gate.grayRules.map(parseGrayRule);
    const node = await openClusterNode('gate', config, ports, stops);
    const { self, cluster, clock, random, registry, tls } = node;
    const gateId = self.nodeId;
    const logger = node.part('gate');

    const trace = new TraceRing({ now: () => clock.now() });
    const links = new CountedLinks({ gateId, close: (connectionId, close) => gate.close(connectionId, close) });
    const gate: Gate = createGate({
      gateId,
      config: config.gate,
      host: config.host,
      tcpPort: config.tcpPort,
      wsPort: config.wsPort,
      allowedOrigins: config.allowedOrigins,
      trustedProxies: new TrustedProxies(config.trustedProxies),
      tls,
      logic: links,
      tickets: createGateTicketCheck({
        tickets: new GateTickets({ clock, random, secret: config.cluster.secret }),
        gateId,
        clock,
      }),
      arrived: () => cluster.reservations.arrived(gateId),
      intruder: (from, reason) => cluster.directory.refused({ atMs: clock.now(), by: self.name, from, reason }),
      clock,
      random,
      logger: ports.logger.child({ role: 'gate', node: self.name }),
      registry,
      trace,
    });
    const onError = linkErrors(node.part('links'), registry);
    const context = createLinkContext({
      self,
      config: config.cluster,
      directory: cluster.directory,
      logger: node.part('links'),
      registry,
      clock,
      random,
      onError: onError('to_gate'),
    });
    const listener = createInnerListener(context, acceptLogicLinks(context, { gate, links }));
    stops.add('links', () => listener.stop());
    const inner = await listener.start();
    stops.add('gate', () => gate.stop());
    const gatePorts = await gate.start();
    const shown = gateAddresses({
      host: config.host,
      ...gatePorts,
      advertise: config.advertise,
      secure: tls !== undefined,
    });

    let draining = false;
    const readiness = new Readiness({
      clock,
      check: async (): Promise<ComponentStates> => ({
        gate: draining ? 'draining' : 'ok',
        logic: links.count > 0 ? 'ok' : 'failing',
        registry: cluster.reachable ? 'ok' : 'failing',
      }),
    });
    const metrics = await startOperatorPort(node, stops, { readiness, trace, gate });
    const current = (): GateRecord => {
      const { connections, capacity, accepting } = gate.load();
      return {
        ...node.facts(metrics.address),
        role: 'gate',
        inner,
        ...shown,
        appIds: config.gate.appIds,
        channels: config.gate.channels,
        grayRules,
        connections,
        capacity,
        // Without logic nobody could be logged in.
        accepting: accepting && !draining && links.count > 0,
      };
    };
    const { report } = await announce(node, current, stops);
    const drain = () => {
      draining = true;
      readiness.changed();
      report();
      return gate.drain();
    };
    links.onChange(() => {
      readiness.changed();
      report();
    });
    stops.add(
      'orders',
      cluster.bus.subscribe((event) => {
        if (event.type === 'drain-gate' && event.gateId === gateId) {
          logger.warn('an operator has ordered this gate to drain; it takes nobody until it is started again');
          void drain();
        } else if (event.type === 'reconnect-gate' && event.gateId === gateId) {
          gate.reconnectAll(event.windowMs);
        }
      }),
    );
    // First of all when stopping: clients are told to go while everything still answers.
    stops.add('drain', drain);

    const late = Promise.withResolvers<void>();
    const cancel = clock.setTimer(FIRST_LINK_MS, late.resolve);
    await untilStopping(Promise.race([links.first, late.promise]), ports.stopping).finally(cancel);
    if (links.count === 0) logger.error('no logic node has found this gate: nobody can log in here');
    return {
      addresses: {
        tcp: `${config.host}:${gatePorts.tcpPort}`,
        websocket: `${tls ? 'wss' : 'ws'}://${config.host}:${gatePorts.wsPort}`,
        inner: `${inner.host}:${inner.port}`,
        metrics: metrics.url,
      },
      reload: () => tls?.reload(),
    };
  });
}
