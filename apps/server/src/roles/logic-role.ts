import { type ComponentStates, Readiness } from '../api/readiness.ts';
import { SessionAccess } from '../auth/session-access.ts';
import { SessionActivity } from '../auth/session-activity.ts';
import { acceptPeers } from '../cluster/inner/accept-peers.ts';
import type { GateAttachment } from '../cluster/inner/contract.ts';
import { createGateDialer } from '../cluster/inner/gate-dialer.ts';
import { createInnerListener } from '../cluster/inner/inner-listener.ts';
import { createLinkContext } from '../cluster/inner/link-context.ts';
import { ownerAppends } from '../cluster/inner/owner-appends.ts';
import { createPeerLinks } from '../cluster/inner/peer-links.ts';
import { linkErrors } from '../cluster/link-errors.ts';
import type { Config } from '../config.ts';
import { createLogic, type Logic } from '../logic/logic.ts';
import { LoopWait } from '../logic/overload/loop-wait.ts';
import { TraceRing } from '../observe/trace-ring.ts';
import type { LogicRecord, NumberLease } from '../registry/contract.ts';
import type { MessageStore } from '../storage/message-store.ts';
import type { Storage } from '../storage/storage.ts';
import { announce, openClusterNode, stateOf } from './cluster-node.ts';
import { openClusterStorage } from './cluster-storage.ts';
import { forgetEndedSessions } from './forget-ended-sessions.ts';
import { LeasedIds } from './leased-ids.ts';
import { startOperatorPort } from './operator-port.ts';
import type { RolePorts, RunningRole } from './running-role.ts';
import { TellSessionEnds } from './session-ends.ts';
import { startWith } from './start-with.ts';
import { untilStopping, waitFor } from './wait-for.ts';

/**
 * The rules. It dials every gate, and every other logic node as the owner of conversations. Stores under a fence: when its
 * node number is another's, nothing of it is stored any more until it has a new one.
 */
export function startLogicRole(config: Config, ports: RolePorts): Promise<RunningRole> {
  return startWith(ports, async (stops) => {
    const node = await openClusterNode('logic', config, ports, stops);
    const { self, cluster, clock, random, registry, tls } = node;
    let lease: NumberLease | undefined;
    const { storage, clockWatch } = await openClusterStorage(node, stops, {
      current: () => (lease?.held ? { number: lease.number, fence: lease.fence } : undefined),
      refused: (fence) => lease?.giveUp(fence),
    });
    lease = await untilStopping(
      cluster.leaseNumber({
        takeNumber: (number, holder) => storage.takeNumber(number, holder),
        graceMs: config.registry.numberGraceMs,
      }),
      ports.stopping,
    );
    const held = lease;
    stops.add('number', () => held.stop());
    const logger = node.part('ids');
    const ids = await waitFor(
      () =>
        LeasedIds.open({
          lease: held,
          highestId: () => storage.highestId(),
          randomStart: node.randomStart,
          clockIsGood: () => clockWatch.isGood,
          clock,
          logger,
        }),
      { what: 'PostgreSQL', clock, logger, stopping: ports.stopping, isFinal: () => false },
    );
    stops.add('ids', () => ids.stop());

    const trace = new TraceRing({ now: () => clock.now() });
    const tell = new TellSessionEnds({ bus: cluster.bus, clock, logger: node.part('sessions') });
    stops.add('tell of ended sessions', () => tell.stop());
    const access = new SessionAccess({ sessions: storage.sessions, clock, logger: node.part('auth') });
    const activity = new SessionActivity({ sessions: storage.sessions, clock, logger: node.part('auth') });
    stops.add('session activity', () => activity.stop());

    const onError = linkErrors(node.part('links'), registry);
    const context = createLinkContext({
      self,
      config: config.cluster,
      directory: cluster.directory,
      logger: node.part('links'),
      registry,
      clock,
      random,
      onError: onError('to_logic'),
    });
    const peers = createPeerLinks(context);
    const appends = ownerAppends(context, {
      messages: storage.messages,
      peers,
      batchLimit: config.logic.batchMessages,
      issuer: () => (held.held ? { number: held.number, fence: held.fence } : undefined),
    });
    stops.add('appends', () => appends.stop());
    stops.add('peers', () => peers.stop());
    const listener = createInnerListener(
      context,
      acceptPeers(context, { append: (batch) => appends.appendHere(batch) }),
    );
    const inner = await listener.start();
    stops.add('listener', () => listener.stop());

    const loopWait = new LoopWait();
    stops.add('loop wait', () => loopWait.stop());
    const logic = createLogic({
      storage: withMessages(storage, appends),
      access,
      snowflake: ids,
      clock,
      random,
      logger: node.part('logic'),
      registry,
      config: config.logic,
      gateConfig: config.gate,
      routes: cluster.routes,
      trace,
      loopWait,
    });
    await untilStopping(cluster.routes.start(), ports.stopping);
    const dialer = createGateDialer(context, { logic: behind(activity, logic) });
    stops.add('dialer', () => dialer.stop());
    logic.start();
    // Before the dialer: its last answers travel.
    stops.add('logic', () => logic.stop());
    forgetEndedSessions(
      node,
      {
        sessions: storage.sessions,
        access,
        ended: (sessionId, closeCode) => logic.endSession(sessionId, closeCode),
      },
      stops,
    );
    stops.add(
      'orders',
      cluster.bus.subscribe((event) => {
        if (event.type === 'show-online') logic.showOnlineChanged(BigInt(event.userId));
      }),
    );

    stops.add(
      'missed routes',
      cluster.bus.onResumed(() => logic.routesMissed()),
    );

    const readiness = new Readiness({
      clock,
      check: async (): Promise<ComponentStates> => ({
        storage: await stateOf(storage.check()),
        registry: cluster.reachable ? 'ok' : 'failing',
        ids: ids.number >= 0 && clockWatch.isGood ? 'ok' : 'failing',
      }),
    });
    const metrics = await startOperatorPort(node, stops, {
      readiness,
      trace,
      storage: { storage, ended: (sessionId, closeCode) => tell.ended(sessionId, closeCode) },
    });
    const { report } = await announce(
      node,
      (): LogicRecord => ({
        ...node.facts(metrics.address),
        role: 'logic',
        number: ids.number,
        inner,
        routes: cluster.routes.size,
        gates: dialer.gates,
      }),
      stops,
    );
    stops.add('number watch', held.onChange(report));
    stops.add('gate watch', dialer.onChange(report));
    peers.start();
    dialer.start();
    // First of all when stopping: clients go to other nodes while everything still answers.
    stops.add('leave', () => logic.leave(config.gate.drainMs));
    return {
      addresses: { inner: `${inner.host}:${inner.port}`, metrics: metrics.url },
      reload: () => tls?.reload(),
    };
  });
}

/** The storage with another way to its messages. */
function withMessages(storage: Storage, messages: MessageStore): Storage {
  const { conversations, groups, users, sessions, historyEpoch } = storage;
  return {
    messages,
    conversations,
    groups,
    users,
    sessions,
    historyEpoch,
    highestId: () => storage.highestId(),
    check: () => storage.check(),
    close: () => storage.close(),
  };
}

/** What gates send passes the watch over sessions first. */
function behind(activity: SessionActivity, logic: Logic): GateAttachment {
  return {
    ...activity.watching(logic),
    attachGate: (gate) => logic.attachGate(gate),
    detachGate: (gateId) => logic.detachGate(gateId),
  };
}
