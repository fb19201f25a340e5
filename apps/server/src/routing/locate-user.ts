import type { Route, RouteTable } from './route-table.ts';

/**
 * Calls `visit` for every connection of a user: at once when the routes are in memory, later when they have to be
 * looked up. A failed look-up is `onError`'s: the user's devices then learn by their next heartbeat.
 */
export function visitRoutes(
  table: RouteTable,
  userId: bigint,
  visit: (route: Route) => void,
  onError: (error: unknown) => void,
): void {
  const routes = table.ofUser(userId);
  if (Array.isArray(routes)) {
    for (const route of routes as readonly Route[]) visit(route);
  } else {
    (routes as Promise<readonly Route[]>)
      .then((found) => {
        for (const route of found) visit(route);
      })
      .catch(onError);
  }
}
