import type { AddressInfo } from 'node:net';
import type { SecureContext } from 'node:tls';
import { type Clock, type Random, RateLimiter } from '@fastim/core';
import { FastimError } from '@fastim/protocol';
import fastify, { type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Registry } from 'prom-client';
import type { Config } from '../config.ts';
import type { TrustedProxies } from '../net/trusted-proxies.ts';
import { createHttpMetrics } from '../observe/http-metrics.ts';
import type { Logger } from '../observe/logger.ts';
import { SecureSockets, secureHttp } from '../tls/secure-sockets.ts';
import type { Api } from './api-types.ts';
import { answerClientError } from './client-errors.ts';
import { sendError } from './error-answer.ts';
import type { RelaySeal } from './relay-seal.ts';
import { addRequestGuards } from './request-guards.ts';
import { addSecurityHeaders } from './security-headers.ts';
import { parseStrictJson } from './strict-json.ts';

export interface HttpServerOptions {
  config: Pick<Config, 'host' | 'port' | 'allowedOrigins' | 'api'>;
  /** Whose X-Forwarded-For, -Host and -Proto are believed. */
  trustedProxies: TrustedProxies;
  /** Of the cluster: what its processes pass on to each other is believed. */
  seal?: RelaySeal;
  /** Given: the port speaks TLS only. */
  tls?: { readonly context: SecureContext } | undefined;
  clock: Clock;
  random: Random;
  logger: Logger;
  registry: Registry;
}

/** A server for HTTP: the API, or an LSB. */
export interface ApiServer {
  /** For requests without a socket. */
  readonly http: FastifyInstance;
  /** Resolves with the port; rejects when it is taken. */
  start(): Promise<number>;
  /** Lets the requests under way end, for a short while. Idempotent. */
  stop(): Promise<void>;
}

const BODY_LIMIT = 64 * 1024;
const HEADER_LIMIT = 16 * 1024;
const STOP_PATIENCE_MS = 3_000;

/**
 * What every HTTP port of ours has before its routes: limits, strict JSON, error answers, security headers, guards, and
 * one record for each request. Routes are added to `http`; `serve` makes a server of it.
 */
export function createHttpServer(options: HttpServerOptions): { http: FastifyInstance; api: Api } {
  const { config, clock, random, logger } = options;
  const makeRequestId = () => Buffer.from(random.bytes(8)).toString('hex');
  const http: FastifyInstance = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    requestTimeout: config.api.requestTimeoutMs,
    keepAliveTimeout: config.api.keepAliveMs,
    forceCloseConnections: 'idle',
    genReqId: makeRequestId,
    trustProxy: (address: string) => options.trustedProxies.includes(address),
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false, caseSensitive: true },
    http: {
      maxHeaderSize: HEADER_LIMIT,
      headersTimeout: config.api.headersTimeoutMs,
      connectionsCheckingInterval: Math.max(20, Math.min(1_000, Math.floor(config.api.requestTimeoutMs / 4))),
      insecureHTTPParser: false,
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, makeRequestId()),
    frameworkErrors: (error, request, reply) => {
      sendError(error, request, reply, logger);
    },
  });
  if (options.tls) secureHttp(http.server, new SecureSockets({ tls: options.tls, http: true }));
  // Node would drop the headers past its own count without a word; the guards refuse them instead.
  http.server.maxHeadersCount = 0;
  http.setValidatorCompiler(validatorCompiler);
  http.setSerializerCompiler(serializerCompiler);
  http.removeAllContentTypeParsers();
  http.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) =>
    body.length === 0 ? undefined : parseStrictJson(body),
  );
  http.setErrorHandler((error, request, reply) => sendError(error, request, reply, logger));
  http.setNotFoundHandler(async (request, reply) => sendError(new FastimError('NOT_FOUND'), request, reply, logger));

  addSecurityHeaders(http);
  addRequestRecords(http, options);
  addRequestGuards(http, {
    host: config.host,
    allowedOrigins: config.allowedOrigins,
    requests: new RateLimiter({
      burst: config.api.requestsBurstPerAddress,
      perSecond: config.api.requestsPerSecondPerAddress,
    }),
    clock,
    ...(options.seal && { seal: options.seal }),
  });
  return { http, api: http.withTypeProvider<ZodTypeProvider>() };
}

/** `stopping`: what ends first when it stops. */
export async function serve(
  http: FastifyInstance,
  options: Pick<HttpServerOptions, 'config' | 'clock'>,
  stopping: () => void = () => undefined,
): Promise<ApiServer> {
  const { config, clock } = options;
  await http.ready();
  let stopped: Promise<void> | undefined;
  return {
    http,
    async start() {
      // For "localhost" a second server would be made, of which nothing above would hold.
      const host = config.host === 'localhost' ? '127.0.0.1' : config.host;
      await http.listen({ host, port: config.port });
      return (http.server.address() as AddressInfo).port;
    },
    stop() {
      stopped ??= stop(http, stopping, clock);
      return stopped;
    },
  };
}

/** One log line and one measurement per request: the route's pattern, never the path, a query or a body. */
function addRequestRecords(http: FastifyInstance, options: HttpServerOptions): void {
  const metrics = createHttpMetrics(options.registry);
  http.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unmatched';
    const ms = reply.elapsedTime;
    metrics.observe(request.method, route, reply.statusCode, ms / 1_000);
    options.logger.debug(
      { requestId: request.id, method: request.method, route, status: reply.statusCode, ms: Math.round(ms * 10) / 10 },
      'http',
    );
  });
}

async function stop(http: FastifyInstance, stopping: () => void, clock: Clock): Promise<void> {
  stopping();
  const cancel = clock.setTimer(STOP_PATIENCE_MS, () => http.server.closeAllConnections());
  try {
    await http.close();
  } finally {
    cancel();
  }
}
