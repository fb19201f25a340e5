import { nextState, type ServerSessionEvent, type ServerSessionState, serverSessionTable } from '@fastim/core';
import { CloseCode, Command, droppableCommands, type Frame, MsgType, type OutgoingFrame } from '@fastim/protocol';
import type { Logger } from 'pino';
import type { ConnectionRef, Identity } from '../cluster/contract.ts';
import type { GateConfig } from '../config.ts';
import type { Stranger } from './admission.ts';
import { goodbyeFrame, reconnectFrame, statusAnswer, upgradeAnswer } from './answers.ts';
import type { ClientSocket, SocketOwner } from './client-socket.ts';
import { type DeadlineWheel, NEVER, NOT_SCHEDULED, type WheelItem } from './deadline-wheel.ts';
import { FrameIntake } from './frame-intake.ts';
import { FrameOutlet } from './frame-outlet.ts';
import { CLOSE_GRACE_MS, LOGIN_ATTEMPTS, OVER_RATE_MS, TICK_MS } from './gate-limits.ts';
import type { GateMetrics } from './gate-metrics.ts';
import type { Follower } from './groups/follower.ts';
import type { GroupIndex } from './groups/group-index.ts';
import type { GroupMetrics } from './groups/group-metrics.ts';
import type { ParcelFrame } from './groups/parcel.ts';
import { type ConnectionRates, RateAllowance } from './rate-allowance.ts';

/** What all connections of a gate share. */
export interface ConnectionHost {
  readonly config: GateConfig;
  readonly rates: ConnectionRates;
  readonly wheel: DeadlineWheel;
  readonly metrics: GateMetrics;
  readonly logger: Logger;
  /** Deals with one frame; false: not now, offer it again later. */
  readonly uplink: { handle(connection: Connection, frame: Frame): boolean };
  readonly groups: Pick<GroupIndex, 'parcelOfHeads' | 'forget'>;
  readonly groupMetrics: GroupMetrics;
  /** Calls the connection's `flush` once, when the tick ends. */
  flushLater(connection: Connection): void;
  /** Counts the connection for its user; false: the user has too many. */
  bound(connection: Connection): boolean;
  /** It showed a good ticket: it does not have to make room for others. */
  expected(connection: Connection): void;
  /** A LOGIN is with logic, or no longer. */
  loginsUnderWay(change: 1 | -1): void;
  /** Memory runs out: what may be dropped is dropped. */
  readonly isShedding: boolean;
  /** The last thing a connection says. */
  gone(connection: Connection): void;
  /** Logs about a peer that does not speak the protocol, not more than once a minute and address. */
  complain(connection: Connection, reason: string): void;
  /** Makes it known that somebody came with a ticket that is not good. */
  ticketRefused(connection: Connection, why: string): void;
}

/**
 * One client connection, on either transport: decoder, session state, what waits in either direction, and deadlines.
 * It has no timer and no closures of its own, and holds no buffer while nothing is under way: idle connections are many.
 *
 * Order: frames are handed to the uplink in the order they came, and sent in the order they were queued, always.
 */
export class Connection implements SocketOwner, WheelItem, Stranger {
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

  /** LOGIN was answered: from here on the client relies on being told. Before, it syncs anyway. */
  isGreeted = false;

  /** Owned by the group index; undefined while the connection follows no group. */
  follower: Follower | undefined;

  readonly #host: ConnectionHost;
  readonly #socket: ClientSocket;
  readonly #in = new FrameIntake();
  readonly #out: FrameOutlet;
  readonly #rate: RateAllowance;
  #state: ServerSessionState = 'accepted';
  #identity: Identity | undefined;
  /** Whose ticket it showed; undefined: none. */
  #expectedUser: bigint | undefined;
  #refusedLogins = 0;
  #closeCounted = false;

  readonly #acceptedAt: number;
  #heardAnything: boolean;
  #lastHeardAt: number;
  /** Frames wait for the rate, or for the link to logic; the wheel offers them again. */
  #held = false;
  #reading = true;
  #destroyAt = NEVER;

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
    this.#out = new FrameOutlet(socket, host.metrics);
    this.#rate = new RateAllowance(host.rates);
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

  /** Wheel time. */
  get acceptedAt(): number {
    return this.#acceptedAt;
  }

  /** Bytes for the client that the operating system has not taken. */
  get unsent(): number {
    return this.#out.unsent;
  }

  /** The client has not read so much that it gets no more work done before it does. */
  get isCongested(): boolean {
    return this.#out.blockedSince !== NEVER && this.#out.unsent > this.#host.config.outQueueSoftBytes;
  }

  /** It was congested and has not read enough since. */
  get #isBehind(): boolean {
    return this.#out.blockedSince !== NEVER && this.#out.unsent > this.#host.config.outQueueSoftBytes / 2;
  }

  // ---- up ----

  received(bytes: Uint8Array): void {
    if (!this.isOpen) return;
    const { config, metrics, wheel } = this.#host;
    metrics.bytesUp += bytes.length;
    this.#lastHeardAt = wheel.now;
    this.#heardAnything = true;
    this.#in.push(bytes, wheel.now);
    if (this.#in.isWaiting || this.#in.fault) this.#handleWaiting();
    if (!this.isOpen || this.#in.partialSince === NEVER) return;
    if (this.#socket.transport === 'websocket') {
      this.#broken(CloseCode.protocolError, 'BAD_FRAME: a frame may not be split over two messages');
    } else {
      wheel.schedule(this, wheel.now + Math.min(config.partialFrameIdleMs, config.frameDeadlineMs));
    }
  }

  pinged(): void {
    this.#lastHeardAt = this.#host.wheel.now;
    if (this.isOpen && !this.takeHeartbeat()) this.close(CloseCode.rateLimited, 'too many pings');
  }

  /** Takes a frame from the rate's allowance. False: it has to wait, and is offered again when the allowance grows. */
  takeFrame(): boolean {
    const { wheel } = this.#host;
    if (this.#rate.takeFrame(wheel.now)) return true;
    this.#held = true;
    wheel.schedule(this, wheel.now + TICK_MS);
    return false;
  }

  /** The link to its logic node is full: what waits is offered again in a moment. */
  waitForLink(): void {
    const { wheel } = this.#host;
    this.#held = true;
    wheel.schedule(this, wheel.now + TICK_MS);
  }

  /** Takes a heartbeat from its own, much smaller allowance. */
  takeHeartbeat(): boolean {
    return this.#rate.takeHeartbeat(this.#host.wheel.now);
  }

  /** A LOGIN is on its way to logic: what follows waits for its outcome. */
  loginForwarded(): void {
    this.#move('login');
  }

  /** Offers what waits to the uplink, and reads on when nothing does. */
  #handleWaiting(): void {
    this.#held = false;
    this.#in.offer(this.#host.uplink, this);
    // A broken stream is answered after the good frames before it.
    if (this.#in.fault && !this.#in.isWaiting && this.isOpen) this.#brokenStream();
    this.#readOrPause();
  }

  #readOrPause(): void {
    const { metrics, wheel } = this.#host;
    // Reading goes on at half the soft limit only, so that the socket is not stopped and started for each frame.
    const congested = this.#reading ? this.isCongested : this.#isBehind;
    const read = !this.isOpen || !(this.#in.isWaiting || congested);
    if (read === this.#reading) return;
    this.#reading = read;
    if (!read) {
      metrics.pauses += 1;
      this.#socket.pause();
      return;
    }
    // The peer could not get through to us: its silence starts now.
    this.#lastHeardAt = wheel.now;
    if (this.#in.partialSince !== NEVER) {
      this.#in.partialSince = wheel.now;
      wheel.schedule(this, this.#nextDeadline());
    }
    this.#socket.resume();
  }

  // ---- down ----

  /**
   * Queues a frame; it is written when the tick ends. `shared`: the same frame encoded, where several connections get
   * it. What may be dropped is dropped when the client is behind.
   */
  send(frame: OutgoingFrame, shared?: Uint8Array): void {
    if (!this.isOpen) return;
    if (this.follower?.parcel) this.#queueParcel(this.follower);
    if ((this.isCongested || this.#host.isShedding) && droppableCommands.has(frame.cmd)) {
      this.#host.groupMetrics.dropped += 1;
      return;
    }
    this.#out.push(frame, shared);
    this.#queued();
  }

  /** Puts what this tick brought of the groups behind what is queued. */
  #queueParcel(follower: Follower): void {
    for (const frame of follower.takeParcel()) this.#queueGroupFrame(follower, frame);
  }

  /** To a client that is behind, the queue does not grow by what it can pull, nor by what may be dropped. */
  #queueGroupFrame(follower: Follower, frame: ParcelFrame): void {
    if (!this.isOpen) return;
    const isDroppable = droppableCommands.has(frame.cmd);
    if (isDroppable && (this.isCongested || this.#host.isShedding)) {
      this.#host.groupMetrics.dropped += frame.pieces;
    } else if (!this.isCongested) {
      this.#out.pushEncoded(frame.cmd, frame.bytes);
      this.#queued();
    } else {
      this.#host.groupMetrics.owed += 1;
      follower.owe(frame);
    }
  }

  #queued(): void {
    const { config, wheel } = this.#host;
    // A tick may produce a lot: find out early whether the client keeps up.
    if (this.#out.blockedSince === NEVER && this.#out.queued > config.outQueueSoftBytes) this.#writeOut(wheel.now);
    if (this.#out.blockedSince !== NEVER && this.#out.unsent > config.outQueueHardBytes) {
      this.#slow('its out queue is full');
    } else if (!this.flushArranged) {
      this.#host.flushLater(this);
    }
  }

  /** Told once it has read most of what it had not: the conversations it has to pull from. */
  #payHeads(follower: Follower): void {
    const interests = follower.takeOwed();
    if (interests.length === 0) return;
    for (const frame of this.#host.groups.parcelOfHeads(interests).frames()) this.#queueGroupFrame(follower, frame);
  }

  /** An answer of logic is on its way: one request less in flight. */
  answered(frame: OutgoingFrame): void {
    if (this.inFlight > 0) this.inFlight -= 1;
    if (frame.cmd !== Command.login) return;
    if (this.isBound) this.isGreeted = true;
    else if (this.#state === 'authenticating') {
      // Logic binds before it answers: an answer without a bind is a refusal.
      this.#move('refuse');
      this.#refusedLogins += 1;
    }
  }

  /** Writes what is queued, as far as the socket takes it, then goes on with what waits in the other direction. */
  flush(): void {
    if (!this.isOpen) return;
    if (this.follower?.parcel) this.#queueParcel(this.follower);
    if (!this.isOpen) return;
    this.#writeOut(this.#host.wheel.now);
    if (this.follower?.isOwed && !this.#isBehind) this.#payHeads(this.follower);
    if (this.#refusedLogins >= LOGIN_ATTEMPTS) this.close(CloseCode.unauthenticated, 'too many refused logins');
    else if (this.#in.isWaiting) this.#handleWaiting();
    else this.#readOrPause();
  }

  written(): void {
    if (this.#out.unblock()) this.flush();
  }

  #writeOut(now: number): void {
    const { config, wheel } = this.#host;
    const wasBlocked = this.#out.blockedSince !== NEVER;
    this.#out.write(now);
    if (!wasBlocked && this.#out.blockedSince !== NEVER) wheel.schedule(this, now + config.unwrittenTimeoutMs);
  }

  // ---- life ----

  /** Logic accepted the login. */
  bind(identity: Identity): void {
    if (this.#expectedUser !== undefined && this.#expectedUser !== identity.userId) {
      this.refuseTicket('ticket for another user');
      return;
    }
    if (!this.#move('bind')) return;
    this.#identity = identity;
    this.#in.allowLargeFrames();
    if (!this.#host.bound(this)) this.close(CloseCode.rateLimited, 'too many connections of this user');
  }

  /** It showed a good ticket of this user. */
  expect(userId: bigint): void {
    this.#expectedUser = userId;
    this.#host.expected(this);
  }

  get isExpected(): boolean {
    return this.#expectedUser !== undefined;
  }

  /** It showed a ticket that is not good. */
  refuseTicket(why: string): void {
    this.#host.ticketRefused(this, why);
    this.close(CloseCode.ticketInvalid, why);
  }

  /** Others wait for its place. */
  evict(): void {
    this.close(CloseCode.gateFull, 'not logged in while others wait');
  }

  /** Asks a client that is logged in to come back by way of an LSB. It may stay until then. */
  askToReconnect(delayMs: number): void {
    if (this.isBound) this.send(reconnectFrame(delayMs));
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
    this.#in.drop();
    this.#out.push(goodbyeFrame(code, reason, retryAfterMs));
    this.#out.writeAll();
    this.#hangUp(code, reason);
  }

  /** The client said goodbye. */
  leave(): void {
    if (!this.#move('close')) return;
    this.#countClose('peer');
    this.#in.drop();
    this.#out.writeAll();
    this.#hangUp(1000, '');
  }

  ended(): void {
    if (!this.#move('close')) return;
    this.#countClose('peer');
    this.#in.drop();
    this.#hangUp(1000, '');
  }

  violated(code: number, reason: string): void {
    if (!this.#move('close')) return;
    this.#countClose(code);
    this.#in.drop();
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
    this.#in.drop();
    this.#out.drop();
    this.#host.wheel.remove(this);
    this.#host.groups.forget(this);
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
    const userId = this.#identity?.userId.toString();
    const deviceId = this.#identity?.deviceId;
    this.#host.logger.info({ connectionId: this.id, userId, deviceId, why }, 'slow consumer cut');
    // Nobody reads it, and nothing is lost: the client goes on from its cursors.
    this.#out.drop();
    this.close(CloseCode.slowConsumer, why);
  }

  #brokenStream(): void {
    const fault = this.#in.fault!;
    if (fault.reason === 'BAD_FRAME' && this.#socket.transport === 'tcp') {
      // Not our protocol at all (TLS, HTTP, a port scan): no answer.
      this.#move('close');
      this.#countClose(CloseCode.protocolError);
      this.#host.complain(this, fault.message);
      this.#in.drop();
      this.#socket.destroy();
      return;
    }
    const header = this.#in.faultHeader;
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
    if (this.#state === 'authenticating') this.#host.loginsUnderWay(-1);
    if (next === 'authenticating') this.#host.loginsUnderWay(1);
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
    } else if (this.#out.blockedSince !== NEVER && now >= this.#out.blockedSince + config.unwrittenTimeoutMs) {
      if (this.#out.unblock()) this.flush();
      else this.#slow('it read nothing for too long');
    } else if (now >= this.#lastHeardAt + config.heartbeatTimeoutMs) {
      this.close(CloseCode.heartbeatTimeout, 'nothing was heard for too long');
    } else if (this.#in.partialSince !== NEVER && this.#reading && now >= this.#partialDeadline()) {
      this.#broken(CloseCode.protocolError, 'TIMEOUT: a frame did not end in time');
    } else if (this.#held) {
      const { usedUpSince } = this.#rate;
      if (usedUpSince !== NEVER && now >= usedUpSince + OVER_RATE_MS)
        this.close(CloseCode.rateLimited, 'too many frames');
      else this.#handleWaiting();
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
    if (this.#out.blockedSince !== NEVER) at = Math.min(at, this.#out.blockedSince + config.unwrittenTimeoutMs);
    if (this.#in.partialSince !== NEVER && this.#reading) at = Math.min(at, this.#partialDeadline());
    if (this.#held) at = Math.min(at, wheel.now + TICK_MS);
    return at;
  }

  #partialDeadline(): number {
    const { partialFrameIdleMs, frameDeadlineMs } = this.#host.config;
    return Math.min(this.#lastHeardAt + partialFrameIdleMs, this.#in.partialSince + frameDeadlineMs);
  }
}
