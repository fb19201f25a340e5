import { type Clock, type Random, RateLimiter, type Snowflake } from '@fastim/core';
import { Command } from '@fastim/protocol';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { ConnectionRef, GatePort, Identity, LogicPort, UplinkPacket } from '../cluster/contract.ts';
import type { GateConfig, LogicConfig } from '../config.ts';
import { MemoryRouteTable, type Route } from '../routing/route-table.ts';
import { SendToGate } from '../routing/send-to-gate.ts';
import type { Storage } from '../storage/storage.ts';
import { AcceptMessage } from './accept-message.ts';
import type { AccessVerifier } from './access-verifier.ts';
import { Acknowledge } from './acknowledge.ts';
import { Answer } from './answer.ts';
import { Dispatch, type RequestHandler } from './dispatch.ts';
import { FanOut } from './fan-out.ts';
import { AnswerHeartbeat } from './heartbeat.ts';
import { LogIn } from './log-in.ts';
import { cursorMoveRate, MAX_WATCHED_CONVERSATIONS, pullRate, SWEEP, TICK } from './logic-limits.ts';
import { LogicMetrics } from './logic-metrics.ts';
import { Members } from './members.ts';
import { PendingDeliveries } from './pending-deliveries.ts';
import { ReNotify } from './re-notify.ts';
import { SendOrder } from './send-order.ts';
import { StoreMessage } from './store-message.ts';
import { SyncHistory } from './sync-history.ts';

export interface LogicParts {
  readonly storage: Storage;
  readonly access: AccessVerifier;
  readonly snowflake: Snowflake;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly config: LogicConfig;
  readonly gateConfig: GateConfig;
}

/** The rules of the server. It knows gates by their port and the storage by its contracts; it has no sockets. */
export interface Logic extends LogicPort {
  /** From now on this gate's connections can be reached. */
  attachGate(gate: GatePort): void;
  /** The gate is gone, and all its connections with it. */
  detachGate(gateId: string): void;
  /** Closes the session's connections, at once and on all gates; no log-in of this session succeeds any more. */
  endSession(sessionId: bigint, closeCode: number): void;
  /** Idempotent, as is stop. */
  start(): void;
  /**
   * Resolves when every message and cursor taken before is written and answered. Those that come later are answered
   * UNAVAILABLE, for good: a logic that was stopped is not started again. The storage is closed after this, not before.
   */
  stop(): Promise<void>;
}

export function createLogic(parts: LogicParts): Logic {
  const { storage, clock, random, logger, config, gateConfig } = parts;
  const routes = new MemoryRouteTable();
  const toGate = new SendToGate();
  const order = new SendOrder();
  const members = new Members(storage.conversations);
  const pending = new PendingDeliveries<Route>({
    timeoutMs: config.notifyTimeoutMs,
    retries: config.notifyRetries,
    perConnection: MAX_WATCHED_CONVERSATIONS,
  });
  const sendRate = new RateLimiter<bigint>({ perSecond: config.sendPerSecondPerUser, burst: config.sendBurstPerUser });
  const moveRate = new RateLimiter<bigint>(cursorMoveRate);
  const pulls = new RateLimiter<bigint>(pullRate);
  const metrics: LogicMetrics = new LogicMetrics(parts.registry, {
    waiting: () => store.waiting,
    routes: () => routes.size,
    watched: () => pending.size,
    pushes: () => ({ frames: toGate.pushedFrames, messages: toGate.pushedPieces }),
  });

  /** Everything that hangs on one connection goes with its route. */
  const drop = (connection: ConnectionRef): void => {
    const route = routes.remove(connection);
    if (route) pending.forget(route);
    order.forget(connection);
  };

  const answer = new Answer({ toGate, clock, random, logger, metrics });
  const fanOut = new FanOut({ routes, toGate, pending, members, clock, logger });
  const store = new StoreMessage({
    messages: storage.messages,
    answer,
    fanOut,
    order,
    routes,
    clock,
    logger,
    metrics,
    batchLimit: config.batchMessages,
    batchWaitMs: config.batchWaitMs,
    waitingLimit: config.appendQueueLimit,
  });
  const accept = new AcceptMessage({
    store,
    answer,
    order,
    rate: sendRate,
    snowflake: parts.snowflake,
    clock,
    logger,
    metrics,
  });
  const acknowledge = new Acknowledge({
    conversations: storage.conversations,
    pending,
    routes,
    toGate,
    answer,
    members,
    rate: moveRate,
    clock,
    metrics,
    flushMs: config.cursorFlushMs,
  });
  const pull = new SyncHistory({
    conversations: storage.conversations,
    messages: storage.messages,
    answer,
    rate: pulls,
    clock,
  });
  const heartbeat = new AnswerHeartbeat({ conversations: storage.conversations, answer, rate: pulls, clock });
  const logIn = new LogIn({
    access: parts.access,
    routes,
    toGate,
    answer,
    clock,
    logger,
    metrics,
    gateConfig,
    drop,
  });
  const reNotify = new ReNotify({ pending, toGate, clock, logger, metrics, drop });
  const dispatch = new Dispatch({
    handlers: new Map<number, RequestHandler>([
      [Command.heartbeat, (packet, route) => heartbeat.handle(packet, route)],
      [Command.send, (packet, route) => accept.handle(packet, route)],
      [Command.cursor, (packet, route) => acknowledge.handle(packet, route)],
      [Command.sync, (packet, route) => pull.sync(packet, route)],
      [Command.conversations, (packet, route) => pull.conversations(packet, route)],
      [Command.history, (packet, route) => pull.history(packet, route)],
    ]),
    logIn: (packet) => logIn.handle(packet),
    routes,
    toGate,
    answer,
    metrics,
  });

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
        for (const rate of [sendRate, moveRate, pulls]) rate.sweep(now);
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
    attachGate(gate) {
      toGate.attach(gate);
    },
    detachGate(gateId) {
      logIn.gateGone(gateId);
      for (const route of routes.removeGate(gateId)) {
        pending.forget(route);
        order.forget(route.connection);
      }
      toGate.detach(gateId);
    },
    endSession(sessionId, closeCode) {
      logIn.sessionEnded(sessionId, closeCode);
      for (const route of routes.ofSession(sessionId)) {
        drop(route.connection);
        toGate.close(route.connection, closeCode, 'the session was ended');
      }
    },
    start() {
      if (!cancelTick) scheduleTick();
    },
    async stop() {
      cancelTick?.();
      cancelTick = undefined;
      await store.stop();
      await acknowledge.stop();
    },
  };
}
