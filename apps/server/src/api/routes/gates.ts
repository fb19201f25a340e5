import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { GateOffers } from '../../lsb/gate-offers.ts';
import type { Api } from '../api-types.ts';
import type { Bearer } from '../bearer.ts';
import type { LsbRelay } from '../lsb-relay.ts';
import { RELAYED_HEADER, type RelaySeal } from '../relay-seal.ts';
import { errorResponses, timeMs } from '../schemas.ts';

export interface GateRouteOptions {
  offers: GateOffers;
  /** Other processes that answer in place of this one, as long as any of them does. */
  relay?: LsbRelay;
  /** Of the cluster: opens what others pass on. */
  seal?: RelaySeal;
  bearer: Bearer;
}

const printable = z
  .string()
  .max(64)
  .regex(/^[\x20-\x7e]*$/, 'must be printable ASCII');

export const gatesRequest = z.strictObject({
  clientVersion: printable.meta({ description: 'name/semver' }),
  appId: printable.min(1).default('fastim').meta({ description: 'the app, where the operator has several' }),
  channel: z
    .enum(['single', 'group', 'both'])
    .default('both')
    .meta({ description: 'the conversations that the connection is for' }),
});

const ticket = z.string().meta({ description: 'for one LOGIN of this user at this gate' });

export const gatesAnswer = z.object({
  gates: z
    .array(
      z.object({
        gateId: z.string(),
        tcp: z.object({ host: z.string(), port: z.number().int() }).nullable(),
        websocket: z.string().nullable(),
        ticket,
      }),
    )
    .min(1),
  ticket: ticket.meta({ description: 'that of the first gate' }),
  ticketExpiresAt: timeMs,
  delayMs: z.number().int().min(0).meta({ description: 'wait this long before connecting' }),
});

export type GatesAnswer = z.infer<typeof gatesAnswer>;

export function addGateRoutes(api: Api, { offers, relay, seal, bearer }: GateRouteOptions): void {
  api.post(
    '/v1/gates',
    {
      // Whoever answers looks at the token; it is looked up twice only where no other LSB did.
      ...(!relay && { onRequest: bearer.required }),
      schema: {
        tags: ['gates'],
        summary: 'Where to connect: gates, best first, each with a short ticket',
        security: [{ bearer: [] }],
        body: gatesRequest,
        response: { 200: gatesAnswer, ...errorResponses },
      },
    },
    async (request): Promise<GatesAnswer> => {
      if (relay) {
        const answer = await relay.ask(request, request.body);
        if (answer) return answer;
        await bearer.required(request);
      }
      return own(request, request.body);
    },
  );

  async function own(request: FastifyRequest, body: z.infer<typeof gatesRequest>): Promise<GatesAnswer> {
    const { userId } = bearer.identityOf(request);
    const offer = await offers.offer(
      { userId, ...body },
      seal?.open(request.headers[RELAYED_HEADER])?.host ?? request.hostname,
    );
    return {
      gates: [...offer.gates],
      ticket: offer.gates[0]!.ticket,
      ticketExpiresAt: offer.ticketExpiresMs,
      delayMs: offer.delayMs,
    };
  }
}
