import { FastimError } from '@fastim/protocol';
import { z } from 'zod';
import type { GatePolicy } from '../../lsb/choose-gate.ts';
import type { GateDirectory } from '../../lsb/gate-directory.ts';
import type { GateTickets } from '../../lsb/gate-ticket.ts';
import type { Api } from '../api-types.ts';
import type { Bearer } from '../bearer.ts';
import { errorResponses, timeMs } from '../schemas.ts';

export interface GateRouteOptions {
  directory: GateDirectory;
  policy: GatePolicy;
  tickets: GateTickets;
  bearer: Bearer;
}

const RETRY_AFTER_MS = 2_000;

const gate = z.object({
  gateId: z.string(),
  tcp: z.object({ host: z.string(), port: z.number().int() }).nullable(),
  websocket: z.string().nullable(),
});

export function addGateRoutes(api: Api, { directory, policy, tickets, bearer }: GateRouteOptions): void {
  api.post(
    '/v1/gates',
    {
      onRequest: bearer.required,
      schema: {
        tags: ['gates'],
        summary: 'Where to connect: gates, best first, and a short ticket',
        security: [{ bearer: [] }],
        body: z.strictObject({
          clientVersion: z
            .string()
            .max(64)
            .regex(/^[\x20-\x7e]*$/, 'must be printable ASCII'),
        }),
        response: {
          200: z.object({
            gates: z.array(gate).min(1),
            ticket: z.string(),
            ticketExpiresAt: timeMs,
            delayMs: z.number().int().min(0).meta({ description: 'wait this long before connecting' }),
          }),
          ...errorResponses,
        },
      },
    },
    async (request) => {
      const { userId } = bearer.identityOf(request);
      const choice = policy(directory.candidates(), { userId, clientVersion: request.body.clientVersion });
      const gates = choice.gateIds.flatMap((gateId) => {
        const address = directory.address(gateId, request.hostname);
        return address ? [{ gateId, ...address }] : [];
      });
      if (gates.length === 0) {
        throw new FastimError('UNAVAILABLE', 'No gate takes clients now.', {
          retryAfterMs: Math.max(choice.delayMs, RETRY_AFTER_MS),
        });
      }
      const { ticket, expiresMs } = tickets.issue(userId);
      return { gates, ticket, ticketExpiresAt: expiresMs, delayMs: choice.delayMs };
    },
  );
}
