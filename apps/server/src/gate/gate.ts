import type { SecureContext } from 'node:tls';
import type { Clock, Random } from '@fastim/core';
import { CloseCode } from '@fastim/protocol';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { DownlinkPacket, GatePort, GroupPacket, GroupSignal, Identity, LogicPort } from '../cluster/contract.ts';
import type { GateConfig } from '../config.ts';
import type { TrustedProxies } from '../net/trusted-proxies.ts';
import type { Trace } from '../observe/trace-ring.ts';
import { SecureSockets } from '../tls/secure-sockets.ts';
import { Admission, type Refusal, type Stranger } from './admission.ts';
import type { ClientSocket, Transport } from './client-socket.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import { type ConnectionInfo, connectionInfo } from './connection-info.ts';
import { ConnectionTable } from './connection-table.ts';
import { DeadlineWheel } from './deadline-wheel.ts';
import { type Defer, Downlink } from './downlink.ts';
import { CLOSE_GRACE_MS, LOGINS_UNDER_WAY } from './gate-limits.ts';
import { GateMetrics } from './gate-metrics.ts';
import { GroupIndex } from './groups/group-index.ts';
import { GroupMetrics } from './groups/group-metrics.ts';
import { HeapWatch } from './heap-watch.ts';
import { type ConnectionRates, connectionRates } from './rate-allowance.ts';
import { TcpListener } from './tcp-listener.ts';
import type { TicketCheck } from './ticket-check.ts';
import { Uplink } from './uplink/uplink.ts';
import { WebSocketListener } from './websocket-listener.ts';

export interface GateOptions {
  readonly gateId: string;
  readonly config: GateConfig;
  readonly host: string;
  /** 0: any free port, for both. */
  readonly tcpPort: number;
  readonly wsPort: number;
  readonly allowedOrigins: readonly string[];
  /** Reverse proxies in front of the WebSocket port, whose X-Forwarded-For is believed. */
  readonly trustedProxies: TrustedProxies;
  /** Given: both ports speak TLS only. */
  readonly tls?: { readonly context: SecureContext } | undefined;
  readonly logic: LogicPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Where notes of each message's way are left, for the operator. */
  readonly trace?: Trace;
  /** Whether clients were sent here. Missing: nobody hands out tickets, and none are asked for. */
  readonly tickets?: TicketCheck;
  /** Somebody logged in; called in the turn in which `load` counts him. */
  readonly arrived?: (userId: bigint) => void;
  /** Somebody came with a ticket that is not good; at most once a minute and address. */
  readonly intruder?: (from: string, reason: string) => void;
  /** Part of the heap in use, in percent. Default: that of this process. */
  readonly heapUsedPercent?: () => number;
  /** When a tick ends. Default: setImmediate. */
  readonly defer?: Defer;
  /** What accepts clients. Default: the TCP and the WebSocket port. */
  readonly listeners?: (host: ListenerHost) => Listeners;
}

/** What a listener needs of the gate. */
export interface ListenerHost {
  readonly host: string;
  readonly logger: Logger;
  /** Asked before anything is made for a connection. Undefined: admitted. */
  admit(address: string): Refusal | undefined;
  /** Takes over an admitted socket. `acceptedAt` in wheel time; `before`: as whom it was known until now. */
  connected(socket: ClientSocket, address: string, acceptedAt: number, before?: Stranger): void;
  /** Wheel time. */
  now(): number;
}

/** One way in. `start` resolves with the port; `stop` when accepting has stopped and the last connection is gone. */
export interface Listener {
  start(): Promise<number>;
  stopAccepting(): void;
  stop(): Promise<void>;
}

export interface Listeners {
  readonly tcp: Listener;
  readonly websocket: Listener;
}

/**
 * Holds client connections and carries frames between them and logic. It knows no business rule and never reads `data`.
 *
 * start, drain and stop may be called in any order and more than once; a gate that was stopped can be started again
 * (connection ids go on rising). The calls of GatePort are safe at any time: what concerns a connection that is gone is dropped.
 */
export interface Gate extends GatePort {
  /** Opens both ports or neither; rejects with an error that names the port that could not be had. */
  start(): Promise<{ tcpPort: number; wsPort: number }>;
  /**
   * Stops accepting, tells each client to reconnect after a delay of its own, and waits until they have gone; those
   * left after `drainMs` are closed. Resolves when there is no connection.
   */
  drain(): Promise<void>;
  /** Says goodbye to everyone and closes both ports, whatever state the gate is in. */
  stop(): Promise<void>;
  load(): GateLoad;
  /**
   * Asks each client that is logged in to come back by way of an LSB, at a moment of its own within the window. The gate
   * goes on as before. Returns how many were asked.
   */
  reconnectAll(windowMs: number): number;
  /** Of this user, or of everybody; at most `limit`, in the order in which they came. */
  list(query: { userId?: bigint; limit: number }): readonly ConnectionInfo[];
}

/** What the gate reports of itself. */
export interface GateLoad {
  readonly connections: number;
  readonly capacity: number;
  /** False before it started, while it drains, and while memory runs out. */
  readonly accepting: boolean;
}

export function createGate(options: GateOptions): Gate {
  return new RunningGate(options);
}

/** A client told to leave at the very end would meet the deadline on its way. */
const DRAIN_SPREAD = 0.8;

const outOfMemory: Refusal = { code: CloseCode.gateFull, reason: 'memory runs out' };

class RunningGate implements Gate, ConnectionHost {
  readonly gateId: string;
  readonly config: GateConfig;
  readonly rates: ConnectionRates;
  readonly wheel: DeadlineWheel;
  readonly metrics: GateMetrics;
  readonly logger: Logger;
  readonly uplink: Uplink;
  readonly groups: GroupIndex;
  readonly groupMetrics: GroupMetrics;
  readonly #downlink: Downlink;
  readonly #options: GateOptions;
  readonly #table = new ConnectionTable();
  readonly #admission: Admission;
  readonly #heap: HeapWatch;
  #loginsUnderWay = 0;
  #isAccepting = false;
  #listeners: Listeners | undefined;
  #started: Promise<{ tcpPort: number; wsPort: number }> | undefined;
  #drained: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  /** Ends a drain that is waiting. */
  #cutDrain: (() => void) | undefined;

  constructor(options: GateOptions) {
    const { gateId, config, clock, logic, registry } = options;
    this.#options = options;
    this.gateId = gateId;
    this.config = config;
    this.rates = connectionRates(config);
    this.logger = options.logger.child({ part: 'gate', gateId });
    this.wheel = new DeadlineWheel(clock);
    this.metrics = new GateMetrics(registry, {
      count: (report) => this.#count(report),
      unsent: () => this.#unsent(),
      unauthenticated: () => this.#admission.strangers,
    });
    this.uplink = new Uplink({
      config,
      logic,
      metrics: this.metrics,
      logger: this.logger,
      trace: options.trace,
      ...(options.tickets && { tickets: options.tickets }),
      isCrowded: () => this.#admission.isCrowded || this.#loginsUnderWay > LOGINS_UNDER_WAY,
    });
    const endTick = (): void => this.groups.endTick();
    this.#downlink = new Downlink(this.#table, this.logger, options.defer ?? setImmediate, endTick, options.trace);
    this.groupMetrics = new GroupMetrics(registry, {
      conversations: () => this.groups.conversations,
      follows: () => this.groups.follows,
    });
    this.groups = new GroupIndex({
      gateId,
      logic,
      metrics: this.groupMetrics,
      logger: this.logger,
      clock,
      connectionsOf: (userId) => this.#table.ofUser(userId),
      flushLater: (connection) => this.#downlink.flushLater(connection),
      now: () => this.wheel.now,
    });
    this.#admission = new Admission(config);
    this.#heap = new HeapWatch({
      clock,
      limitPercent: config.heapLimitPercent,
      ...(options.heapUsedPercent && { usedPercent: options.heapUsedPercent }),
      changed: (state) => this.logger[state.isFull ? 'warn' : 'info'](state, 'memory of the gate'),
    });
  }

  // ---- GatePort ----

  bind(connectionId: number, identity: Identity): void {
    this.#table.get(connectionId)?.bind(identity);
  }

  downlink(packet: DownlinkPacket): void {
    this.#downlink.deliver(packet);
  }

  follow(connectionId: number, groups: ReadonlyArray<{ conversationId: bigint; asOfSeq: number }>): void {
    const connection = this.#table.get(connectionId);
    if (connection) this.groups.follow(connection, groups);
  }

  view(connectionId: number, conversationId: bigint | undefined): void {
    const connection = this.#table.get(connectionId);
    if (connection) this.groups.view(connection, conversationId);
  }

  confirm(conversationId: bigint, userIds: readonly bigint[], removalsSeq: number): void {
    this.groups.confirm(conversationId, userIds, removalsSeq);
  }

  group(packet: GroupPacket): void {
    const { conversationId, convSeq, logId } = packet;
    this.#options.trace?.note('to group', logId, { conversationId, convSeq });
    this.groups.group(packet);
  }

  signal(signal: GroupSignal): void {
    this.groups.signal(signal);
  }

  close(connectionId: number, close: { code: number; reason: string; retryAfterMs: number }): void {
    this.#table.get(connectionId)?.close(close.code, close.reason, close.retryAfterMs);
  }

  load(): GateLoad {
    return {
      connections: this.#table.size,
      capacity: this.config.connections,
      accepting: this.#isAccepting && !this.#heap.isFull,
    };
  }

  reconnectAll(windowMs: number): number {
    let asked = 0;
    for (const connection of this.#table.all()) {
      if (!connection.isBound) continue;
      connection.askToReconnect(Math.floor(this.#options.random.fraction() * windowMs));
      asked += 1;
    }
    this.logger.info({ asked, windowMs }, 'clients are asked to reconnect');
    return asked;
  }

  list({ userId, limit }: { userId?: bigint; limit: number }): readonly ConnectionInfo[] {
    const found: ConnectionInfo[] = [];
    const start = this.#options.clock.now() - this.wheel.now;
    for (const connection of userId === undefined ? this.#table.all() : this.#table.ofUser(userId)) {
      if (found.length >= limit) break;
      found.push(connectionInfo(connection, start + connection.acceptedAt));
    }
    return found;
  }

  // ---- life ----

  start(): Promise<{ tcpPort: number; wsPort: number }> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async #start(): Promise<{ tcpPort: number; wsPort: number }> {
    await this.#stopped;
    this.#stopped = undefined;
    this.#drained = undefined;
    const listeners = this.#makeListeners();
    this.wheel.start();
    try {
      const tcpPort = await listeners.tcp.start();
      const wsPort = await listeners.websocket.start();
      this.#listeners = listeners;
      this.#heap.start();
      this.#isAccepting = true;
      this.logger.info({ host: this.#options.host, tcpPort, wsPort }, 'gate started');
      return { tcpPort, wsPort };
    } catch (error) {
      for (const connection of this.#table.all()) connection.destroy();
      await Promise.all([listeners.tcp.stop(), listeners.websocket.stop()]);
      this.wheel.stop();
      this.#started = undefined;
      throw error;
    }
  }

  drain(): Promise<void> {
    if (!this.#started || this.#stopped) return this.#stopped ?? Promise.resolve();
    this.#drained ??= this.#drain(this.#started);
    return this.#drained;
  }

  async #drain(started: Promise<unknown>): Promise<void> {
    await started;
    const { drainMs } = this.config;
    const { clock, random } = this.#options;
    this.#stopAccepting();
    this.logger.info({ connections: this.#table.size, drainMs }, 'gate drains');
    for (const connection of this.#table.all()) {
      connection.drain(Math.floor(random.fraction() * drainMs * DRAIN_SPREAD));
    }
    const deadline = Promise.withResolvers<void>();
    this.#cutDrain = deadline.resolve;
    const cancel = clock.setTimer(drainMs, deadline.resolve);
    await Promise.race([this.#table.empty(), deadline.promise]);
    cancel();
    await this.#closeAll('the gate drains');
    this.logger.info('gate drained');
  }

  stop(): Promise<void> {
    if (!this.#started) return this.#stopped ?? Promise.resolve();
    this.#stopped ??= this.#stop(this.#started);
    return this.#stopped;
  }

  async #stop(started: Promise<unknown>): Promise<void> {
    // A start that failed has cleaned up after itself, and its caller knows why.
    await started.catch(() => undefined);
    this.#cutDrain?.();
    this.#stopAccepting();
    await this.#closeAll('the gate stops');
    await Promise.all([this.#listeners?.tcp.stop(), this.#listeners?.websocket.stop()]);
    this.wheel.stop();
    this.#heap.stop();
    this.#listeners = undefined;
    this.#started = undefined;
    this.logger.info('gate stopped');
  }

  #stopAccepting(): void {
    this.#isAccepting = false;
    this.#listeners?.tcp.stopAccepting();
    this.#listeners?.websocket.stopAccepting();
  }

  /** Goodbye to everyone; whoever has not hung up after the grace time is cut. */
  async #closeAll(reason: string): Promise<void> {
    for (const connection of this.#table.all()) connection.close(CloseCode.goingAway, reason);
    const empty = this.#table.empty();
    const cancel = this.#options.clock.setTimer(CLOSE_GRACE_MS, () => {
      for (const connection of this.#table.all()) connection.destroy();
    });
    await empty;
    cancel();
  }

  #makeListeners(): Listeners {
    const { host, tcpPort, wsPort, allowedOrigins, trustedProxies, tls } = this.#options;
    const upgrading = (address: string, stranger: Stranger) => this.#admission.entered(address, stranger);
    const abandoned = (address: string, stranger: Stranger) => {
      this.metrics.refused('upgrade');
      this.#admission.left(address, stranger, this.wheel.now);
    };
    const shared: ListenerHost = {
      host,
      logger: this.logger,
      admit: (address) => this.#admit(address),
      connected: (...admitted) => this.#connected(...admitted),
      now: () => this.wheel.now,
    };
    if (this.#options.listeners) return this.#options.listeners(shared);
    return {
      tcp: new TcpListener({
        ...shared,
        port: tcpPort,
        upgrading,
        abandoned,
        secure: tls && new SecureSockets({ tls, http: false }),
      }),
      websocket: new WebSocketListener({
        ...shared,
        port: wsPort,
        allowedOrigins,
        trustedProxies,
        mostUnnamed: this.config.unauthenticatedConnections,
        wheel: this.wheel,
        firstByteTimeoutMs: this.config.firstByteTimeoutMs,
        secure: tls && new SecureSockets({ tls, http: true }),
        upgrading,
        abandoned,
        originRefused: () => this.metrics.refused('origin'),
      }),
    };
  }

  // ---- what connections and listeners ask ----

  flushLater(connection: Connection): void {
    this.#downlink.flushLater(connection);
  }

  #admit(address: string): Refusal | undefined {
    const refusal = this.#heap.isFull ? outOfMemory : this.#admission.admit(address, this.wheel.now);
    if (refusal) {
      this.metrics.refused(refusal.code === CloseCode.gateFull ? 'gateFull' : 'rateLimited');
      if (this.#admission.mayComplain(address, this.wheel.now)) {
        this.logger.warn({ remoteAddress: address, reason: refusal.reason }, 'connection refused');
      }
    }
    return refusal;
  }

  #connected(socket: ClientSocket, address: string, acceptedAt: number, before?: Stranger): void {
    const ref = { gateId: this.gateId, connectionId: this.#table.nextId() };
    const connection = new Connection(this, ref, socket, address, acceptedAt);
    this.metrics.accepted(socket.transport);
    this.#table.add(connection);
    this.#admission.entered(address, connection, before);
    this.logger.debug(
      { connectionId: ref.connectionId, transport: socket.transport, remoteAddress: address },
      'connected',
    );
    connection.start();
  }

  expected(connection: Connection): void {
    this.#admission.known(connection.remoteAddress, connection);
  }

  loginsUnderWay(change: 1 | -1): void {
    this.#loginsUnderWay += change;
  }

  get isShedding(): boolean {
    return this.#heap.isShedding;
  }

  bound(connection: Connection): boolean {
    this.#admission.known(connection.remoteAddress, connection);
    this.#options.arrived?.(connection.identity!.userId);
    return this.#table.bound(connection, connection.identity!.userId) <= this.config.connectionsPerUser;
  }

  gone(connection: Connection): void {
    const { identity, ref } = connection;
    this.#table.remove(connection);
    this.#admission.left(connection.remoteAddress, connection, this.wheel.now);
    this.logger.debug({ connectionId: ref.connectionId, userId: identity?.userId.toString() }, 'connection gone');
    if (connection.forwarded) this.#options.logic.connectionClosed(ref, identity);
  }

  complain(connection: Connection, reason: string): void {
    const { remoteAddress, transport } = connection;
    if (!this.#admission.mayComplain(remoteAddress, this.wheel.now)) return;
    const userId = connection.identity?.userId.toString();
    this.logger.warn(
      { connectionId: connection.id, transport, remoteAddress, userId, reason },
      'a peer broke the protocol',
    );
  }

  ticketRefused(connection: Connection, why: string): void {
    const { remoteAddress, id } = connection;
    if (!this.#admission.mayComplain(remoteAddress, this.wheel.now)) return;
    this.logger.warn({ connectionId: id, remoteAddress, reason: why }, 'a log-in was refused for its ticket');
    this.#options.intruder?.(remoteAddress, why);
  }

  #unsent(): { sum: number; max: number } {
    let sum = 0;
    let max = 0;
    for (const { unsent } of this.#table.all()) {
      sum += unsent;
      max = Math.max(max, unsent);
    }
    return { sum, max };
  }

  #count(report: (transport: Transport, state: string, connections: number) => void): void {
    const counts = new Map<string, number>();
    for (const { transport, state } of this.#table.all()) {
      const key = `${transport} ${state}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    for (const [key, count] of counts) {
      const [transport, state] = key.split(' ') as [Transport, string];
      report(transport, state, count);
    }
  }
}
