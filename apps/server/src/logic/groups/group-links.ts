import type { Clock, Random, RateLimiter } from '@fastim/core';
import {
  FastimError,
  joinsRequest,
  joinsResponse,
  linksRequest,
  linksResponse,
  lookAtLinkRequest,
  lookAtLinkResponse,
  makeLinkRequest,
  makeLinkResponse,
  revokeLinkRequest,
} from '@fastim/protocol';
import type { UplinkPacket } from '../../cluster/contract.ts';
import type { Route } from '../../routing/route-table.ts';
import type { GroupStore } from '../../storage/group-store.ts';
import type { Answer } from '../answer.ts';
import { requirePull } from '../require-pull.ts';
import type { Writes } from '../writes.ts';
import { invalid, requireClientMsgId, requireToken } from './check-group.ts';

/** 128 bits: nobody guesses one. */
const TOKEN_BYTES = 16;

/**
 * Links by which others join, and the requests that wait where joining needs approval. Who may is decided by the storage.
 * A link that does not work (any more) looks like one that never was.
 */
export class GroupLinks {
  readonly #groups: GroupStore;
  readonly #answer: Answer;
  readonly #writes: Writes;
  readonly #random: Random;
  readonly #changeRate: RateLimiter<bigint>;
  readonly #pulls: RateLimiter<bigint>;
  readonly #clock: Clock;
  readonly #maxLinks: number;

  constructor(parts: {
    groups: GroupStore;
    answer: Answer;
    writes: Writes;
    random: Random;
    /** Changes of groups per user. */
    changeRate: RateLimiter<bigint>;
    /** Pulls per user. */
    pulls: RateLimiter<bigint>;
    clock: Clock;
    maxLinks: number;
  }) {
    this.#groups = parts.groups;
    this.#answer = parts.answer;
    this.#writes = parts.writes;
    this.#random = parts.random;
    this.#changeRate = parts.changeRate;
    this.#pulls = parts.pulls;
    this.#clock = parts.clock;
    this.#maxLinks = parts.maxLinks;
  }

  make(packet: UplinkPacket, route: Route): Promise<void> {
    const { clientMsgId, conversationId, expiresMs, maxUses } = makeLinkRequest.decode(packet.data);
    const nowMs = this.#clock.now();
    requireClientMsgId(clientMsgId);
    requirePull(this.#changeRate, route.identity.userId, nowMs);
    if (expiresMs > 0 && expiresMs <= nowMs) throw invalid('the link would have expired already');
    return this.#writes.run(async () => {
      const made = await this.#groups.makeLink({
        conversationId,
        creatorId: route.identity.userId,
        clientMsgId,
        token: Buffer.from(this.#random.bytes(TOKEN_BYTES)).toString('base64url'),
        expiresMs,
        maxUses,
        maxLinks: this.#maxLinks,
        nowMs,
      });
      if (made.outcome === 'refused') throw new FastimError(made.reason);
      this.#answer.with(packet, makeLinkResponse.encode({ status: undefined, link: made.link }));
    });
  }

  async list(packet: UplinkPacket, route: Route): Promise<void> {
    const { conversationId } = linksRequest.decode(packet.data);
    const { userId } = route.identity;
    requirePull(this.#pulls, userId, this.#clock.now());
    const read = await this.#groups.links(conversationId, userId, this.#clock.now());
    if (read.outcome === 'refused') throw new FastimError(read.reason);
    this.#answer.with(packet, linksResponse.encode({ status: undefined, links: read.links }));
  }

  revoke(packet: UplinkPacket, route: Route): Promise<void> {
    const { conversationId, token } = revokeLinkRequest.decode(packet.data);
    const { userId } = route.identity;
    requireToken(token);
    requirePull(this.#changeRate, userId, this.#clock.now());
    return this.#writes.run(async () => {
      const reason = await this.#groups.revokeLink(conversationId, userId, token, this.#clock.now());
      if (reason) throw new FastimError(reason);
      this.#answer.ok(packet);
    });
  }

  async lookAt(packet: UplinkPacket, route: Route): Promise<void> {
    const { token } = lookAtLinkRequest.decode(packet.data);
    const { userId } = route.identity;
    requirePull(this.#pulls, userId, this.#clock.now());
    requireToken(token);
    const found = await this.#groups.lookAtLink(token, userId, this.#clock.now());
    if (!found) throw new FastimError('LINK_INVALID');
    // The announcement is for members.
    const group = { ...found.group, announcement: '' };
    this.#answer.with(packet, lookAtLinkResponse.encode({ status: undefined, ...found, group }));
  }

  async joins(packet: UplinkPacket, route: Route): Promise<void> {
    const { conversationId } = joinsRequest.decode(packet.data);
    const { userId } = route.identity;
    requirePull(this.#pulls, userId, this.#clock.now());
    const read = await this.#groups.pendingJoins(conversationId, userId);
    if (read.outcome === 'refused') throw new FastimError(read.reason);
    this.#answer.with(packet, joinsResponse.encode({ status: undefined, joins: read.joins }));
  }
}
