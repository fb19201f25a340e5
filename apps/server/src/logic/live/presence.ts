import { type Clock, DedupeWindow, type RateLimiter } from '@fastim/core';
import { Command, FastimError, type Presence, presencePush, presenceRequest, presenceResponse } from '@fastim/protocol';
import type { UplinkPacket } from '../../cluster/contract.ts';
import { visitRoutes } from '../../routing/locate-user.ts';
import type { Route, RouteTable } from '../../routing/route-table.ts';
import type { SendToGate } from '../../routing/send-to-gate.ts';
import type { SessionStore } from '../../storage/session-store.ts';
import type { UserStore } from '../../storage/user-store.ts';
import type { Answer } from '../answer.ts';
import {
  LAST_SEEN_REMEMBERED,
  MAX_WATCHED_USERS,
  OFFLINE_AFTER,
  ONLINE_AFTER,
  PRESENCE_AGAIN_AFTER,
} from '../logic-limits.ts';
import type { LogicMetrics } from '../logic-metrics.ts';
import { requirePull } from '../require-pull.ts';
import { WatchLists } from './watch-lists.ts';

/**
 * PRESENCE: who of the watched users is online, now and on every change. Online is who has a route. A user who does not
 * show it is `hidden` to all, and all are `hidden` to that user; the storage says so anew before each push, so a changed
 * mind counts from then on.
 *
 * Pushes follow a change after a moment: most of those who lose their connection are back before anybody is told.
 */
export class PresenceWatch {
  readonly #users: UserStore;
  readonly #sessions: SessionStore;
  readonly #routes: RouteTable;
  readonly #toGate: SendToGate;
  readonly #answer: Answer;
  readonly #rate: RateLimiter<bigint>;
  readonly #clock: Clock;
  readonly #metrics: LogicMetrics;
  readonly #lists = new WatchLists();
  readonly #lastSeen = new DedupeWindow<bigint, number>(LAST_SEEN_REMEMBERED);
  /** Watched users whose change is told when the timer ends. */
  readonly #changes = new Map<bigint, () => void>();
  #due = new Set<bigint>();
  #telling = false;
  #unwatch: (() => void) | undefined;

  constructor(parts: {
    users: UserStore;
    sessions: SessionStore;
    routes: RouteTable;
    toGate: SendToGate;
    answer: Answer;
    /** Pulls per user. */
    rate: RateLimiter<bigint>;
    clock: Clock;
    metrics: LogicMetrics;
  }) {
    this.#users = parts.users;
    this.#sessions = parts.sessions;
    this.#routes = parts.routes;
    this.#toGate = parts.toGate;
    this.#answer = parts.answer;
    this.#rate = parts.rate;
    this.#clock = parts.clock;
    this.#metrics = parts.metrics;
  }

  start(): void {
    this.#unwatch ??= this.#routes.watch((userId, online) => this.#moved(userId, online));
  }

  stop(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    for (const cancel of this.#changes.values()) cancel();
    this.#changes.clear();
    this.#due.clear();
  }

  async handle(packet: UplinkPacket, route: Route): Promise<void> {
    const userIds = [...new Set(presenceRequest.decode(packet.data).userIds)];
    const me = route.identity.userId;
    requirePull(this.#rate, me, this.#clock.now());
    if (userIds.length > MAX_WATCHED_USERS) throw new FastimError('TOO_MANY');
    // From here on changes are told: what comes while the storage is read is not missed.
    this.#lists.replace(route, userIds);
    const presences = userIds.length === 0 ? [] : await this.#read(userIds, me);
    if (this.#routes.find(route.connection) === route) {
      for (const presence of presences) this.#lists.tell(route, presence);
    } else this.#lists.forget(route);
    this.#answer.with(packet, presenceResponse.encode({ status: undefined, presences }));
  }

  /** The connection is gone. */
  forget(route: Route): void {
    this.#lists.forget(route);
  }

  /** The user shows it from now on, or does so no longer: whoever watches is told, and the user of those he watches. */
  refresh(userId: bigint): void {
    this.#schedule(userId, ONLINE_AFTER);
    const lookAgain = (route: Route): void => {
      for (const watchedId of this.#lists.of(route)) {
        // Who is about to be told of is told of then.
        if (!this.#changes.has(watchedId)) this.#schedule(watchedId, ONLINE_AFTER);
      }
    };
    visitRoutes(this.#routes, userId, lookAgain, (error) => this.#answer.explain(error));
  }

  /** Changes may have been missed: everybody who is watched is looked at anew. */
  refreshAll(): void {
    for (const userId of this.#lists.watched()) if (!this.#changes.has(userId)) this.#schedule(userId, ONLINE_AFTER);
  }

  async #read(userIds: readonly bigint[], me: bigint): Promise<Presence[]> {
    const users = new Map((await this.#users.byIds([me, ...userIds])).map((user) => [user.userId, user]));
    const mineShown = users.get(me)?.showOnline ?? false;
    return Promise.all(
      userIds.map((userId) => this.#presenceOf(userId, mineShown && (users.get(userId)?.showOnline ?? false))),
    );
  }

  async #presenceOf(userId: bigint, shown: boolean): Promise<Presence> {
    if (!shown) return { userId, online: false, hidden: true, lastSeenMs: 0 };
    if ((await this.#routes.ofUser(userId)).length > 0) {
      return { userId, online: true, hidden: false, lastSeenMs: this.#clock.now() };
    }
    let lastSeenMs = this.#lastSeen.get(userId);
    if (lastSeenMs === undefined) {
      lastSeenMs = 0;
      for (const session of await this.#sessions.ofUser(userId)) {
        lastSeenMs = Math.max(lastSeenMs, session.lastSeenMs);
      }
      // Somebody may have come and gone meanwhile.
      lastSeenMs = Math.max(lastSeenMs, this.#lastSeen.get(userId) ?? 0);
      this.#lastSeen.remember(userId, lastSeenMs);
    }
    return { userId, online: false, hidden: false, lastSeenMs };
  }

  #moved(userId: bigint, online: boolean): void {
    if (!online) this.#lastSeen.remember(userId, this.#clock.now());
    this.#schedule(userId, online ? ONLINE_AFTER : OFFLINE_AFTER);
  }

  #schedule(userId: bigint, afterMs: number): void {
    if (!this.#unwatch || !this.#lists.isWatched(userId)) return;
    this.#changes.get(userId)?.();
    const cancel = this.#clock.setTimer(afterMs, () => {
      this.#changes.delete(userId);
      this.#due.add(userId);
      if (!this.#telling) this.#tell().catch((error: unknown) => this.#answer.explain(error));
    });
    this.#changes.set(userId, cancel);
  }

  async #tell(): Promise<void> {
    this.#telling = true;
    let due: bigint[] = [];
    try {
      while (this.#due.size > 0) {
        due = [...this.#due];
        this.#due = new Set();
        const watching = new Set(due);
        for (const userId of due) {
          for (const { identity } of this.#lists.watchersOf(userId)) watching.add(identity.userId);
        }
        const shown = new Set<bigint>();
        for (const user of await this.#users.byIds([...watching])) if (user.showOnline) shown.add(user.userId);
        for (const userId of due) await this.#tellWatchers(userId, shown);
      }
    } catch (error) {
      // Who was not told of is told of later; those who were hear nothing twice.
      for (const userId of [...due, ...this.#due]) this.#schedule(userId, PRESENCE_AGAIN_AFTER);
      this.#due = new Set();
      throw error;
    } finally {
      this.#telling = false;
    }
  }

  async #tellWatchers(userId: bigint, shown: ReadonlySet<bigint>): Promise<void> {
    const open = await this.#presenceOf(userId, shown.has(userId));
    const hidden: Presence = { userId, online: false, hidden: true, lastSeenMs: 0 };
    let pieces: Map<Presence, Uint8Array> | undefined;
    for (const route of this.#lists.watchersOf(userId)) {
      const presence = shown.has(route.identity.userId) ? open : hidden;
      if (!this.#lists.tell(route, presence)) continue;
      pieces ??= new Map([open, hidden].map((each) => [each, presencePush.encode({ presences: [each] })]));
      this.#metrics.presencePushes += 1;
      this.#toGate.push(route, Command.presencePush, pieces.get(presence)!, 0);
    }
  }
}
