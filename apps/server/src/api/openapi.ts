import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';

/** The OpenAPI document, made from the routes' own schemas. To be registered before them. */
export async function addOpenApi(api: FastifyInstance, options: { version: string }): Promise<void> {
  await api.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'FastIM HTTP API',
        version: options.version,
        description:
          'Accounts, people, conversations and where to connect. Messages travel over the binary protocol. ' +
          'Every error has the body {"error": {code, number, message, retryAfterMs, requestId}}.',
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
  });
  let document: string | undefined;
  api.get('/v1/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    document ??= JSON.stringify(api.swagger());
    return reply.type('application/json; charset=utf-8').send(document);
  });
}
