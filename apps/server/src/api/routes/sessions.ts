import { FastimError } from '@fastim/protocol';
import { z } from 'zod';
import type { SessionService } from '../../auth/session-service.ts';
import type { Api } from '../api-types.ts';
import type { Bearer } from '../bearer.ts';
import { deviceIdText, errorResponses, idText, timeMs } from '../schemas.ts';

export interface SessionRouteOptions {
  sessions: SessionService;
  bearer: Bearer;
  onlineSessions: (userId: bigint) => Promise<ReadonlySet<bigint>>;
}

const sessionRow = z.object({
  sessionId: idText,
  deviceId: deviceIdText,
  deviceName: z.string(),
  current: z.boolean().meta({ description: 'the one that asks' }),
  online: z.boolean().meta({ description: 'has a connection now' }),
  createdAt: timeMs,
  lastSeenAt: timeMs.meta({ description: 'to about a minute' }),
});

export function addSessionRoutes(api: Api, { sessions, bearer, onlineSessions }: SessionRouteOptions): void {
  api.get(
    '/v1/sessions',
    {
      onRequest: bearer.required,
      schema: {
        tags: ['sessions'],
        summary: 'Where this user is logged in, newest first',
        security: [{ bearer: [] }],
        response: { 200: z.object({ sessions: z.array(sessionRow) }), ...errorResponses },
      },
    },
    async (request) => {
      const identity = bearer.identityOf(request);
      const records = await sessions.ofUser(identity.userId);
      const online = await onlineSessions(identity.userId);
      return {
        sessions: records.map((record) => ({
          sessionId: String(record.sessionId),
          deviceId: record.deviceId,
          deviceName: record.deviceName,
          current: record.sessionId === identity.sessionId,
          online: online.has(record.sessionId),
          createdAt: record.createdMs,
          lastSeenAt: record.lastSeenMs,
        })),
      };
    },
  );

  api.delete(
    '/v1/sessions/:sessionId',
    {
      onRequest: bearer.required,
      schema: {
        tags: ['sessions'],
        summary: 'Log one of the own devices out: its tokens end and its connections close at once; safe to repeat',
        security: [{ bearer: [] }],
        params: z.strictObject({ sessionId: idText }),
        response: { 204: z.undefined(), ...errorResponses },
      },
    },
    async (request, reply) => {
      const { userId } = bearer.identityOf(request);
      if (!(await sessions.endOwn(userId, BigInt(request.params.sessionId)))) throw new FastimError('NOT_FOUND');
      return reply.code(204).send();
    },
  );
}
