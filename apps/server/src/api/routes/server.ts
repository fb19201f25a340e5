import type { Clock } from '@fastim/core';
import { MAX_PROTOCOL_VERSION, MIN_PROTOCOL_VERSION } from '@fastim/protocol';
import { z } from 'zod';
import type { Api } from '../api-types.ts';
import { errorResponses, timeMs } from '../schemas.ts';

export interface ServerRouteOptions {
  name: string;
  version: string;
  clock: Clock;
}

export function addServerRoutes(api: Api, options: ServerRouteOptions): void {
  api.get(
    '/v1/server',
    {
      schema: {
        tags: ['server'],
        summary: 'Which server this is; also the way to check an address',
        response: {
          200: z.object({
            name: z.string(),
            version: z.string(),
            protocol: z.object({ min: z.number().int(), max: z.number().int() }).meta({ description: 'wire versions' }),
            tls: z.boolean().meta({ description: 'whether this request came over TLS, as far as the server can know' }),
            serverTimeMs: timeMs,
          }),
          ...errorResponses,
        },
      },
    },
    async (request) => ({
      name: options.name,
      version: options.version,
      protocol: { min: MIN_PROTOCOL_VERSION, max: MAX_PROTOCOL_VERSION },
      tls: request.protocol === 'https',
      serverTimeMs: options.clock.now(),
    }),
  );
}
