import { z } from 'zod';
import type { Api } from '../api-types.ts';
import type { Readiness } from '../readiness.ts';

const state = z.enum(['ok', 'starting', 'draining', 'failing']);
const readiness = z.object({ ready: z.boolean(), components: z.record(z.string(), state) });

export function addHealthRoutes(api: Api, options: { readiness: Readiness }): void {
  api.get(
    '/livez',
    {
      schema: {
        tags: ['operation'],
        summary: 'Whether the process runs',
        response: { 200: z.object({ alive: z.literal(true) }) },
      },
    },
    async () => ({ alive: true as const }),
  );

  api.get(
    '/readyz',
    {
      schema: {
        tags: ['operation'],
        summary: 'Whether clients can be served, by component',
        response: { 200: readiness, 503: readiness },
      },
    },
    async (_request, reply) => {
      const components = await options.readiness.states();
      const ready = Object.values(components).every((component) => component === 'ok');
      return reply.code(ready ? 200 : 503).send({ ready, components });
    },
  );
}
