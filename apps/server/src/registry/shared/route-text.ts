import { z } from 'zod';
import type { ConnectionRef } from '../../cluster/contract.ts';
import type { Route } from '../../routing/route-table.ts';

/** A route as it stands in the registry: a field and its value of the user's hash. */
const routeValue = z.tuple([
  z.string().min(1).max(256),
  z.string().max(256),
  z.string().regex(/^\d{1,20}$/),
  z.number().int().min(0),
]);

export function fieldOf({ gateId, connectionId }: ConnectionRef): string {
  return `${gateId}/${connectionId}`;
}

/** What every value of this owner starts with. */
export function ownerPrefix(logicNodeId: string): string {
  return `[${JSON.stringify(logicNodeId)},`;
}

export function routeText({ identity }: Route, logicNodeId: string): string {
  return JSON.stringify([logicNodeId, identity.deviceId, String(identity.sessionId), identity.epoch]);
}

export interface ReadRoute {
  readonly route: Route;
  readonly logicNodeId: string;
}

/** Undefined: it is no route. */
export function readRoute(userId: bigint, field: string, value: string): ReadRoute | undefined {
  const slash = field.lastIndexOf('/');
  const connectionId = Number(field.slice(slash + 1));
  if (slash < 1 || !Number.isSafeInteger(connectionId) || connectionId < 0) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return undefined;
  }
  const result = routeValue.safeParse(parsed);
  if (!result.success) return undefined;
  const [logicNodeId, deviceId, sessionId, epoch] = result.data;
  return {
    logicNodeId,
    route: {
      connection: { gateId: field.slice(0, slash), connectionId },
      identity: { userId, deviceId, sessionId: BigInt(sessionId), epoch },
    },
  };
}

const routeNews = z.array(
  z.tuple([z.string().regex(/^\d{1,20}$/), z.string().max(1_024), z.string().max(4_096).nullable(), z.boolean()]),
);

export function readRouteNews(text: string): z.infer<typeof routeNews> | undefined {
  try {
    const result = routeNews.safeParse(JSON.parse(text));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}
