import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, RateLimiter } from '@fastim/core';
import type { Logger } from 'pino';
import { z } from 'zod';
import { isAdminToken } from './admin-token.ts';
import { adminErrorOf, type ClusterAdmin } from './cluster-admin.ts';

export interface AdminInterfaceOptions {
  readonly admin: ClusterAdmin;
  readonly token: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const MAX_BODY_BYTES = 4_096;
const MAX_LIMIT = 10_000;
/** Of an address that shows a wrong token. */
const WRONG_TOKENS = { perSecond: 1, burst: 10 };
const REQUESTS = { perSecond: 50, burst: 200 };

const text = z.string().min(1).max(256);
const limit = z.coerce.number().int().min(1).max(MAX_LIMIT).default(100);
const listQuery = z.strictObject({ user: text.nullable().default(null), gate: text.nullable().default(null), limit });
const traceQuery = z
  .strictObject({
    logId: z.coerce.number().int().min(0).max(0xffff_ffff).nullable().default(null),
    msgId: z
      .string()
      .regex(/^\d{1,19}$/)
      .nullable()
      .default(null),
  })
  .refine((query) => (query.logId === null) !== (query.msgId === null), 'either logId or msgId');
const drainBody = z.strictObject({ gate: text });
const reconnectBody = z.strictObject({ gate: text, windowMs: z.number().int() });
const kickBody = z.strictObject({ user: text, device: text.nullable().default(null) });
const nothing = z.strictObject({});

interface AdminRoute {
  readonly method: 'GET' | 'POST';
  run(admin: ClusterAdmin, input: unknown): unknown;
}

function on<T>(
  method: 'GET' | 'POST',
  schema: z.ZodType<T>,
  run: (admin: ClusterAdmin, input: T) => unknown,
): AdminRoute {
  return { method, run: (admin, input) => run(admin, schema.parse(input)) };
}

const routes: { readonly [path: string]: AdminRoute } = {
  '/admin/nodes': on('GET', nothing, (admin) => admin.nodes()),
  '/admin/gates': on('GET', nothing, (admin) => admin.gates()),
  '/admin/connections': on('GET', listQuery, (admin, query) => admin.connections(query)),
  '/admin/routes': on('GET', listQuery, (admin, query) => admin.routes(query)),
  '/admin/trace': on('GET', traceQuery, (admin, query) => admin.trace(query)),
  '/admin/intruders': on('GET', nothing, (admin) => admin.intruders()),
  '/admin/drain': on('POST', drainBody, (admin, body) => admin.drain(body.gate)),
  '/admin/reconnect': on('POST', reconnectBody, (admin, body) => admin.reconnect(body.gate, body.windowMs)),
  '/admin/kick': on('POST', kickBody, (admin, body) => admin.kick(body.user, body.device)),
};

class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * Admin over HTTP: JSON in and out, a bearer token. No browser is let in, whatever it knows: a request that a page could
 * have made is refused.
 */
export function createAdminInterface(
  options: AdminInterfaceOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { admin, token, clock, logger } = options;
  const wrongTokens = new RateLimiter<string>({ ...WRONG_TOKENS, maxKeys: 10_000 });
  const requests = new RateLimiter<string>(REQUESTS);

  const requireLeave = (request: IncomingMessage): void => {
    const { headers } = request;
    if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined) {
      throw new Refused(403, 'BROWSER', 'browsers are not let in');
    }
    const address = request.socket.remoteAddress ?? '';
    const shown = /^Bearer +(.{1,2048})$/.exec(headers.authorization ?? '')?.[1] ?? '';
    if (!isAdminToken(shown, token)) {
      if (wrongTokens.take(address, clock.now()) > 0) throw new Refused(429, 'RATE_LIMITED', 'too many wrong tokens');
      logger.warn({ address }, 'admin: a wrong token was shown');
      throw new Refused(401, 'UNAUTHORIZED', 'the admin token is missing or wrong');
    }
    if (requests.take('', clock.now()) > 0) throw new Refused(429, 'RATE_LIMITED', 'too many requests');
  };

  const answer = async (request: IncomingMessage): Promise<unknown> => {
    requireLeave(request);
    const url = new URL(request.url ?? '/', 'http://admin.invalid');
    const route = routes[url.pathname];
    if (!route) throw new Refused(404, 'NOT_FOUND', `there is no ${url.pathname}`);
    if (request.method !== route.method) throw new Refused(405, 'METHOD', `${url.pathname} is for ${route.method}`);
    const input = route.method === 'GET' ? Object.fromEntries(url.searchParams) : await readJson(request);
    return route.run(admin, input);
  };

  return (request, response) => {
    answer(request).then(
      (body) => send(response, 200, body),
      (error: unknown) => {
        const { status, code, message } = faultOf(error, logger);
        send(response, status, { error: { code, message } });
      },
    );
  };
}

function faultOf(error: unknown, logger: Logger): { status: number; code: string; message: string } {
  if (error instanceof Refused) return error;
  if (error instanceof z.ZodError) {
    const [issue] = error.issues;
    return { status: 400, code: 'BAD_REQUEST', message: `${issue?.path.join('.') || 'request'}: ${issue?.message}` };
  }
  const known = adminErrorOf(error);
  if (known) return known;
  logger.error({ err: error }, 'an admin request failed');
  return { status: 500, code: 'INTERNAL', message: 'it failed; the log of this node says why' };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new Refused(415, 'NOT_JSON', 'the body has to be JSON');
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length > MAX_BODY_BYTES) throw new Refused(413, 'TOO_LARGE', 'the body is too large');
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Refused(400, 'BAD_REQUEST', 'the body is not JSON');
  }
}
