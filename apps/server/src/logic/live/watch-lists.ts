import type { Presence } from '@fastim/protocol';
import type { Route } from '../../routing/route-table.ts';

/** Whose presence each connection watches, and what it was last told of each. */
export class WatchLists {
  readonly #lists = new Map<Route, Map<bigint, Presence | undefined>>();
  readonly #watchers = new Map<bigint, Set<Route>>();

  /** In place of what the connection watched before. */
  replace(route: Route, userIds: readonly bigint[]): void {
    this.forget(route);
    if (userIds.length === 0) return;
    this.#lists.set(route, new Map(userIds.map((userId) => [userId, undefined])));
    for (const userId of userIds) {
      const watchers = this.#watchers.get(userId);
      if (watchers) watchers.add(route);
      else this.#watchers.set(userId, new Set([route]));
    }
  }

  forget(route: Route): void {
    for (const userId of this.#lists.get(route)?.keys() ?? []) {
      const watchers = this.#watchers.get(userId);
      watchers?.delete(route);
      if (watchers?.size === 0) this.#watchers.delete(userId);
    }
    this.#lists.delete(route);
  }

  /** Whom the connection watches. */
  of(route: Route): bigint[] {
    return [...(this.#lists.get(route)?.keys() ?? [])];
  }

  /** Everybody whom somebody watches. */
  watched(): bigint[] {
    return [...this.#watchers.keys()];
  }

  isWatched(userId: bigint): boolean {
    return this.#watchers.has(userId);
  }

  /** Does not change while it is gone through. */
  watchersOf(userId: bigint): Route[] {
    return [...(this.#watchers.get(userId) ?? [])];
  }

  /** Notes what the connection is told. False: it does not watch this user (any more), or knows that already. */
  tell(route: Route, presence: Presence): boolean {
    const list = this.#lists.get(route);
    if (!list?.has(presence.userId)) return false;
    const before = list.get(presence.userId);
    if (before?.online === presence.online && before.hidden === presence.hidden) return false;
    list.set(presence.userId, presence);
    return true;
  }
}
