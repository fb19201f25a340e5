import { type Clock, type Random, RateLimiter } from '@fastim/core';
import { Command } from '@fastim/protocol';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { ConnectionRef, GatePort, Identity, LogicPort, UplinkPacket } from '../cluster/contract.ts';
import type { GateConfig, LogicConfig } from '../config.ts';
import type { Trace } from '../observe/trace-ring.ts';
import { OwnRoutes } from '../routing/own-routes.ts';
import { MemoryRouteTable, type Route, type RouteTable } from '../routing/route-table.ts';
import { SendToGate } from '../routing/send-to-gate.ts';
import type { Storage } from '../storage/storage.ts';
import { AcceptMessage } from './accept-message.ts';
import type { AccessVerifier } from './access-verifier.ts';
import { Acknowledge } from './acknowledge.ts';
import { Answer } from './answer.ts';
import { Dispatch, type RequestHandler } from './dispatch.ts';
import { FanOut } from './fan-out.ts';
import { ChangeGroups } from './groups/change-groups.ts';
import { FollowGroups } from './groups/follow-groups.ts';
import { GroupFanOut } from './groups/group-fan-out.ts';
import { GroupLinks } from './groups/group-links.ts';
import { InterestStale } from './groups/interest-stale.ts';
import { KnownRemovals } from './groups/known-removals.ts';
import { ReadGroups } from './groups/read-groups.ts';
import { AnswerHeartbeat } from './heartbeat.ts';
import { HistoryTails } from './history/history-tails.ts';
import { leaveInOrder } from './leave-in-order.ts';
import { PresenceWatch } from './live/presence.ts';
import { Standings } from './live/standings.ts';
import { TellReaders } from './live/tell-readers.ts';
import { Typing } from './live/typing.ts';
import { Viewing } from './live/viewing.ts';
import { LogIn } from './log-in.ts';
import {
  cursorMoveRate,
  MAX_WATCHED_CONVERSATIONS,
  pullRate,
  SWEEP,
  settingsRate,
  TICK,
  typingRate,
} from './logic-limits.ts';
import { LogicMetrics } from './logic-metrics.ts';
import { type IdSource, MakeIds } from './make-ids.ts';
import { Members } from './members.ts';
import type { LoopWaitSource } from './overload/loop-wait.ts';
import { OverloadGuard } from './overload/overload-guard.ts';
import { QueueWait } from './overload/queue-wait.ts';
import { PendingDeliveries } from './pending-deliveries.ts';
import { ReNotify } from './re-notify.ts';
import { ReadProfiles } from './read-profiles.ts';
import { SendOrder } from './send-order.ts';
import { OwnSettings } from './settings/own-settings.ts';
import { StoreMessage } from './store-message.ts';
import { SyncHistory } from './sync-history.ts';
import { Writes } from './writes.ts';

export interface LogicParts {
  readonly storage: Storage;
  readonly access: AccessVerifier;
  readonly snowflake: IdSource;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly config: LogicConfig;
  readonly gateConfig: GateConfig;
  /** Shared by the logic nodes of one process; default: this node's own. */
  readonly routes?: RouteTable;
  /**
   * Whether the newest messages of groups are kept in memory for pulls. Only where this is the one logic node of its
   * storage: what another node stores or recalls would not be seen here. Default: false.
   */
  readonly cacheHistory?: boolean;
  /** Where notes of each message's way are left, for the operator. */
  readonly trace?: Trace;
  /** How long the event loop lets work wait. Default: not measured, as on a clock that is not the computer's. */
  readonly loopWait?: LoopWaitSource;
}

/** The rules of the server. It knows gates by their port and the storage by its contracts; it has no sockets. */
export interface Logic extends LogicPort {
  /** From now on this gate's connections can be reached. */
  attachGate(gate: GatePort): void;
  /** The gate is gone, and all its connections with it. */
  detachGate(gateId: string): void;
  /** Closes the session's connections, at once and on all gates; no log-in of this session succeeds any more. */
  endSession(sessionId: bigint, closeCode: number): void;
  /** Whether the user has a connection anywhere. */
  isOnline(userId: bigint): Promise<boolean>;
  /** The user's sessions that have a connection, anywhere. */
  onlineSessions(userId: bigint): Promise<ReadonlySet<bigint>>;
  /** The user changed whether others see when he is online; the storage knows already. */
  showOnlineChanged(userId: bigint): void;
  /** Changes of routes may have been missed (the registry was away): whoever watches others is told what is true now. */
  routesMissed(): void;
  /** Idempotent, as is stop. */
  start(): void;
  /**
   * Where there are other nodes: gates give this one no new connections, and those it has are closed evenly over
   * `windowMs` with "reconnect". Nothing is refused meanwhile. Resolves when none is left, or a second after the window.
   */
  leave(windowMs: number): Promise<void>;
  /**
   * Resolves when every message and cursor taken before is written and answered. Those that come later are answered
   * UNAVAILABLE, for good: a logic that was stopped is not started again. The storage is closed after this, not before.
   */
  stop(): Promise<void>;
}

export function createLogic(parts: LogicParts): Logic {
  const { storage, clock, random, logger, config, gateConfig, trace } = parts;
  const { conversations, users } = storage;
  const routes = parts.routes ?? new MemoryRouteTable();
  const own = new OwnRoutes();
  const toGate = new SendToGate();
  const order = new SendOrder();
  const members = new Members(conversations);
  const removals = new KnownRemovals();
  const standings = new Standings({ conversations, clock });
  const tails = parts.cacheHistory ? new HistoryTails() : undefined;
  const pending = new PendingDeliveries<Route>({
    timeoutMs: config.notifyTimeoutMs,
    retries: config.notifyRetries,
    perConnection: MAX_WATCHED_CONVERSATIONS,
  });
  const sendRate = new RateLimiter<bigint>({ perSecond: config.sendPerSecondPerUser, burst: config.sendBurstPerUser });
  const changeRate = new RateLimiter<bigint>({
    perSecond: config.groupChangesPerHour / 3_600,
    burst: config.groupChangesPerHour,
  });
  const moveRate = new RateLimiter<bigint>(cursorMoveRate);
  const pulls = new RateLimiter<bigint>(pullRate);
  const settingRate = new RateLimiter<bigint>(settingsRate);
  const typeRate = new RateLimiter<bigint>(typingRate);
  const rates = [sendRate, changeRate, moveRate, pulls, settingRate, typeRate];
  const metrics: LogicMetrics = new LogicMetrics(parts.registry, {
    waiting: () => store.waiting,
    routes: () => own.size,
    watched: () => pending.size,
    pushes: () => ({ frames: toGate.pushedFrames, messages: toGate.pushedPieces }),
    quickPulls: () => tails?.answers ?? 0,
    overload: () => ({ waitMs: overload.meanWaitMs, threshold: overload.threshold }),
  });

  /** Everything that this node keeps of one connection. */
  const forget = (route: Route): void => {
    own.remove(route.connection);
    pending.forget(route);
    order.forget(route.connection);
    presence.forget(route);
  };
  /** The connection is heard no more, whichever node it belongs to. */
  const drop = (connection: ConnectionRef): void => {
    const shared = routes.remove(connection);
    const route = own.remove(connection) ?? shared;
    if (route) forget(route);
    else order.forget(connection);
  };

  const answer = new Answer({ toGate, clock, random, logger, metrics });
  const wait = new QueueWait(parts.loopWait);
  const overload = new OverloadGuard({ wait, waitLimitMs: config.overloadWaitMs, answer, clock, logger, metrics });
  const writes = new Writes(answer);
  const ids = new MakeIds({ snowflake: parts.snowflake, clock, answer, logger });
  const follow = new FollowGroups({ toGate, members });
  const groupFanOut = new GroupFanOut({
    routes,
    toGate,
    members,
    removals,
    standings,
    tails,
    logger,
    metrics,
    trace,
  });
  const fanOut = new FanOut({ routes, own, toGate, pending, members, groups: groupFanOut, clock, logger, trace });
  const store = new StoreMessage({
    messages: storage.messages,
    answer,
    fanOut,
    order,
    routes,
    clock,
    logger,
    metrics,
    trace,
    wait,
    batchLimit: config.batchMessages,
    batchWaitMs: config.batchWaitMs,
    waitingLimit: config.appendQueueLimit,
  });
  const accept = new AcceptMessage({
    store,
    answer,
    order,
    rate: sendRate,
    overload,
    snowflake: parts.snowflake,
    clock,
    logger,
    metrics,
    windows: config,
  });
  const readers = new TellReaders({ standings, toGate, clock, answer });
  const acknowledge = new Acknowledge({
    conversations,
    pending,
    routes,
    toGate,
    answer,
    members,
    readers,
    rate: moveRate,
    clock,
    metrics,
    flushMs: config.cursorFlushMs,
  });
  const pull = new SyncHistory({
    conversations,
    messages: storage.messages,
    tails,
    follow,
    answer,
    rate: pulls,
    clock,
  });
  const heartbeat = new AnswerHeartbeat({ conversations, follow, answer, rate: pulls, clock });
  const viewing = new Viewing({ conversations, routes, toGate, follow, answer, rate: pulls, clock });
  const typing = new Typing({ routes, toGate, members, standings, answer, rate: typeRate, clock, metrics });
  const presence: PresenceWatch = new PresenceWatch({
    users,
    sessions: storage.sessions,
    routes,
    toGate,
    answer,
    rate: pulls,
    clock,
    metrics,
  });
  const profiles = new ReadProfiles({ users, answer, rate: pulls, clock });
  const groups = new ChangeGroups({
    storage,
    fanOut: groupFanOut,
    follow,
    routes,
    toGate,
    ids,
    answer,
    writes,
    rate: changeRate,
    clock,
    logger,
    metrics,
    maxMembers: config.groupMembers,
  });
  const readGroups = new ReadGroups({ groups: storage.groups, conversations, answer, rate: pulls, clock });
  const links = new GroupLinks({
    groups: storage.groups,
    answer,
    writes,
    random,
    changeRate,
    pulls,
    clock,
    maxLinks: config.linksPerGroup,
  });
  const settings = new OwnSettings({
    conversations,
    routes,
    toGate,
    answer,
    writes,
    changeRate: settingRate,
    pulls,
    clock,
  });
  const interest = new InterestStale({ conversations, removals, toGate, answer, metrics });
  const logIn = new LogIn({
    access: parts.access,
    conversations,
    routes,
    own,
    toGate,
    follow,
    removals,
    answer,
    clock,
    logger,
    metrics,
    gateConfig,
    windows: config,
    historyEpoch: storage.historyEpoch,
    drop,
  });
  const reNotify = new ReNotify({ pending, toGate, clock, logger, metrics, drop });
  const dispatch = new Dispatch({
    handlers: new Map<number, RequestHandler>([
      [Command.heartbeat, (packet, route) => heartbeat.handle(packet, route)],
      [Command.send, (packet, route) => accept.handle(packet, route)],
      [Command.cursor, (packet, route) => acknowledge.handle(packet, route)],
      [Command.viewing, (packet, route) => viewing.handle(packet, route)],
      [Command.typing, (packet, route) => typing.handle(packet, route)],
      [Command.presence, (packet, route) => presence.handle(packet, route)],
      [Command.sync, (packet, route) => pull.sync(packet, route)],
      [Command.conversations, (packet, route) => pull.conversations(packet, route)],
      [Command.history, (packet, route) => pull.history(packet, route)],
      [Command.seek, (packet, route) => pull.seek(packet, route)],
      [Command.profiles, (packet, route) => profiles.handle(packet, route)],
      [Command.createGroup, (packet, route) => groups.create(packet, route)],
      [Command.changeGroup, (packet, route) => groups.change(packet, route)],
      [Command.members, (packet, route) => readGroups.members(packet, route)],
      [Command.readCounts, (packet, route) => readGroups.readCounts(packet, route)],
      [Command.readers, (packet, route) => readGroups.readers(packet, route)],
      [Command.links, (packet, route) => links.list(packet, route)],
      [Command.makeLink, (packet, route) => links.make(packet, route)],
      [Command.revokeLink, (packet, route) => links.revoke(packet, route)],
      [Command.lookAtLink, (packet, route) => links.lookAt(packet, route)],
      [Command.join, (packet, route) => groups.join(packet, route)],
      [Command.joins, (packet, route) => links.joins(packet, route)],
      [Command.settings, (packet, route) => settings.change(packet, route)],
      [Command.hidden, (packet, route) => settings.hidden(packet, route)],
    ]),
    logIn: (packet) => logIn.handle(packet),
    routes,
    toGate,
    answer,
    overload,
    metrics,
  });

  let left: Promise<void> | undefined;
  let cancelTick: (() => void) | undefined;
  let sweepAt = 0;
  const scheduleTick = (): void => {
    cancelTick = clock.setTimer(Math.min(TICK, config.notifyTimeoutMs), () => {
      scheduleTick();
      try {
        reNotify.run();
        const now = clock.now();
        if (now < sweepAt) return;
        sweepAt = now + SWEEP;
        for (const rate of rates) rate.sweep(now);
      } catch (error) {
        answer.explain(error);
      }
    });
  };

  return {
    uplink: (packet: UplinkPacket) => dispatch.handle(packet),
    connectionClosed(connection: ConnectionRef, _identity: Identity | undefined) {
      logIn.connectionClosed(connection);
      drop(connection);
    },
    interestStale: (gateId, conversationId, userIds) => interest.handle(gateId, conversationId, userIds),
    interested: (gateId, change) => toGate.interested(gateId, change),
    attachGate(gate) {
      toGate.attach(gate);
    },
    detachGate(gateId) {
      logIn.gateGone(gateId);
      routes.removeGate(gateId);
      for (const route of own.ofGate(gateId)) forget(route);
      toGate.detach(gateId);
      wait.gateGone(gateId);
    },
    endSession(sessionId, closeCode) {
      logIn.sessionEnded(sessionId, closeCode);
      for (const route of routes.ofSession(sessionId)) {
        drop(route.connection);
        toGate.close(route.connection, closeCode, 'the session was ended');
      }
    },
    isOnline: async (userId) => (await routes.ofUser(userId)).length > 0,
    onlineSessions: async (userId) => {
      const found = await routes.ofUser(userId);
      return new Set(found.map((route) => route.identity.sessionId));
    },
    showOnlineChanged: (userId) => presence.refresh(userId),
    routesMissed: () => presence.refreshAll(),
    leave: (windowMs) => {
      left ??= leaveInOrder({ own, toGate, clock }, windowMs);
      return left;
    },
    start() {
      if (!cancelTick) scheduleTick();
      presence.start();
    },
    async stop() {
      cancelTick?.();
      cancelTick = undefined;
      presence.stop();
      readers.stop();
      // All of them refuse from this turn on.
      await Promise.all([store.stop(), acknowledge.stop(), writes.stop()]);
    },
  };
}
