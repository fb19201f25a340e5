import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { IssuedSession } from '../auth/session-service.ts';
import type { UserRecord } from '../storage/user-store.ts';

/** The fastify instance whose routes take their types from zod schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse<IncomingMessage>,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export function userAnswer(user: UserRecord): { userId: string; username: string; displayName: string } {
  return { userId: String(user.userId), username: user.username, displayName: user.displayName };
}

export function sessionAnswer(session: IssuedSession) {
  return {
    sessionId: String(session.sessionId),
    deviceId: session.deviceId,
    epoch: session.epoch,
    accessToken: session.accessToken,
    accessExpiresAt: session.accessExpiresMs,
    refreshToken: session.refreshToken,
    refreshExpiresAt: session.refreshExpiresMs,
  };
}
