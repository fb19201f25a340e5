import type { Clock, RateLimiter } from '@fastim/core';
import { FastimError, MAX_USERS_A_CHANGE, profilesRequest, profilesResponse } from '@fastim/protocol';
import type { UplinkPacket } from '../cluster/contract.ts';
import type { Route } from '../routing/route-table.ts';
import type { UserRecord, UserStore } from '../storage/user-store.ts';
import type { Answer } from './answer.ts';
import { profileSize, rowsThatFit } from './page.ts';
import { requirePull } from './require-pull.ts';

/** PROFILES: names of users, in the order asked; those that do not exist are left out, and so are those that do not fit. */
export class ReadProfiles {
  readonly #users: UserStore;
  readonly #answer: Answer;
  readonly #rate: RateLimiter<bigint>;
  readonly #clock: Clock;

  constructor(parts: {
    users: UserStore;
    answer: Answer;
    /** Pulls per user. */
    rate: RateLimiter<bigint>;
    clock: Clock;
  }) {
    this.#users = parts.users;
    this.#answer = parts.answer;
    this.#rate = parts.rate;
    this.#clock = parts.clock;
  }

  async handle(packet: UplinkPacket, route: Route): Promise<void> {
    const userIds = [...new Set(profilesRequest.decode(packet.data).userIds)];
    requirePull(this.#rate, route.identity.userId, this.#clock.now());
    if (userIds.length > MAX_USERS_A_CHANGE) throw new FastimError('TOO_MANY');
    const found = userIds.length === 0 ? [] : await this.#users.byIds(userIds);
    const profiles = found.map(({ userId, username, displayName }: UserRecord) => ({ userId, username, displayName }));
    const fit = profiles.slice(0, rowsThatFit(profiles, profileSize));
    this.#answer.with(packet, profilesResponse.encode({ status: undefined, profiles: fit }));
  }
}
