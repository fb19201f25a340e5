import { nextState, type ServerSessionEvent, type ServerSessionState, serverSessionTable } from '@fastim/core';
import {
  CloseCode,
  Command,
  type Frame,
  FrameDecoder,
  MAX_DATA_AFTER_LOGIN,
  MAX_DATA_BEFORE_LOGIN,
  MsgType,
  type OutgoingFrame,
} from '@fastim/protocol';
import type { Logger } from 'pino';
import type { ConnectionRef, Identity } from '../cluster/contract.ts';
import type { GateConfig } from '../config.ts';
import { goodbyeFrame, reconnectFrame, statusAnswer, upgradeAnswer } from './answers.ts';
import type { ClientSocket, SocketOwner } from './client-socket.ts';
import { type DeadlineWheel, NOT_SCHEDULED, type WheelItem } from './deadline-wheel.ts';
import {
  CLOSE_GRACE_MS,
  HEARTBEAT_BURST,
  HEARTBEATS_PER_INTERVAL,
  LOGIN_ATTEMPTS,
  OVER_RATE_MS,
  TICK_MS,
  WRITE_BATCH_BYTES,
} from './gate-limits.ts';
import type { GateMetrics } from './gate-metrics.ts';
import { OutQueue } from './out-queue.ts';
import { TokenBucket } from './token-bucket.ts';

/** What all connections of a gate share. */
export interface ConnectionHost {
  readonly config: GateConfig;
  readonly wheel: DeadlineWheel;
  readonly metrics: GateMetrics;
  readonly logger: Logger;
  /** Deals with one frame; false: not now, offer it again later. */
  readonly uplink: { handle(connection: Connection, frame: Frame): boolean };
  /** Calls the connection's `flush` once, when the tick ends. */
  flushLater(connection: Connection): void;
  /** Counts the connection for its user; false: the user has too many. */
  bound(connection: Connection): boolean;
  /** The last thing a connection says. */
  gone(connection: Connection): void;
  /** Logs about a peer that does not speak the protocol, not more than once a minute and address. */
  complain(connection: Connection, reason: string): void;
}

/** Where an out queue is blocked, a partial frame began …: at a time of the wheel, or not at all. */
const NEVER = -1;

/**
 * One client connection, on either transport: decoder, session state, what waits in either direction, and deadlines.
 * It has no timer and no closures of its own, and holds no buffer while nothing is under way: idle connections are many.
 *
 * Order: frames are handed to the uplink in the order they came, and sent in the order they were queued, always.
 */
export class Connection implements SocketOwner, WheelItem {
  readonly ref: ConnectionRef;
  /** The peer's address, for throttling and logs. */
  readonly remoteAddress: string;
  /** Owned by the wheel. */
  wheelSlot = NOT_SCHEDULED;
  wheelTick = NOT_SCHEDULED;

  // The uplink's steps keep their state here.
  /** Requests that are with logic. */
  inFlight = 0;
  /** The last sequenceId accepted; the next must be higher. */
  lastSequenceId = -1;
  /** Unknown commands since the last known one. */
  unknownInRow = 0;
  /** Whether logic has heard of this connection. */
  forwarded = false;

  /** Owned by the downlink. */
  flushArranged = false;

  readonly #host: ConnectionHost;
  readonly #socket: ClientSocket;
  readonly #decoder = new FrameDecoder(MAX_DATA_BEFORE_LOGIN);
  readonly #frameBucket: TokenBucket;
  #heartbeatBucket: TokenBucket | undefined;
  readonly #out = new OutQueue();
  #state: ServerSessionState = 'accepted';
  #identity: Identity | undefined;
  #refusedLogins = 0;
  #closeCounted = false;

  readonly #acceptedAt: number;
  #heardAnything: boolean;
  #lastHeardAt: number;
  /** Since when the frame that is half there has been coming. */
  #frameSince = NEVER;
  /** Since when the socket has taken nothing. */
  #blockedSince = NEVER;
  /** Since when the rate's allowance has been used up, without coming back to half. */
  #overRateSince = NEVER;
  /** Frames wait for the rate; the wheel offers them again. */
  #heldByRate = false;
  #destroyAt = NEVER;

  /** Frames that came and cannot be dealt with yet; while there are any the socket is not read. */
  #waiting: Frame[] | undefined;
  #waitingFrom = 0;
  #pumping = false;
  #reading = true;

  constructor(
    host: ConnectionHost,
    ref: ConnectionRef,
    socket: ClientSocket,
    remoteAddress: string,
    acceptedAt: number,
  ) {
    this.#host = host;
    this.ref = ref;
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    this.#acceptedAt = acceptedAt;
    this.#lastHeardAt = host.wheel.now;
    // The first bytes of a WebSocket were its upgrade.
    this.#heardAnything = socket.transport === 'websocket';
    this.#frameBucket = new TokenBucket(host.config.framesBurst, host.wheel.now);
  }

  /** Begins; `gone` of the host is called exactly once afterwards. */
  start(): void {
    this.#socket.attach(this);
    this.#host.wheel.schedule(this, this.#nextDeadline());
  }

  get id(): number {
    return this.ref.connectionId;
  }

  get transport(): ClientSocket['transport'] {
    return this.#socket.transport;
  }

  get state(): ServerSessionState {
    return this.#state;
  }

  /** Set by `bind`, kept to the end. */
  get identity(): Identity | undefined {
    return this.#identity;
  }

  /** Logged in, and not on the way out. */
  get isBound(): boolean {
    return this.#state === 'bound' || this.#state === 'draining';
  }

  get isOpen(): boolean {
    return this.#state !== 'closing' && this.#state !== 'closed';
  }

  /** Bytes for the client that the operating system has not taken. */
  get unsent(): number {
    return this.#out.length + this.#socket.unwritten;
  }

  // ---- up ----

  received(bytes: Uint8Array): void {
    if (!this.isOpen) return;
    const { metrics, wheel } = this.#host;
    metrics.bytesUp += bytes.length;
    const now = wheel.now;
    this.#lastHeardAt = now;
    this.#heardAnything = true;
    const frames = this.#decoder.push(bytes);
    if (frames.length > 0) {
      if (this.#waiting) for (const frame of frames) this.#waiting.push(frame);
      else this.#waiting = frames;
      this.#frameSince = NEVER;
      this.#pump();
    } else if (this.#decoder.fault) {
      this.#pump();
    }
    if (!this.isOpen || this.#decoder.buffered === 0) {
      this.#frameSince = NEVER;
    } else if (this.#socket.transport === 'websocket') {
      this.#broken(CloseCode.protocolError, 'BAD_FRAME: a frame may not be split over two messages');
    } else if (this.#frameSince === NEVER) {
      this.#frameSince = now;
      wheel.schedule(this, now + Math.min(this.#host.config.partialFrameIdleMs, this.#host.config.frameDeadlineMs));
    }
  }

  pinged(): void {
    this.#lastHeardAt = this.#host.wheel.now;
    if (this.isOpen && !this.takeHeartbeat()) this.close(CloseCode.rateLimited, 'too many pings');
  }

  /** Takes a frame from the rate's allowance. False: it has to wait, and is offered again when the allowance grows. */
  takeFrame(): boolean {
    const { config, wheel } = this.#host;
    if (this.#frameBucket.take(wheel.now, config.framesBurst, config.framesPerSecond / 1000)) {
      if (this.#overRateSince !== NEVER && this.#frameBucket.tokens > config.framesBurst / 2)
        this.#overRateSince = NEVER;
      return true;
    }
    if (this.#overRateSince === NEVER) this.#overRateSince = wheel.now;
    this.#heldByRate = true;
    wheel.schedule(this, wheel.now + TICK_MS);
    return false;
  }

  /** Takes a heartbeat from its own, much smaller allowance. */
  takeHeartbeat(): boolean {
    const { config, wheel } = this.#host;
    this.#heartbeatBucket ??= new TokenBucket(HEARTBEAT_BURST, wheel.now);
    return this.#heartbeatBucket.take(wheel.now, HEARTBEAT_BURST, HEARTBEATS_PER_INTERVAL / config.heartbeatIntervalMs);
  }

  /** A LOGIN is on its way to logic: what follows waits for its outcome. */
  loginForwarded(): void {
    this.#move('login');
  }

  /** Offers what waits to the uplink, in order, and reads on when nothing does. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#heldByRate = false;
    const { uplink } = this.#host;
    while (this.#waiting && this.#waitingFrom < this.#waiting.length) {
      if (!uplink.handle(this, this.#waiting[this.#waitingFrom]!)) break;
      this.#waitingFrom += 1;
    }
    this.#pumping = false;
    if (this.#waiting && this.#waitingFrom === this.#waiting.length) this.#forgetWaiting();
    // A broken stream is answered after the good frames before it.
    if (!this.#waiting && this.#decoder.fault && this.isOpen) this.#brokenStream();
    this.#readOrPause();
  }

  #forgetWaiting(): void {
    this.#waiting = undefined;
    this.#waitingFrom = 0;
    this.#heldByRate = false;
  }

  #readOrPause(): void {
    const { config, metrics, wheel } = this.#host;
    const unsent = this.#blockedSince === NEVER ? 0 : this.unsent;
    // Half the soft limit to go on again, so that the socket is not stopped and started for each frame.
    const soft = this.#reading ? config.outQueueSoftBytes : config.outQueueSoftBytes / 2;
    const read = !this.isOpen || (!this.#waiting && unsent <= soft);
    if (read === this.#reading) return;
    this.#reading = read;
    if (!read) {
      metrics.pauses += 1;
      this.#socket.pause();
      return;
    }
    // The peer could not get through to us: its silence starts now.
    this.#lastHeardAt = wheel.now;
    if (this.#frameSince !== NEVER) this.#frameSince = wheel.now;
    this.#socket.resume();
  }

  // ---- down ----

  /** Queues a frame of this connection; it is written when the tick ends. */
  send(frame: OutgoingFrame): void {
    if (!this.isOpen) return;
    this.#out.push(frame);
    this.#queued(frame);
  }

  /** The same for a frame that other connections get too: `bytes` is the frame, encoded once. */
  sendShared(frame: OutgoingFrame, bytes: Uint8Array): void {
    if (!this.isOpen) return;
    this.#out.pushEncoded(bytes);
    this.#queued(frame);
  }

  /** An answer of logic is on its way: one request less in flight. */
  answered(frame: OutgoingFrame): void {
    if (this.inFlight > 0) this.inFlight -= 1;
    if (frame.cmd === Command.login && this.#state === 'authenticating') {
      // Logic binds before it answers: an answer without a bind is a refusal.
      this.#move('refuse');
      this.#refusedLogins += 1;
    }
  }

  #queued(frame: OutgoingFrame): void {
    const { config, metrics } = this.#host;
    metrics.frameDown(frame.cmd);
    // A tick may produce a lot: find out early whether the client keeps up.
    if (this.#blockedSince === NEVER && this.#out.length > config.outQueueSoftBytes) this.#writeOut();
    if (this.#blockedSince !== NEVER && this.unsent > config.outQueueHardBytes) this.#slow('its out queue is full');
    else if (!this.flushArranged) this.#host.flushLater(this);
  }

  /** Writes what is queued, as far as the socket takes it, then goes on with what waits in the other direction. */
  flush(): void {
    if (!this.isOpen) return;
    this.#writeOut();
    if (this.#refusedLogins >= LOGIN_ATTEMPTS) this.close(CloseCode.unauthenticated, 'too many refused logins');
    else if (this.#waiting) this.#pump();
    else this.#readOrPause();
  }

  written(): void {
    if (this.#blockedSince === NEVER || this.#socket.unwritten > 0) return;
    this.#blockedSince = NEVER;
    this.flush();
  }

  #writeOut(): void {
    const { config, metrics, wheel } = this.#host;
    while (this.#blockedSince === NEVER) {
      const bytes = this.#out.take(WRITE_BATCH_BYTES);
      if (!bytes) return;
      metrics.writes += 1;
      metrics.bytesDown += bytes.length;
      this.#socket.write(bytes);
      if (this.#socket.unwritten > 0) {
        this.#blockedSince = wheel.now;
        wheel.schedule(this, wheel.now + config.unwrittenTimeoutMs);
      }
    }
  }

  // ---- life ----

  /** Logic accepted the login. */
  bind(identity: Identity): void {
    if (!this.#move('bind')) return;
    this.#identity = identity;
    this.#decoder.setMaxDataLength(MAX_DATA_AFTER_LOGIN);
    if (!this.#host.bound(this)) this.close(CloseCode.rateLimited, 'too many connections of this user');
  }

  /** The gate drains: a client that is logged in is told when to leave, any other is closed. */
  drain(delayMs: number): void {
    if (!this.isBound) this.close(CloseCode.goingAway, 'the gate drains');
    else if (this.#move('drain')) this.send(reconnectFrame(delayMs));
  }

  /** Sends what is queued and a Goodbye, then closes. What the client still sends is dropped. */
  close(code: number, reason: string, retryAfterMs = 0): void {
    if (!this.#move('close')) return;
    this.#countClose(code);
    this.#forgetWaiting();
    this.#out.push(goodbyeFrame(code, reason, retryAfterMs));
    for (let bytes = this.#out.take(WRITE_BATCH_BYTES); bytes; bytes = this.#out.take(WRITE_BATCH_BYTES)) {
      this.#host.metrics.bytesDown += bytes.length;
      this.#host.metrics.writes += 1;
      this.#socket.write(bytes);
    }
    this.#hangUp(code, reason);
  }

  /** The client said goodbye. */
  leave(): void {
    if (!this.#move('close')) return;
    this.#countClose('peer');
    this.#forgetWaiting();
    this.#writeOut();
    this.#hangUp(1000, '');
  }

  ended(): void {
    if (!this.#move('close')) return;
    this.#countClose('peer');
    this.#forgetWaiting();
    this.#hangUp(1000, '');
  }

  violated(code: number, reason: string): void {
    if (!this.#move('close')) return;
    this.#countClose(code);
    this.#forgetWaiting();
    this.#host.complain(this, reason);
    this.#destroyAfterGrace();
  }

  /** Closes at once, without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  gone(): void {
    if (!this.#move('gone')) return;
    this.#countClose('peer');
    this.#forgetWaiting();
    this.#out.clear();
    this.#host.wheel.remove(this);
    this.#host.gone(this);
  }

  #hangUp(code: number, reason: string): void {
    // Reading goes on and drops everything: a socket closed with unread bytes would reset and lose our Goodbye.
    this.#readOrPause();
    this.#socket.end(code, reason);
    this.#destroyAfterGrace();
  }

  #destroyAfterGrace(): void {
    this.#destroyAt = this.#host.wheel.now + CLOSE_GRACE_MS;
    this.#host.wheel.schedule(this, this.#destroyAt);
  }

  #slow(why: string): void {
    this.#host.metrics.slowConsumers += 1;
    const { userId, deviceId } = this.#identity ?? {};
    this.#host.logger.info({ connectionId: this.id, userId, deviceId, why }, 'slow consumer cut');
    // Nobody reads it, and nothing is lost: the client goes on from its cursors.
    this.#out.clear();
    this.close(CloseCode.slowConsumer, why);
  }

  #brokenStream(): void {
    const fault = this.#decoder.fault!;
    if (fault.reason === 'BAD_FRAME' && this.#socket.transport === 'tcp') {
      // Not our protocol at all (TLS, HTTP, a port scan): no answer.
      this.#move('close');
      this.#countClose(CloseCode.protocolError);
      this.#host.complain(this, fault.message);
      this.#forgetWaiting();
      this.#socket.destroy();
      return;
    }
    const header = this.#decoder.faultHeader;
    if (fault.reason === 'UPGRADE_REQUIRED') {
      this.send(upgradeAnswer());
      this.#broken(CloseCode.upgradeRequired, `${fault.reason}: ${fault.message}`);
    } else {
      if (header && header.msgType === MsgType.request) this.send(statusAnswer(header, fault.reason));
      this.#broken(CloseCode.protocolError, `${fault.reason}: ${fault.message}`);
    }
  }

  #broken(code: CloseCode, reason: string): void {
    this.#host.complain(this, reason);
    this.close(code, reason);
  }

  #move(event: ServerSessionEvent): boolean {
    const next = nextState(serverSessionTable, this.#state, event);
    if (!next) return false;
    this.#state = next;
    return true;
  }

  #countClose(code: number | 'peer'): void {
    if (this.#closeCounted) return;
    this.#closeCounted = true;
    this.#host.metrics.closed(code);
  }

  // ---- deadlines ----

  onDue(now: number): number {
    const { config } = this.#host;
    if (this.#destroyAt !== NEVER) {
      if (now >= this.#destroyAt) this.#socket.destroy();
    } else if (!this.isBound && now >= this.#acceptedAt + config.loginTimeoutMs) {
      this.close(CloseCode.loginTimeout, 'no login in time');
    } else if (!this.#heardAnything && now >= this.#acceptedAt + config.firstByteTimeoutMs) {
      this.close(CloseCode.loginTimeout, 'nothing was sent');
    } else if (this.#blockedSince !== NEVER && now >= this.#blockedSince + config.unwrittenTimeoutMs) {
      this.#slow('it read nothing for too long');
    } else if (now >= this.#lastHeardAt + config.heartbeatTimeoutMs) {
      this.close(CloseCode.heartbeatTimeout, 'nothing was heard for too long');
    } else if (this.#frameSince !== NEVER && this.#reading && now >= this.#partialDeadline()) {
      this.#broken(CloseCode.protocolError, 'TIMEOUT: a frame did not end in time');
    } else if (this.#heldByRate) {
      if (now >= this.#overRateSince + OVER_RATE_MS) this.close(CloseCode.rateLimited, 'too many frames');
      else this.#pump();
    }
    return this.#nextDeadline();
  }

  #nextDeadline(): number {
    const { config, wheel } = this.#host;
    if (this.#destroyAt !== NEVER) return Math.max(this.#destroyAt, wheel.now + TICK_MS);
    if (!this.isOpen) return Number.POSITIVE_INFINITY;
    let at = this.#lastHeardAt + config.heartbeatTimeoutMs;
    if (!this.isBound) at = Math.min(at, this.#acceptedAt + config.loginTimeoutMs);
    if (!this.#heardAnything) at = Math.min(at, this.#acceptedAt + config.firstByteTimeoutMs);
    if (this.#blockedSince !== NEVER) at = Math.min(at, this.#blockedSince + config.unwrittenTimeoutMs);
    if (this.#frameSince !== NEVER && this.#reading) at = Math.min(at, this.#partialDeadline());
    if (this.#heldByRate) at = Math.min(at, wheel.now + TICK_MS);
    return at;
  }

  #partialDeadline(): number {
    const { partialFrameIdleMs, frameDeadlineMs } = this.#host.config;
    return Math.min(this.#lastHeardAt + partialFrameIdleMs, this.#frameSince + frameDeadlineMs);
  }
}
