import { isIPv4 } from 'node:net';
import type { Clock, RateLimiter } from '@fastim/core';
import { FastimError } from '@fastim/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { addressKey } from '../net/client-address.ts';
import { HttpRefusal } from './error-answer.ts';
import { RELAYED_HEADER, type RelaySeal } from './relay-seal.ts';

const MAX_HEADERS = 100;
const CORS_MAX_AGE_S = 600;
const readingMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface RequestGuardOptions {
  /** What the server listens on. */
  host: string;
  /** Foreign origins that may use the API from a browser; their hosts are also names of ours behind a proxy. */
  allowedOrigins: readonly string[];
  /** Requests per address. */
  requests: RateLimiter<string>;
  clock: Clock;
  /** What another process of the cluster passed on has been counted there. */
  seal?: RelaySeal;
}

/** What is checked of every request before its route sees it, in this order. */
export function addRequestGuards(api: FastifyInstance, options: RequestGuardOptions): void {
  const originNames = new Set(options.allowedOrigins.map((origin) => new URL(origin).hostname));
  const loopbackOnly = isLoopback(options.host);
  const origins = new Set(options.allowedOrigins);

  api.addHook('onRequest', async (request, reply) => {
    const isCounted = options.seal?.open(request.headers[RELAYED_HEADER]) !== undefined;
    if (!isCounted) requireRoom(request, options.requests, options.clock.now());
    requirePlainHeaders(request);
    // A page of a foreign site that rebinds its own name to 127.0.0.1 still says that name here.
    if (loopbackOnly && !isLoopback(request.hostname) && !originNames.has(request.hostname.toLowerCase())) {
      throw new FastimError('ORIGIN_REFUSED', 'This server is not known under that name.');
    }
    return checkOrigin(request, reply, origins);
  });
}

function requireRoom(request: FastifyRequest, requests: RateLimiter<string>, now: number): void {
  const waitMs = requests.take(addressKey(request.ip), now);
  if (waitMs > 0) throw new FastimError('RATE_LIMITED', undefined, { retryAfterMs: waitMs });
}

function requirePlainHeaders(request: FastifyRequest): void {
  const { raw, headers } = request;
  if (raw.rawHeaders.length / 2 > MAX_HEADERS) {
    throw new HttpRefusal(431, 'BAD_REQUEST', `A request has at most ${MAX_HEADERS} headers.`);
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new HttpRefusal(415, 'BAD_REQUEST', 'Compressed bodies are not taken.');
  }
}

async function checkOrigin(
  request: FastifyRequest,
  reply: FastifyReply,
  origins: ReadonlySet<string>,
): Promise<FastifyReply | undefined> {
  const { origin } = request.headers;
  if (origin === undefined || isSameOrigin(origin, request.host)) return undefined;
  reply.header('Vary', 'Origin');
  if (!origins.has(origin)) {
    if (readingMethods.has(request.method) && request.method !== 'OPTIONS') return undefined;
    throw new FastimError('ORIGIN_REFUSED');
  }
  reply.header('Access-Control-Allow-Origin', origin);
  reply.header('Access-Control-Expose-Headers', 'Retry-After, X-Request-Id, Idempotent-Replayed');
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return undefined;
  return reply
    .header('Access-Control-Allow-Methods', 'GET, POST, PATCH, DELETE')
    .header('Access-Control-Allow-Headers', 'Authorization, Content-Type, Idempotency-Key')
    .header('Access-Control-Max-Age', CORS_MAX_AGE_S)
    .code(204)
    .send();
}

/** Whether a browser's Origin is the host that the request was sent to, whatever stands in between for TLS. */
export function isSameOrigin(origin: string, host: string): boolean {
  if (!/^https?:\/\//i.test(origin) || !URL.canParse(origin)) return false;
  const { protocol } = new URL(origin);
  const target = `${protocol}//${host}`;
  return URL.canParse(target) && new URL(target).host === new URL(origin).host;
}

/** `host` as in a URL or as an address; a port is not part of it. */
export function isLoopback(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'));
}
