import type { GroupPacket } from '../../cluster/contract.ts';
import type { Follower } from './follower.ts';

/**
 * The connections of this gate that follow one group, and what is known of their membership. Its one promise (I8): a
 * connection that `reaches` says yes to belongs to somebody who is a member after every removal this gate has heard of.
 *
 * Packets may be lost, doubled, or come in another order than conv_seq, and `follow` may say what was true a while ago.
 * So for each connection it is known as of which conv_seq its user is a member: `verified` for most, a number of its own
 * in `doubts` for those known only as of a time before the last removal. These get nothing until logic has been asked.
 */
export class Interest {
  readonly conversationId: bigint;
  readonly members = new Set<Follower>();
  /** The highest conv_seq of a packet; a head for it can be sent at any time. 0: none came. */
  newestSeq = 0;
  /** The tick in which heads went out last; in the same tick more may follow. */
  headsInTick = -1;
  /** Cancels the timer that ends the pause after a round of heads; undefined: no pause. */
  endPause: (() => void) | undefined;
  /** Heads that wait for the end of the pause; `except` has the newest already. */
  heldHead: { readonly except: number | undefined } | undefined;
  /** The question that waits for `confirm`. */
  asked: { readonly userIds: ReadonlySet<bigint>; readonly removalsSeq: number; readonly at: number } | undefined;
  /** No removal at or below it is unknown here, except to those in `doubts`. */
  #verified: number;
  /** Whether a packet said so, for everybody; else it is what the storage said for the one who followed first. */
  #verifiedByPacket = false;
  /** The newest removal that this gate has heard of. */
  #removalsSeq = 0;
  #doubts: Map<Follower, number> | undefined;
  /** Followed ahead of packets that are still under way: what is below the number is from before they joined. */
  #newcomers: Map<Follower, number> | undefined;

  constructor(conversationId: bigint, asOfSeq: number) {
    this.conversationId = conversationId;
    this.#verified = asOfSeq;
  }

  /** Whether anything may be given to it. */
  reaches(follower: Follower): boolean {
    return this.members.has(follower) && !this.#doubts?.has(follower);
  }

  /** Whether it may be given what is stored at `convSeq`; for members. */
  admits(follower: Follower, convSeq: number): boolean {
    return !this.#doubts?.has(follower) && (this.#newcomers?.get(follower) ?? 0) <= convSeq;
  }

  /** Whether `admits` says yes to all members, whatever the conv_seq. */
  get admitsAll(): boolean {
    return this.#doubts === undefined && this.#newcomers === undefined;
  }

  get inDoubt(): boolean {
    return this.#doubts !== undefined;
  }

  /** The storage said that this is a member, when the conversation was at `asOfSeq`. True: it missed something. */
  follow(follower: Follower, asOfSeq: number): boolean {
    const known = this.#doubts?.get(follower);
    if (known !== undefined) {
      if (asOfSeq <= known || !this.#learn(follower, asOfSeq)) return false;
      this.#joinedBefore(follower, asOfSeq);
      return true;
    }
    // Also of one that is here already: the packet of its removal and return may be still to come.
    this.#joinedBefore(follower, asOfSeq);
    if (this.members.has(follower)) return false;
    this.members.add(follower);
    if (asOfSeq < this.#removalsSeq) {
      this.#doubt(follower, asOfSeq);
      return false;
    }
    if (!this.#verifiedByPacket) this.#verified = Math.min(this.#verified, asOfSeq);
    return asOfSeq > 0 && asOfSeq < this.newestSeq;
  }

  drop(follower: Follower): void {
    this.members.delete(follower);
    this.#settle(follower);
    this.#noNewcomer(follower);
  }

  /** Its user is out by the notice at `convSeq`. False: it may have come back since, and has to be asked about. */
  removed(follower: Follower, convSeq: number): boolean {
    const known = Math.max(this.#doubts?.get(follower) ?? 0, this.#newcomers?.get(follower) ?? 0);
    // What is known is newer than the removal.
    if (known >= convSeq) return true;
    if (convSeq > this.newestSeq) return false;
    this.#doubt(follower, 0);
    return true;
  }

  /**
   * What a packet says of removals; those it removes itself are out already. True: it is not older than what went out
   * before. `cleared` are those who are members after all, and missed something.
   */
  hear(packet: GroupPacket, cleared: Follower[]): boolean {
    const { convSeq, removalsSeq } = packet;
    const isRemoval = packet.removed.length > 0 && removalsSeq >= convSeq;
    const removalsBefore = isRemoval ? convSeq - 1 : removalsSeq;
    if (removalsBefore > this.#verified) {
      for (const follower of this.members) if (!this.#doubts?.has(follower)) this.#doubt(follower, this.#verified);
    }
    if (convSeq >= this.#verified) {
      this.#verified = convSeq;
      this.#verifiedByPacket = true;
    }
    this.#removalsSeq = Math.max(this.#removalsSeq, removalsSeq);
    for (const [follower, known] of this.#doubts ?? []) {
      if (known >= removalsBefore && this.#learn(follower, convSeq)) cleared.push(follower);
    }
    if (convSeq <= this.newestSeq) return false;
    this.newestSeq = convSeq;
    for (const [follower, from] of this.#newcomers ?? []) if (from <= convSeq) this.#noNewcomer(follower);
    return true;
  }

  /**
   * Somebody saw the conversation at `convSeq`. What this gate has not heard of up to there may be a removal, and counts
   * as one until more is known.
   */
  suspect(convSeq: number): void {
    if (convSeq <= this.#verified) return;
    for (const follower of this.members) if (!this.#doubts?.has(follower)) this.#doubt(follower, this.#verified);
    this.#verified = convSeq;
    this.#verifiedByPacket = true;
    this.#removalsSeq = Math.max(this.#removalsSeq, convSeq);
  }

  /** Notes a question about everybody in doubt, and returns whom to ask about; empty: there is an open question. */
  ask(now: number, patienceMs: number): readonly bigint[] {
    if (!this.#doubts || (this.asked && now - this.asked.at < patienceMs)) return [];
    const userIds = new Set<bigint>();
    for (const { userId } of this.#doubts.keys()) userIds.add(userId);
    this.asked = { userIds, removalsSeq: this.#removalsSeq, at: now };
    return [...userIds];
  }

  /**
   * The answer: of those asked about, `userIds` are members as of `removalsSeq`. `out` are to be dropped, `cleared` are
   * to be told how far the conversation is. True: there is somebody left whom this answer is too old for, so ask again.
   */
  confirm(userIds: readonly bigint[], removalsSeq: number, out: Follower[], cleared: Follower[]): boolean {
    const { asked } = this;
    if (!asked) return false;
    this.asked = undefined;
    const members = new Set(userIds);
    let again = false;
    for (const [follower, known] of this.#doubts ?? []) {
      if (!asked.userIds.has(follower.userId)) again = true;
      else if (!members.has(follower.userId)) {
        if (known < removalsSeq) out.push(follower);
      } else if (this.#learn(follower, Math.max(known, removalsSeq))) {
        this.#joinedBefore(follower, removalsSeq);
        cleared.push(follower);
      } else again ||= this.#removalsSeq > asked.removalsSeq;
    }
    return again;
  }

  #doubt(follower: Follower, known: number): void {
    this.#doubts ??= new Map();
    this.#doubts.set(follower, known);
  }

  /** It is a member as of `known`. True: that is enough. */
  #learn(follower: Follower, known: number): boolean {
    if (known < this.#removalsSeq) {
      const before = this.#doubts?.get(follower) ?? 0;
      if (known > before) this.#doubts?.set(follower, known);
      return false;
    }
    this.#settle(follower);
    if (!this.#verifiedByPacket) this.#verified = Math.min(this.#verified, known);
    return true;
  }

  #settle(follower: Follower): void {
    if (this.#doubts?.delete(follower) && this.#doubts.size === 0) this.#doubts = undefined;
  }

  /** It was a member at `convSeq`, perhaps not for long: what is older and still to come is not for it. */
  #joinedBefore(follower: Follower, convSeq: number): void {
    if (convSeq - 1 <= this.newestSeq) return;
    this.#newcomers ??= new Map();
    this.#newcomers.set(follower, Math.max(convSeq, this.#newcomers.get(follower) ?? 0));
  }

  #noNewcomer(follower: Follower): void {
    if (this.#newcomers?.delete(follower) && this.#newcomers.size === 0) this.#newcomers = undefined;
  }
}
