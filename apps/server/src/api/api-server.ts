import type { AddressInfo } from 'node:net';
import { type Clock, type Random, RateLimiter } from '@fastim/core';
import { FastimError } from '@fastim/protocol';
import fastify, { type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Registry } from 'prom-client';
import type { AccountService } from '../auth/account-service.ts';
import type { SessionService } from '../auth/session-service.ts';
import type { Config } from '../config.ts';
import type { AccessVerifier } from '../logic/access-verifier.ts';
import type { GatePolicy } from '../lsb/choose-gate.ts';
import type { GateDirectory } from '../lsb/gate-directory.ts';
import type { GateTickets } from '../lsb/gate-ticket.ts';
import type { TrustedProxies } from '../net/trusted-proxies.ts';
import { createHttpMetrics } from '../observe/http-metrics.ts';
import type { Logger } from '../observe/logger.ts';
import type { ConversationStore } from '../storage/conversation-store.ts';
import type { UserStore } from '../storage/user-store.ts';
import { Bearer } from './bearer.ts';
import { type BridgePipe, pipeBridge } from './bridge-pipe.ts';
import { addBrowserApp } from './browser-app.ts';
import { answerClientError } from './client-errors.ts';
import { sendError } from './error-answer.ts';
import { addIdempotency } from './idempotency.ts';
import { addOpenApi } from './openapi.ts';
import type { Readiness } from './readiness.ts';
import { addRequestGuards } from './request-guards.ts';
import { addAuthRoutes } from './routes/auth.ts';
import { addConversationRoutes } from './routes/conversations.ts';
import { addGateRoutes } from './routes/gates.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addMeRoutes } from './routes/me.ts';
import { addServerRoutes } from './routes/server.ts';
import { addSessionRoutes } from './routes/sessions.ts';
import { addUserRoutes } from './routes/users.ts';
import { addSecurityHeaders } from './security-headers.ts';
import { parseStrictJson } from './strict-json.ts';

export interface ApiServerOptions {
  config: Pick<Config, 'host' | 'port' | 'name' | 'allowedOrigins' | 'api' | 'app'>;
  /** Whose X-Forwarded-For, -Host and -Proto are believed. */
  trustedProxies: TrustedProxies;
  version: string;
  users: UserStore;
  conversations: ConversationStore;
  accounts: AccountService;
  sessions: SessionService;
  access: AccessVerifier;
  /** The user's sessions that have a connection now. */
  onlineSessions: (userId: bigint) => Promise<ReadonlySet<bigint>>;
  /** The user changed who sees that; the storage knows already. */
  showOnlineChanged: (userId: bigint) => void;
  gates: { directory: GateDirectory; policy: GatePolicy; tickets: GateTickets };
  readiness: Readiness;
  makeConversationId: () => bigint;
  clock: Clock;
  random: Random;
  logger: Logger;
  registry: Registry;
}

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

/** The HTTP side of the server: API, health, OpenAPI document, and the browser app if there is one. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
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
  });
  addIdempotency(http, { clock, random });
  await addOpenApi(http, { version: options.version });
  addRoutes(http, options);
  if (config.app.directory) await addBrowserApp(http, config.app.directory);
  let bridge: BridgePipe | undefined;
  if (config.app.bridgePort > 0) bridge = pipeBridge(http.server, { bridgePort: config.app.bridgePort, logger });
  await http.ready();

  let stopping: Promise<void> | undefined;
  return {
    http,
    async start() {
      await http.listen({ host: config.host, port: config.port });
      return (http.server.address() as AddressInfo).port;
    },
    stop() {
      stopping ??= stop(http, bridge, clock);
      return stopping;
    },
  };
}

function addRoutes(http: FastifyInstance, options: ApiServerOptions): void {
  const { clock, users, conversations, accounts, sessions } = options;
  const api = http.withTypeProvider<ZodTypeProvider>();
  const bearer = new Bearer(options.access);
  addHealthRoutes(api, { readiness: options.readiness });
  addServerRoutes(api, { name: options.config.name, version: options.version, clock });
  addAuthRoutes(api, { accounts, sessions, bearer });
  addSessionRoutes(api, { sessions, bearer, onlineSessions: options.onlineSessions });
  addMeRoutes(api, { users, bearer, showOnlineChanged: options.showOnlineChanged });
  addUserRoutes(api, { users, bearer });
  addConversationRoutes(api, {
    users,
    conversations,
    bearer,
    clock,
    makeConversationId: options.makeConversationId,
  });
  addGateRoutes(api, { ...options.gates, bearer });
}

/** One log line and one measurement per request: the route's pattern, never the path, a query or a body. */
function addRequestRecords(http: FastifyInstance, options: ApiServerOptions): void {
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

async function stop(http: FastifyInstance, bridge: BridgePipe | undefined, clock: Clock): Promise<void> {
  bridge?.stop();
  const cancel = clock.setTimer(STOP_PATIENCE_MS, () => http.server.closeAllConnections());
  try {
    await http.close();
  } finally {
    cancel();
  }
}
