import type { Clock } from '@fastim/core';
import { Command, commandName, headPush, MAX_DATA_AFTER_LOGIN } from '@fastim/protocol';
import type { Logger } from 'pino';
import type { GroupPacket, GroupSignal, LogicPort } from '../../cluster/contract.ts';
import type { Connection } from '../connection.ts';
import { ASK_AGAIN_MS, HEAD_GAP_MS } from '../gate-limits.ts';
import { Follower } from './follower.ts';
import type { GroupMetrics } from './group-metrics.ts';
import { Interest } from './interest.ts';
import { Parcel, type Piece } from './parcel.ts';
import { TellInterest } from './tell-interest.ts';

export interface GroupIndexOptions {
  readonly gateId: string;
  readonly logic: Pick<LogicPort, 'interestStale' | 'interested'>;
  readonly metrics: GroupMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
  connectionsOf(userId: bigint): Iterable<Connection>;
  /** Calls the connection's `flush` when the tick ends, if that is not arranged already. */
  flushLater(connection: Connection): void;
  /** Ms, coarse. */
  now(): number;
}

/**
 * Which connections of this gate follow which groups, and the way of a group's packets to them. A packet is one step for
 * each connection; what a connection got in a tick becomes frames when the tick ends, or when another frame for it comes.
 */
export class GroupIndex {
  readonly #options: GroupIndexOptions;
  readonly #interests = new Map<bigint, Interest>();
  /** Where all parcels of this tick begin. */
  #beginning = Parcel.empty();
  #tick = 0;

  readonly #tellInterest: TellInterest;

  constructor(options: GroupIndexOptions) {
    this.#options = options;
    this.#tellInterest = new TellInterest(options);
  }

  /** Groups that somebody here follows. */
  get conversations(): number {
    return this.#interests.size;
  }

  /** Connections, over all groups. */
  get follows(): number {
    let sum = 0;
    for (const { members } of this.#interests.values()) sum += members.size;
    return sum;
  }

  follow(connection: Connection, groups: ReadonlyArray<{ conversationId: bigint; asOfSeq: number }>): void {
    const { identity } = connection;
    if (!identity || !connection.isOpen) return;
    connection.follower ??= new Follower(connection, identity.userId);
    const { follower } = connection;
    for (const { conversationId, asOfSeq } of groups) {
      let interest = this.#interests.get(conversationId);
      if (!interest) {
        interest = new Interest(conversationId, asOfSeq);
        this.#interests.set(conversationId, interest);
        this.#tellInterest.came(conversationId);
      }
      const isNew = !interest.members.has(follower);
      if (isNew) follower.interests.push(interest);
      if (interest.follow(follower, asOfSeq) && connection.isGreeted) this.#tellHead(interest, [follower]);
    }
  }

  view(connection: Connection, conversationId: bigint | undefined): void {
    const { identity } = connection;
    if (!identity || !connection.isOpen) return;
    if (conversationId === undefined) {
      if (connection.follower) connection.follower.viewing = undefined;
    } else {
      // Without a `follow` nothing comes of it.
      connection.follower ??= new Follower(connection, identity.userId);
      const { follower } = connection;
      if (follower.viewing === conversationId) return;
      follower.viewing = conversationId;
      // It gets bodies from here on: what it would have been told of a little later, it is told of now.
      const interest = this.#interests.get(conversationId);
      if (interest?.heldHead && interest.reaches(follower)) this.#tellHead(interest, [follower]);
    }
  }

  /** The connection is gone. */
  forget(connection: Connection): void {
    const { follower } = connection;
    if (!follower) return;
    connection.follower = undefined;
    for (const interest of [...follower.interests]) this.#drop(interest, follower);
  }

  group(packet: GroupPacket): void {
    const { metrics } = this.#options;
    metrics.packets += 1;
    const interest = this.#interests.get(packet.conversationId);
    if (!interest) {
      this.#tellInterest.packetForNobody(packet.conversationId);
      return;
    }
    for (const userId of packet.removed) {
      for (const { follower } of this.#options.connectionsOf(userId)) {
        if (!follower || !interest.members.has(follower)) continue;
        if (!interest.removed(follower, packet.convSeq)) this.#drop(interest, follower);
      }
    }
    const cleared: Follower[] = [];
    if (interest.hear(packet, cleared)) this.#distribute(interest, packet);
    else this.#overtaken(interest, cleared);
    if (interest.inDoubt) this.#ask(interest);
  }

  confirm(conversationId: bigint, userIds: readonly bigint[], removalsSeq: number): void {
    const interest = this.#interests.get(conversationId);
    if (!interest) return;
    const out: Follower[] = [];
    const cleared: Follower[] = [];
    const again = interest.confirm(userIds, removalsSeq, out, cleared);
    this.#tellHead(interest, cleared);
    for (const follower of out) this.#drop(interest, follower);
    if (again) this.#ask(interest);
  }

  signal(signal: GroupSignal): void {
    const interest = this.#interests.get(signal.conversationId);
    if (!interest) return;
    interest.suspect(signal.asOfSeq);
    if (interest.inDoubt) this.#ask(interest);
    const piece = { cmd: signal.cmd, data: signal.piece, logId: signal.logId, interest };
    const { metrics } = this.#options;
    for (const follower of interest.members) {
      if (follower.userId === signal.exceptUser || !interest.reaches(follower)) continue;
      if (signal.viewersOnly && follower.viewing !== signal.conversationId) continue;
      metrics.signals += 1;
      this.#give(follower, piece);
    }
  }

  /** The conversations whose heads a connection is owed, as one parcel. */
  parcelOfHeads(interests: readonly Interest[]): Parcel {
    let parcel = Parcel.empty();
    for (const interest of interests) parcel = parcel.with(headPiece(interest));
    return parcel;
  }

  /** Everything of this tick is encoded: what comes now begins anew. */
  endTick(): void {
    this.#beginning = Parcel.empty();
    this.#tick += 1;
  }

  #distribute(interest: Interest, packet: GroupPacket): void {
    const { metrics, logger } = this.#options;
    const { conversationId, convSeq, logId, except } = packet;
    const head: Piece = { cmd: Command.heads, data: packet.head, logId, interest };
    const isSendable = packet.body.length <= MAX_DATA_AFTER_LOGIN;
    const body: Piece = isSendable ? { cmd: Command.messages, data: packet.body, logId, interest } : head;
    if (!isSendable) logger.error({ logId, bytes: packet.body.length }, 'a group packet is over the limit');
    const { admitsAll } = interest;
    const holdHeads = this.#holdHeads(interest, except);
    let heads = 0;
    let bodies = 0;
    for (const follower of interest.members) {
      if (follower.id === except) continue;
      if (!admitsAll && !interest.admits(follower, convSeq)) {
        metrics.withheld += 1;
      } else if (follower.viewing === conversationId) {
        bodies += 1;
        this.#give(follower, body);
      } else if (!holdHeads) {
        heads += 1;
        this.#give(follower, head);
      }
    }
    metrics.heads += heads;
    metrics.bodies += bodies;
    if (logger.isLevelEnabled('debug')) {
      const command = commandName(Command.messages);
      logger.debug({ conversationId: conversationId.toString(), command, logId, convSeq, heads, bodies }, 'group');
    }
  }

  /** Whether heads have to wait, since a round of them went out a moment ago. If not, this is the round. */
  #holdHeads(interest: Interest, except: number | undefined): boolean {
    if (interest.endPause && interest.headsInTick !== this.#tick) {
      const { heldHead } = interest;
      interest.heldHead = { except: heldHead && heldHead.except !== except ? undefined : except };
      return true;
    }
    interest.headsInTick = this.#tick;
    interest.endPause ??= this.#options.clock.setTimer(HEAD_GAP_MS, () => this.#pauseEnded(interest));
    return false;
  }

  #pauseEnded(interest: Interest): void {
    const { heldHead, newestSeq } = interest;
    interest.endPause = undefined;
    interest.heldHead = undefined;
    if (!heldHead) return;
    const { conversationId } = interest;
    const waiting: Follower[] = [];
    for (const follower of interest.members) {
      const isTold = follower.id === heldHead.except || follower.viewing === conversationId;
      if (!isTold && interest.admits(follower, newestSeq)) waiting.push(follower);
    }
    this.#holdHeads(interest, undefined);
    this.#tellHead(interest, waiting);
  }

  /** A packet behind a younger one: those who have the conversation open pull what they lack. */
  #overtaken(interest: Interest, cleared: Follower[]): void {
    const viewers: Follower[] = [];
    for (const follower of interest.members) {
      if (follower.viewing === interest.conversationId && interest.admits(follower, interest.newestSeq)) {
        viewers.push(follower);
      }
    }
    this.#tellHead(interest, [...cleared, ...viewers]);
  }

  #tellHead(interest: Interest, followers: readonly Follower[]): void {
    if (followers.length === 0) return;
    const piece = headPiece(interest);
    this.#options.metrics.heads += followers.length;
    for (const follower of followers) this.#give(follower, piece);
  }

  #give(follower: Follower, piece: Piece): void {
    if (follower.parcel) {
      follower.parcel = follower.parcel.with(piece);
    } else {
      follower.parcel = this.#beginning.with(piece);
      this.#options.flushLater(follower.connection);
    }
  }

  #ask(interest: Interest): void {
    const { gateId, logic, logger, metrics, now } = this.#options;
    const { conversationId } = interest;
    const userIds = interest.ask(now(), ASK_AGAIN_MS);
    if (userIds.length === 0) return;
    metrics.questions += 1;
    logger.debug({ conversationId: conversationId.toString(), users: userIds.length }, 'membership in doubt');
    logic.interestStale(gateId, conversationId, userIds);
  }

  #drop(interest: Interest, follower: Follower): void {
    interest.drop(follower);
    follower.forget(interest);
    if (interest.members.size > 0) return;
    interest.endPause?.();
    interest.endPause = undefined;
    this.#interests.delete(interest.conversationId);
    this.#tellInterest.went(interest.conversationId);
  }
}

/** The gate makes heads of its own where what came with a packet would be out of date. */
function headPiece(interest: Interest): Piece {
  const { conversationId, newestSeq } = interest;
  const data = headPush.encode({ heads: [{ conversationId, headSeq: newestSeq }] });
  return { cmd: Command.heads, data, logId: 0, interest };
}
